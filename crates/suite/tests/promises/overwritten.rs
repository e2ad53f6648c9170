//! A backup is copied over the database file, as `cp` does it: the file stays the same one.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::evidence;
use super::restored::{copy, set_maintenance};
use crate::harness::{Program, TEST_TIMEOUT, World, path_of};

/// Adds postos as another program would; long names, so that they fill many pages.
fn add_postos(database: &Path, count: u32) {
    let other = Connection::open(database).expect("a database");
    other.busy_timeout(TEST_TIMEOUT).expect("a timeout");
    let add =
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
        INSERT INTO postos (nome, localizacao, potencia_maxima, tipo_conector, preco_kwh,
                            operador_disponivel, operador_em_manutencao)
        SELECT printf('%0100d', n), '0,0', 22, 'CCS', 2.5, 1, 0 FROM numbers";
    other.execute(add, [count]).expect("postos");
}

/// Posto 1 is in maintenance.
async fn reports_maintenance(server: &Program) -> bool {
    let answer = server.get("/postos").await;
    answer.json["postos"][0]["em_manutencao"].as_bool().expect("a flag")
}

/// A servidor, its database and a backup of it. What was written since is in the database file
/// only, except for the maintenance of posto 1, which is in the WAL only.
async fn with_backup(world: &World, more: u32) -> (Program, PathBuf, PathBuf) {
    let server = world.server("server1").await;
    let (database, backup) = (world.database("server1"), world.folder().join("backup.db"));
    add_postos(&database, more);
    copy(&database, &backup);
    add_postos(&database, more);
    let other = Connection::open(&database).expect("a database");
    let checkpoint = "PRAGMA wal_checkpoint(RESTART)";
    let busy: bool = other.query_row(checkpoint, [], |row| row.get(0)).expect("a checkpoint");
    assert!(!busy, "everything is in the file");
    add_postos(&database, more);
    set_maintenance(&server, 1, true).await;
    (server, database, backup)
}

async fn serves_the_backup(world: &World, database: &Path, more: usize) {
    let server = world.server("server1").await;
    assert!(!reports_maintenance(&server).await, "the WAL was not mixed into it");
    set_maintenance(&server, 1, true).await;
    assert!(server.stop().await.success());
    assert_eq!(evidence::read(database).await.postos.len(), 20 + more);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_backup_that_is_copied_over_a_running_database_is_left_as_it_is() {
    let world = World::on_mosquitto().await;
    let (mut server, database, backup) = with_backup(&world, 300).await;
    fs::copy(&backup, &database).expect("the operator may do that");
    assert!(!server.ended().await.success());
    let log = server.log_lines();
    let said = |text: &str| log.iter().any(|line| line.to_string().contains(text));
    assert!(said("server1.db was overwritten while this servidor ran"), "{log:?}");
    let left = (fs::read(&database).expect("a file"), fs::read(&backup).expect("a file"));
    assert!(left.0 == left.1, "something was written into it");
    serves_the_backup(&world, &database, 300).await;
}

/// By chance the backup and the WAL do not contradict each other.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_copy_that_goes_together_with_the_wal_is_noticed_too() {
    let world = World::on_mosquitto().await;
    let (mut server, database, backup) = with_backup(&world, 1).await;
    fs::copy(&backup, &database).expect("the operator may do that");
    assert!(!server.ended().await.success());
    let log = server.log_lines();
    let said = |text: &str| log.iter().any(|line| line.to_string().contains(text));
    assert!(said("changed by something other than SQLite"), "{log:?}");
    let server = world.server("server1").await;
    assert!(reports_maintenance(&server).await, "what was confirmed is there");
    assert!(server.stop().await.success());
    evidence::read(&database).await;
}

/// SQLite would take the WAL for that of the backup.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_backup_beside_the_wal_of_another_state_is_refused() {
    let world = World::on_mosquitto().await;
    let (server, database, backup) = with_backup(&world, 300).await;
    server.kill().await;
    fs::copy(&backup, &database).expect("the operator may do that");
    let wal = database.with_extension("db-wal");
    let before = (fs::read(&database).expect("a file"), fs::read(&wal).expect("a file"));
    let mut start = tokio::process::Command::new(path_of("server").await);
    start.env_clear().current_dir(world.folder()).kill_on_drop(true);
    start.envs([("SERVER_ID", "server1"), ("HTTP_ADDR", "127.0.0.1:0")]);
    let ended = tokio::time::timeout(TEST_TIMEOUT, start.output()).await;
    let output = ended.expect("the start fails at once").expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && stderr.contains("data/server1.db-wal"), "{stderr}");
    let after = (fs::read(&database).expect("a file"), fs::read(&wal).expect("a file"));
    assert!(before == after, "something was written into them");
    fs::remove_file(wal).expect("as the message says");
    serves_the_backup(&world, &database, 300).await;
}
