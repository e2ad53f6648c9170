//! Faults of a servidor's disk and of its database file.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;

use super::{Fault, FaultRecord, MAX_FAULT, record_kill, record_outage, record_stall};
use crate::cluster::{Cluster, Node};
use crate::disk_faults::{Action, DiskFault, EDQUOT, EIO, ENOSPC, Operations};
use crate::history::now;
use crate::proxy::Behaviour;
use crate::restored::{copy, set_maintenance};

/// In this time a servidor without a link finishes what it has.
const DRAINED: Duration = Duration::from_millis(700);

/// Makes writes or syncs fail or take long, and may kill the servidor just after.
pub(super) async fn fail_disk(
    cluster: &Cluster,
    node: &Node,
    fault: Fault,
    random: &mut Rng,
    record: &Mutex<FaultRecord>,
) {
    let since = now();
    let faults = node.disk_faults.as_ref().expect("a servidor has a disk");
    let operations = match fault {
        Fault::WriteFails => random.choice([Operations::WRITE, Operations::ALL]),
        _ => Some(Operations::SYNC),
    };
    let operations = operations.expect("an operation");
    // Mostly with the work done: then a restart finds what was denied.
    let failing = if random.u8(..3) > 0 { Action::FailAfter } else { Action::FailInstead };
    let slow = Action::Delay(Duration::from_millis(random.u64(500..6_000)));
    // Mostly in commits, else in checkpoints.
    let suffix = if random.u8(..4) > 0 { "-wal" } else { ".db" };
    faults.set(DiskFault {
        action: if fault == Fault::SyncSlow { slow } else { failing },
        operations,
        suffix,
        error: random.choice([EIO, ENOSPC, EDQUOT]).expect("an error"),
        skip: random.i32(0..8),
        count: random.choice([Some(1), Some(1), Some(3), None]).expect("a count"),
        kill_after: random.bool().then(|| random.i32(1..5)),
    });
    // A servidor ends after a failed sync of its database file, but not at once, and not if SQLite
    // itself noticed it first.
    let may_end = suffix == ".db" && operations != Operations::WRITE && fault != Fault::SyncSlow;
    let kills = random.u8(..3) > 0;
    let end = Instant::now() + MAX_FAULT.mul_f64(random.f64());
    let mut running = node.running.lock().await;
    let program = running.as_mut().expect("it runs");
    let mut has_ended = false;
    while Instant::now() < end && !has_ended {
        tokio::time::sleep(Duration::from_millis(10)).await;
        has_ended = program.has_ended();
        if kills && faults.affected() > 0 && !has_ended {
            tokio::time::sleep(Duration::from_millis(random.u64(..15))).await;
            running.take().expect("it runs").kill().await;
            has_ended = true;
            break;
        }
    }
    faults.clear();
    if !has_ended && faults.kills() {
        running.as_mut().expect("it runs").ended().await;
        has_ended = true;
    } else if !has_ended && may_end && faults.affected() > 0 {
        let mut program = running.take().expect("it runs");
        if tokio::time::timeout(MAX_FAULT, program.ended()).await.is_err() {
            program.kill().await;
        }
        has_ended = true;
    }
    drop(running);
    record_stall(node, since, record);
    if has_ended {
        record_kill(node, record);
        node.start(cluster).await;
        record_outage(node, since, record);
    }
}

/// Removes or renames a file of the database. The servidor must notice, save its data and end.
pub(super) async fn lose_files(
    cluster: &Cluster,
    node: &Node,
    random: &mut Rng,
    record: &Mutex<FaultRecord>,
) {
    let since = now();
    let database = node.database(cluster.world.read().await.folder());
    let mut program = node.running.lock().await.take().expect("it runs");
    let aside = database.with_extension("old");
    let done = match random.u8(..4) {
        0 => std::fs::remove_file(&database),
        1 => std::fs::rename(&database, &aside),
        2 => std::fs::remove_file(database.with_extension("db-wal")),
        _ => std::fs::remove_file(database.with_extension("db-shm")),
    };
    done.expect("the files of a servidor that runs");
    assert!(!program.ended().await.success(), "the end is an error");
    record_kill(node, record);
    let _ = std::fs::remove_file(aside);
    node.start(cluster).await;
    record_outage(node, since, record);
}

/// Restores a backup into the running file, and makes as many changes of postos as the backup had
/// missed. The servidor has no link and no callers meanwhile: a restore may lose nothing that was
/// promised.
pub(super) async fn restore(cluster: &Cluster, node: &Node, random: &mut Rng) {
    let _alone = node.admin.write().await;
    node.link.set(Behaviour::Reset);
    tokio::time::sleep(DRAINED).await;
    let database = node.database(cluster.world.read().await.folder());
    let backup = database.with_extension("backup");
    copy(&database, &backup);
    let running = node.running.lock().await;
    let server = running.as_ref().expect("it runs");
    let posto_id = random.i64(1..=20);
    set_maintenance(server, posto_id, true).await;
    assert_eq!(server.get("/postos").await.status, 200);
    copy(&backup, &database);
    let price = json!({"preco_kwh": f64::from(random.u8(10..90)) / 10.0});
    let changed = server.patch(&format!("/postos/{}", posto_id % 20 + 1), &price).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    drop(running);
    node.link.set(Behaviour::Normal);
}
