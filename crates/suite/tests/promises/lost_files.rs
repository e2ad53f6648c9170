//! The files of a running servidor are removed, moved or replaced by hand.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::Connection;
use serde_json::json;

use super::evidence;
use crate::harness::{Program, World, eventually, payload};

/// What an operator does to the files.
#[derive(Debug, Clone, Copy)]
enum Hand {
    RemoveDatabase,
    RenameDatabase,
    ReplaceDatabase,
    RemoveFolder,
    RemoveWal,
    RemoveSharedMemory,
    /// `> server1.db-wal`, to make space.
    EmptyWal,
    HalveWal,
    OverwriteWal,
}

const HANDS: [Hand; 9] = [
    Hand::RemoveDatabase,
    Hand::RenameDatabase,
    Hand::ReplaceDatabase,
    Hand::RemoveFolder,
    Hand::RemoveWal,
    Hand::RemoveSharedMemory,
    Hand::EmptyWal,
    Hand::HalveWal,
    Hand::OverwriteWal,
];

impl Hand {
    fn act(self, database: &Path) {
        let done = match self {
            Self::RemoveDatabase => std::fs::remove_file(database),
            Self::RenameDatabase => std::fs::rename(database, database.with_extension("old")),
            Self::ReplaceDatabase => std::fs::rename(database.with_extension("copy"), database),
            Self::RemoveFolder => std::fs::remove_dir_all(database.parent().expect("a folder")),
            Self::RemoveWal => std::fs::remove_file(database.with_extension("db-wal")),
            Self::RemoveSharedMemory => std::fs::remove_file(database.with_extension("db-shm")),
            Self::EmptyWal => cut_wal(database, 0),
            Self::HalveWal => cut_wal(database, 2),
            Self::OverwriteWal => {
                let wal = database.with_extension("db-wal");
                let len = std::fs::metadata(&wal).expect("a WAL").len();
                std::fs::write(&wal, vec![0; usize::try_from(len).expect("a length")])
            }
        };
        done.expect("the operator may do that");
    }
}

/// Keeps one part of so many, or nothing.
fn cut_wal(database: &Path, parts: u64) -> std::io::Result<()> {
    let wal = File::options().write(true).open(database.with_extension("db-wal"))?;
    let len = wal.metadata()?.len();
    wal.set_len(len.checked_div(parts).unwrap_or(0))
}

/// The placas of the reservas in a file.
pub(super) async fn placas(database: &Path) -> Vec<String> {
    let database = evidence::read(database).await;
    database.reservas.into_iter().map(|reserva| reserva.placa).collect()
}

/// Reserves without a pause, with so many callers at once, until the servidor has ended; the placas
/// that were answered with 200.
pub(super) async fn reserve_until_it_ends(
    client: &Program,
    server: &mut Program,
    callers: usize,
) -> Vec<String> {
    let confirmed = RefCell::new(Vec::new());
    let reserving = async |caller: usize| {
        for number in (caller as i64..).step_by(callers) {
            let placa = format!("BBB{number:04}");
            let mut body = payload(&placa, number % 20 + 1);
            let inicio = super::history::now() + 3_600_000 + number * 1_000;
            body["inicio"] = json!(protocol::Timestamp::clamped(inicio));
            body["fim"] = json!(protocol::Timestamp::clamped(inicio + 500));
            match client.reservar(&body).await.status {
                200 => confirmed.borrow_mut().push(placa),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::select! {
        _ = join_all((0..callers).map(reserving)) => {}
        status = server.ended() => assert!(!status.success(), "the end is an error: {status}"),
    }
    confirmed.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn no_sucesso_goes_to_a_file_that_is_gone() {
    for hand in HANDS {
        let world = World::on_mosquitto().await;
        let (mut server, client) = world.pair().await;
        let database = world.database("server1");
        assert_eq!(client.reservar(&payload("AAA0001", 1)).await.status, 200);
        std::fs::copy(&database, database.with_extension("copy")).expect("a copy");
        hand.act(&database);
        let confirmed = reserve_until_it_ends(&client, &mut server, 1).await;
        let log = server.log_lines();
        let said = |text: &str| log.iter().any(|line| line.to_string().contains(text));
        assert!(said("while this servidor ran: stop it before you do that"), "{hand:?}: {log:?}");

        let restarted = world.server("server1").await;
        client.sees("server1", "online").await;
        eventually("it serves again", async || {
            client.get("/postos?server_id=server1").await.status == 200
        })
        .await;
        assert!(restarted.stop().await.success());
        let mut kept = placas(&database).await;
        if let Hand::ReplaceDatabase = hand {
            // The operator wanted the other file at this path; what this one held is beside it.
            let folder = std::fs::read_dir(database.parent().expect("a folder")).expect("a folder");
            let mut aside = folder.map(|entry| entry.expect("a file").path());
            let aside = aside.find(|path| path.to_string_lossy().contains(".antes-"));
            kept = placas(&aside.expect("the lost database is saved")).await;
        }
        for placa in ["AAA0001".to_owned()].iter().chain(&confirmed) {
            assert!(kept.contains(placa), "{hand:?}: {placa} was confirmed and is lost");
        }
    }
}

/// Another program still reads an old state, so the WAL cannot be checkpointed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_wal_that_is_removed_under_a_reader_is_saved() {
    let world = World::on_mosquitto().await;
    let (mut server, client) = world.pair().await;
    let database = world.database("server1");
    let reader = Connection::open(&database).expect("a database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM reservas;").expect("a snapshot");
    assert_eq!(client.reservar(&payload("AAA0001", 1)).await.status, 200);
    Hand::RemoveWal.act(&database);
    assert!(!server.ended().await.success());
    // A reader that is closed would still checkpoint; one that is killed does not.
    let alone = database.with_extension("alone");
    std::fs::copy(&database, &alone).expect("a copy");
    assert_eq!(placas(&alone).await, ["AAA0001"], "the file is complete without its WAL");
    drop(reader);
}

/// `DATABASE_URL` names a link, to another disk or on the same one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_database_that_is_removed_behind_a_link_is_saved() {
    for disk in [None, Some("/dev/shm")] {
        let world = World::on_mosquitto().await;
        world.seed_postos("server1", 20);
        let real = disk.map_or_else(tempfile::tempdir, tempfile::tempdir_in).expect("a folder");
        let real = real.path().join("real.db");
        std::os::unix::fs::symlink(&real, world.database("server1")).expect("a link");
        let (mut server, client) = world.pair().await;
        assert_eq!(client.reservar(&payload("AAA0001", 1)).await.status, 200);
        std::fs::remove_file(&real).expect("the operator may do that");
        assert!(!server.ended().await.success());
        let server = world.server("server1").await;
        assert_eq!(server.get("/reservas").await.json["reservas"][0]["placa"], "AAA0001");
        assert!(server.stop().await.success());
        assert!(real.exists(), "it is behind the link again");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn an_idle_servidor_notices_too() {
    let world = World::on_mosquitto().await;
    let mut server = world.server("server1").await;
    server.ready().await;
    let database = world.database("server1");
    let for_a_group = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(&database, for_a_group).expect("its owner may");
    std::fs::remove_file(&database).expect("the operator may do that");
    assert!(!server.ended().await.success());
    let mode = std::fs::metadata(&database).expect("it is saved").permissions().mode();
    assert_eq!(mode & 0o777, 0o640, "who could read it can");
    let server = world.server("server1").await;
    server.ready().await;
}
