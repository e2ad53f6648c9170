//! Starts that fail with a reason for the operator, and an orderly stop.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;
use server::{Config, Server};

use crate::running::{Home, Running};

#[tokio::test]
async fn a_stop_leaves_one_complete_file_within_five_seconds() {
    let server = Running::fresh().await;
    server.post("/postos", &json!({"nome": "Novo", "localizacao": "0,0"})).await;
    let stopped = tokio::time::timeout(Duration::from_secs(5), server.stop()).await;
    let home = stopped.expect("it stops within the time that Docker allows");
    let database = home.database();
    let left = std::fs::read_dir(database.parent().expect("a folder")).expect("a folder");
    let left = left.map(|entry| entry.expect("an entry").path());
    let left: Vec<_> = left.filter(|path| *path != home.token_file()).collect();
    assert_eq!(left, [database], "a WAL was left beside the database");
    let server = home.start().await.expect("it starts again");
    assert_eq!(server.get("/postos").await.column("postos", "id"), [1, 2, 3, 4]);
    server.stop().await;
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let server = Running::fresh().await;
    let taken = server.addr;
    let config = Config { http_addr: taken, ..Home::new().config() };
    let error = Server::start(config).await.err().expect("it is taken").to_string();
    assert!(error.starts_with(&format!("HTTP_ADDR is {taken}, and nothing can listen there")));
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_left_alone() {
    let home = Home::new();
    let (path, text) = (home.database(), "minhas anotações, que não são um banco de dados");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, text).expect("a file");
    let error = Server::start(home.config()).await.err().expect("it is no database").to_string();
    let start = format!("DATABASE_URL names {}, which cannot be used: ", path.display());
    assert!(error.starts_with(&start), "{error}");
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), text);
}

/// Cut off before the first migration, which is committed after its table.
#[tokio::test]
async fn a_first_start_that_was_cut_off_is_completed_by_the_next() {
    for cut_off_at in 0..=6 {
        let home = Running::fresh().await.stop().await;
        let (database, complete) = (home.database(), home.path().join("complete.db"));
        std::fs::rename(&database, &complete).expect("it is moved");
        let begun = Connection::open(&database).expect("a database");
        let complete = complete.to_str().expect("a path in UTF-8");
        begun.execute("ATTACH ?1 AS complete", [complete]).expect("it is attached");
        let table = "SELECT sql FROM complete.sqlite_schema WHERE name = '_sqlx_migrations'";
        let table: String = begun.query_row(table, [], |row| row.get(0)).expect("a table");
        begun.execute_batch(&format!("PRAGMA journal_mode = WAL; {table};")).expect("it is begun");
        for version in 1..=cut_off_at {
            let migration = std::fs::read_dir("migrations").expect("the migrations");
            let prefix = format!("{version:04}_");
            let mut paths = migration.map(|entry| entry.expect("an entry").path());
            let path = paths.find(|path| path.to_string_lossy().contains(&prefix));
            let sql = std::fs::read_to_string(path.expect("a migration")).expect("a migration");
            begun.execute_batch(&sql).expect("it is migrated");
            let done = "INSERT INTO main._sqlx_migrations
                        SELECT * FROM complete._sqlx_migrations WHERE version = ?1";
            begun.execute(done, [version]).expect("it is recorded");
        }
        drop(begun);
        let server = home.start().await.expect("the next start completes it");
        assert_eq!(server.get("/postos").await.column("postos", "id"), [1, 2, 3]);
        server.stop().await;
    }
}

#[tokio::test]
async fn another_servidors_file_is_refused_and_says_whose_it_is() {
    let home = Running::fresh().await.stop().await;
    let mut config = home.config();
    config.server_id = "server2".parse().expect("an id");
    let error = Server::start(config).await.err().expect("it is server1's").to_string();
    assert!(error.contains("SERVER_ID=server1"), "{error}");
    home.start().await.expect("its owner can still open it").stop().await;
}
