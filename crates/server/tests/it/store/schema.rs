//! What the schema itself guarantees, whatever writes.

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::store::archive::{MONTH, a_month_later, archive};
use crate::store::upgrade::{OLD_DATA, old_file};
use crate::support::TestStore;

/// What nothing has that is archived.
const NEVER_ARCHIVED: [&str; 2] = ["falta_em", "carregamento_id"];

/// The only row of a table, by the names of its columns. Generated ones are left out.
fn only_row(store: &TestStore, table: &str) -> Vec<(String, Value)> {
    let file = Connection::open(store.path()).expect("the file");
    let sql = "SELECT name FROM pragma_table_info(?1) ORDER BY name";
    let mut statement = file.prepare(sql).expect("SQL");
    let names = statement.query_map([table], |row| row.get(0)).expect("columns");
    let names: Vec<String> = names.map(|name| name.expect("a name")).collect();
    let sql = format!("SELECT {} FROM {table}", names.join(", "));
    let read = |row: &rusqlite::Row<'_>| {
        names.iter().map(|name| Ok((name.clone(), row.get(name.as_str())?))).collect()
    };
    file.query_row(&sql, [], read).expect("one row")
}

#[tokio::test]
async fn the_archive_keeps_every_column_of_a_reserva() {
    let store = TestStore::new(1).await;
    store.reserve("r1", "ABC1234", 1).await.expect("it is free");
    store.execute_sql(
        "UPDATE reservas SET status = 'encerrada', motivo = 'pedido', livre_desde = fim - 1,
             app = 'app1', client_id = 'cliente1', versao = 3, tolerancia = 900000,
             chegou_em = inicio + 1, aviso = 'posto_livre', posto_desde = inicio + 2,
             first_answer = json_array(1, inicio, fim, 2.5)",
    );
    let mut before = only_row(&store, "reservas");
    before.retain(|(name, _)| !NEVER_ARCHIVED.contains(&name.as_str()));
    for (name, value) in &before {
        assert_ne!(*value, Value::Null, "{name} needs a value above, or its loss is not seen");
    }
    a_month_later(&store).await;
    assert_eq!(archive(&store, MONTH).await, 1);
    assert_eq!(only_row(&store, "archived_reservas"), before);
}

/// Of a file that an older release began, and of a new one.
#[tokio::test]
async fn foreign_keys_of_reservas_are_checked_at_the_commit() {
    for store in [TestStore::open(old_file(3, OLD_DATA).await).await, TestStore::new(1).await] {
        let path = store.path();
        let folder = store.close().await;
        let file = rusqlite::Connection::open(&path).expect("the file");
        for check in ["integrity_check", "foreign_key_check"] {
            let found =
                file.query_row(&format!("PRAGMA {check}"), [], |row| row.get::<_, String>(0));
            assert!(!found.is_ok_and(|found| found != "ok"), "{check}");
        }
        let insert = |posto_id: i64, placa: &str, carregamento_id: &str| {
            format!(
                "INSERT INTO reservas (posto_id, placa, inicio, fim, status, created_at, updated_at,
                     carregamento_id)
                 VALUES ({posto_id}, {placa}, 1, 2, 'encerrada', 0, 0, {carregamento_id})"
            )
        };
        for (wrong, missing) in [
            (insert(99, "NULL", "NULL"), "a posto"),
            (insert(1, "'ZZZ0000'", "NULL"), "a carro"),
            (insert(1, "NULL", "99"), "a session"),
        ] {
            file.execute_batch(&format!("BEGIN; {wrong}")).expect("nothing is checked yet");
            let refused = file.execute_batch("COMMIT").expect_err(missing);
            assert!(refused.to_string().contains("FOREIGN KEY"), "{missing}: {refused}");
            file.execute_batch("ROLLBACK").expect("the transaction is open");
        }
        drop(folder);
    }
}
