//! A backup is restored into the file of a running servidor.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;
use serde_json::{Value, json};

use crate::harness::{FAILPOINTS_SERVER, Program, World, eventually, payload};

/// Copies one database over another, as `.backup` and `.restore` of the sqlite3 shell do.
pub(crate) fn copy(from: &Path, to: &Path) {
    let from = Connection::open(from).expect("a database");
    let mut to = Connection::open(to).expect("a database");
    let backup = Backup::new(&from, &mut to).expect("a copy");
    backup.run_to_completion(1_000, Duration::from_millis(5), None).expect("a copy");
}

pub(crate) async fn set_maintenance(server: &Program, posto_id: i64, em_manutencao: bool) {
    let path = format!("/postos/{posto_id}/disponibilidade");
    let body = json!({"disponivel": true, "em_manutencao": em_manutencao});
    let answer = server.put(&path, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Ids of the listed postos that are in maintenance.
async fn in_maintenance(server: &Program) -> Vec<i64> {
    let listed = server.get("/postos").await;
    assert_eq!(listed.status, 200, "{listed:?}");
    let postos = listed.json["postos"].as_array().expect("a list").clone();
    let maintained = postos.into_iter().filter(|posto| posto["em_manutencao"] == true);
    maintained.map(|posto: Value| posto["id"].as_i64().expect("an id")).collect()
}

/// The counter of changes goes back, and comes again to the number that was remembered.
async fn list_after_restore(program: &'static str, bug: &str) -> Vec<i64> {
    let world = World::on_mosquitto().await;
    world.seed_postos("server1", 20);
    let set = [("SERVER_ID", "server1"), ("SEEDED_BUG", bug)];
    let server = Program::start(program, &world, &set).await;
    let (database, backup) = (world.database("server1"), world.folder().join("backup.db"));
    copy(&database, &backup);
    set_maintenance(&server, 1, true).await;
    assert_eq!(in_maintenance(&server).await, [1]);
    copy(&backup, &database);
    set_maintenance(&server, 2, true).await;
    in_maintenance(&server).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_listing_is_true_after_a_restore() {
    assert_eq!(list_after_restore("server", "").await, [2]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_version_that_repeats_is_noticed() {
    assert_eq!(
        list_after_restore(FAILPOINTS_SERVER, "RepeatedVersion").await,
        [1],
        "the bug shows"
    );
}

/// The backup of another servidor, or of a release with another schema.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn nothing_is_written_into_the_data_of_another_servidor() {
    for change in
        ["UPDATE owner SET server_id = 'server2'", "DELETE FROM _sqlx_migrations WHERE version > 5"]
    {
        let world = World::on_mosquitto().await;
        let (mut server, client) = world.pair().await;
        let (database, backup) = (world.database("server1"), world.folder().join("backup.db"));
        copy(&database, &backup);
        Connection::open(&backup).and_then(|file| file.execute(change, [])).expect("a change");
        copy(&backup, &database);
        let answer = client.reservar(&payload("AAA0001", 1)).await;
        assert_eq!(answer.verdict(), (503, "servidor_indisponivel"), "{change}: {answer:?}");
        assert!(!server.ended().await.success(), "{change}");
        let reservas = Connection::open(&database).expect("a database");
        let count = reservas.query_row("SELECT count(*) FROM all_reservas", [], |row| row.get(0));
        assert_eq!(count, Ok(0), "{change}");
    }
}

/// A reader that never ends keeps everything in the WAL, which is said.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_wal_that_grows_behind_a_reader_is_reported() {
    let world = World::on_mosquitto().await;
    let server = world.server("server1").await;
    let reader = Connection::open(world.database("server1")).expect("a database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM postos;").expect("a snapshot");
    let writer = Connection::open(world.database("server1")).expect("a database");
    writer.busy_timeout(Duration::from_secs(10)).expect("a timeout");
    // What a year of reservations does, in a moment.
    writer
        .execute_batch(
            "PRAGMA synchronous = OFF;
             CREATE TABLE filler (bytes BLOB);
             WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 42000)
             INSERT INTO filler SELECT zeroblob(4000) FROM numbers;",
        )
        .expect("much is written");
    let says = |text: &str| server.log_lines().iter().any(|line| line.to_string().contains(text));
    eventually("the growth is reported", async || says("the WAL grows because")).await;
    reader.execute_batch("COMMIT").expect("the reader ends");
    eventually("the end of it is reported", async || says("the WAL can be checkpointed again"))
        .await;
}
