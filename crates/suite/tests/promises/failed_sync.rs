//! What a failed sync of the database file may have lost is written again from the WAL.

use std::path::Path;

use rusqlite::Connection;

use super::disk_faults::{Action, DiskFault, DiskFaults, EIO, Operations};
use super::failing_disk::{Setup, set_up, start};
use super::lost_files;
use crate::harness::{World, eventually, payload};

/// Makes the WAL so long that it will be checkpointed: each row takes a page.
fn lengthen_wal(database: &Path) {
    let other = Connection::open(database).expect("the database");
    other.pragma_update(None, "wal_autocheckpoint", 0).expect("a setting");
    let carros = "INSERT INTO carros
        WITH RECURSIVE carro(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM carro WHERE n < 8100)
        SELECT printf('X%07d', n), hex(zeroblob(1900)), 1, 1, 1, 0, 0 FROM carro";
    other.execute(carros, []).expect("many carros");
}

/// A sync of the database file fails once, and its pages are not on the disk. Linux reports that once,
/// and later syncs succeed.
const LOST_PAGES: DiskFault = DiskFault {
    action: Action::FailInstead,
    operations: Operations::SYNC,
    suffix: ".db",
    error: EIO,
    skip: 0,
    count: Some(1),
    kill_after: None,
};

/// Puts the database file back to what was synced before, as a power failure does, and starts a servidor.
async fn finds_after_a_power_failure(
    world: &World,
    faults: &DiskFaults,
    on_disk: &[u8],
    confirmed: &[String],
) {
    let database = world.database("server1");
    std::fs::write(&database, on_disk).expect("the state after a power failure");
    let server = start("server", world, faults, "").await;
    server.ready().await;
    assert!(server.stop().await.success());
    let kept = lost_files::placas(&database).await;
    for placa in confirmed {
        assert!(kept.contains(placa), "{placa} was confirmed and is lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn what_a_failed_sync_of_the_database_may_have_lost_is_written_again() {
    for _ in 0..5 {
        let Setup { world, faults, mut server, client } = set_up("server", "", "10").await;
        let database = world.database("server1");
        let on_disk = std::fs::read(&database).expect("what was synced");
        faults.set(LOST_PAGES);
        lengthen_wal(&database);
        let log = server.log.clone();
        let goes_on = eventually("the servidor says what it does", async || {
            let log = std::fs::read_to_string(&log).expect("a log");
            log.contains("the WAL cannot be checkpointed")
        });
        let confirmed = tokio::select! {
            confirmed = lost_files::reserve_until_it_ends(&client, &mut server, 16) => confirmed,
            // Nobody wrote meanwhile, so the sync was SQLite's own, and it will write all of it again.
            () = goes_on => continue,
        };
        let log = server.log_lines();
        let said = log.iter().any(|line| line.to_string().contains("cannot be synced"));
        assert!(said, "{:#?}", log.last());
        assert!(!confirmed.is_empty());
        finds_after_a_power_failure(&world, &faults, &on_disk, &confirmed).await;
        return;
    }
    panic!("each sync that failed was SQLite's own");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_failed_sync_at_the_stop_leaves_the_wal() {
    let Setup { world, faults, server, client } = set_up("server", "", "3").await;
    let on_disk = std::fs::read(world.database("server1")).expect("what was synced");
    assert_eq!(client.reservar(&payload("AAA0001", 1)).await.status, 200);
    faults.set(LOST_PAGES);
    let (status, log) = server.stop_with_log().await;
    assert!(status.success(), "{status}");
    let last = log.last().expect("a line");
    assert_eq!(last["message"], "the database was left with its WAL", "{last}");
    assert_eq!(faults.affected(), 1, "the fault was met");
    finds_after_a_power_failure(&world, &faults, &on_disk, &["AAA0001".to_owned()]).await;
}
