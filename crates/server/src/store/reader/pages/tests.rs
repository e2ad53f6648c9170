use std::path::Path;
use std::sync::Arc;

use domain::Rules;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::store::rows::reservas::awaiting_a_session;
use crate::store::{Environment, StoreCloser};

const NOW: Moment = Moment::from_millis(1_767_225_600_000);

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.expect("the same file")
}

/// How SQLite finds the rows of a query, a line for each table.
async fn plan(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    // What is not bound is NULL.
    let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
    let steps = plan.fetch_all(connection).await.expect("a plan");
    let steps = steps.iter().map(|step| step.get::<String, _>("detail"));
    steps.filter(|step| step.starts_with("SEARCH") || step.starts_with("SCAN")).collect()
}

/// A store on a file of its own, and one more connection to that.
async fn opened() -> (TempDir, Store, StoreCloser, SqliteConnection) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("server1.db");
    let (changes, _receiver) = mpsc::channel(1);
    let server_id = "server1".to_owned();
    let environment =
        Environment { server_id, now: Arc::new(|| NOW), rules: Rules::default(), changes };
    let (store, closer) = Store::open(&path, environment).await.expect("the store opens");
    let connection = connect(&path).await;
    (folder, store, closer, connection)
}

/// The number of a row bounds what is read of each table, whatever else is asked for.
#[tokio::test]
async fn a_page_is_read_from_where_the_one_before_it_ended() {
    let (_folder, store, closer, mut connection) = opened().await;

    let reservas = ReservasQuery { limit: 10, ..ReservasQuery::default() };
    let recent = Some(NOW.plus_millis(-1000));
    for (query, tables) in [
        (reservas.clone(), 2),
        (ReservasQuery { posto_id: Some(1), ..reservas.clone() }, 2),
        (ReservasQuery { status: Some(ReservaState::Encerrada), ..reservas.clone() }, 2),
        (ReservasQuery { status: Some(ReservaState::Ativa), ..reservas.clone() }, 1),
        (ReservasQuery { from: Some(Moment::from_millis(0)), ..reservas.clone() }, 2),
        (ReservasQuery { from: recent, ..reservas.clone() }, 1),
    ] {
        let steps = plan(&mut connection, &query.sql(NOW)).await;
        assert_eq!(steps.len(), tables, "{query:?}: {steps:?}");
        let are_bounded =
            steps.iter().all(|step| step.ends_with("USING INTEGER PRIMARY KEY (rowid<?)"));
        assert!(are_bounded, "{query:?}: {steps:?}");
    }
    let of_a_carro = ReservasQuery { placa: Some("ABC1234".to_owned()), ..reservas };
    let steps = plan(&mut connection, &of_a_carro.sql(NOW)).await;
    assert!(steps.iter().all(|step| step.contains("_by_placa (placa=?")), "{steps:?}");

    let sessions = CarregamentosQuery { limit: 10, ..CarregamentosQuery::default() };
    for query in [
        sessions.clone(),
        CarregamentosQuery { from: recent, ..sessions.clone() },
        CarregamentosQuery { ended_from: Some(Moment::from_millis(0)), ..sessions.clone() },
    ] {
        let steps = plan(&mut connection, &query.sql(NOW)).await;
        assert_eq!(steps.len(), 2, "{query:?}: {steps:?}");
        let are_bounded =
            steps.iter().all(|step| step.ends_with("USING INTEGER PRIMARY KEY (rowid<?)"));
        assert!(are_bounded, "{query:?}: {steps:?}");
    }
    let ended = CarregamentosQuery { ended_from: recent, ..sessions };
    let steps = plan(&mut connection, &ended.sql(NOW)).await;
    let expected = [
        "SEARCH carregamentos USING INTEGER PRIMARY KEY (rowid<?)",
        "SEARCH archived_carregamentos USING INDEX archived_carregamentos_corrected (fim>?)",
    ];
    assert_eq!(steps, expected);
    drop((store, connection));
    closer.close().await.expect("it closes");
}

/// It is asked in transactions of the writer: from the few open sessions, and not from each reserva to
/// all sessions of its posto.
#[tokio::test]
async fn reservas_that_await_a_session_are_found_by_the_open_sessions() {
    let (_folder, store, closer, mut connection) = opened().await;
    for (sql, index) in [
        (awaiting_a_session!("reservas"), "reservas_by_placa (placa=?)"),
        (
            awaiting_a_session!("archived_reservas"),
            "archived_reservas_by_posto (posto_id=? AND fim>?)",
        ),
    ] {
        let steps = plan(&mut connection, sql).await;
        let expected = [
            "SCAN c USING INDEX carregamentos_open".to_owned(),
            format!("SEARCH r USING INDEX {index}"),
        ];
        assert_eq!(steps, expected);
    }
    drop((store, connection));
    closer.close().await.expect("it closes");
}
