//! What the schema itself guarantees, whatever writes.

use crate::store::upgrade::{OLD_DATA, old_file};
use crate::support::TestStore;

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
