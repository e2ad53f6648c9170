//! Starts that fail with a reason for the operator, and an orderly stop.

use std::time::Duration;

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
    let left: Vec<_> = left.map(|entry| entry.expect("an entry").path()).collect();
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

#[tokio::test]
async fn another_servidors_file_is_refused_and_says_whose_it_is() {
    let home = Running::fresh().await.stop().await;
    let mut config = home.config();
    config.server_id = "server2".parse().expect("an id");
    let error = Server::start(config).await.err().expect("it is server1's").to_string();
    assert!(error.contains("SERVER_ID=server1"), "{error}");
    home.start().await.expect("its owner can still open it").stop().await;
}
