//! `server backup` under load and faults, and `server restaurar` that is killed on the way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use super::checker::{self, Conditions, Kind, Violation};
use super::cluster::{Cluster, ClusterSpec, Node};
use super::drivers::{Workload, drive};
use super::evidence::{self, Database, Evidence};
use super::faults::{Fault, inject_faults};
use super::history::{Call, Operation, Outcome, now};
use crate::harness::{FAILPOINTS_SERVER, World, payload, run_subcommand};

const LENGTH: Duration = Duration::from_secs(12);
const PAUSE: Duration = Duration::from_millis(1_500);
const POSTOS: usize = 40;
const DRIVERS: usize = 16;
const FAULTS: [Fault; 4] =
    [Fault::KillServer, Fault::FreezeServer, Fault::LinkReset, Fault::KillBroker];

/// A backup, and when it was made.
struct Backup {
    path: PathBuf,
    begun: i64,
    done: i64,
}

async fn back_up(node: &Node, folder: &Path, number: usize) -> Backup {
    let path = folder.join(format!("backup-{number}.db"));
    let begun = now();
    let made = node.subcommand(folder, &["backup", &path.display().to_string()], &[]).await;
    assert!(made.status.success(), "backup {number}: {made:?}");
    Backup { path, begun, done: now() }
}

/// Restores a backup elsewhere and reads it as it was when it was made.
async fn restored(node: &Node, folder: &Path, backup: &Backup) -> Database {
    let to = backup.path.with_extension("restored");
    let url = format!("sqlite:///{}", to.display());
    let from = backup.path.display().to_string();
    let done = node.subcommand(folder, &["restaurar", &from], &[("DATABASE_URL", &url)]).await;
    assert!(done.status.success(), "{done:?}");
    Database { read_at: backup.done, ..evidence::read(&to).await }
}

/// The calls as somebody knows them who saw no answer after the backup had begun.
fn known_before(history: &[Call], backup: &Backup) -> Vec<Call> {
    let begun = history.iter().filter(|call| call.started <= backup.done);
    let known = begun.filter_map(|call| {
        let is_known = call.ended < backup.begun;
        let has_effect = !matches!(call.operation, Operation::List | Operation::Consult);
        let unknown = || Call { outcome: Outcome::Broken, ended: i64::MAX / 2, ..call.clone() };
        if is_known { Some(call.clone()) } else { has_effect.then(unknown) }
    });
    known.collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_backup_under_load_and_faults_holds_all_that_was_answered_before_it() {
    let world = World::on_mosquitto().await;
    let folder = world.folder().to_owned();
    let limits = [("TEMPO_LIMITE_RESERVA", "4"), ("TEMPO_LIMITE_POSTOS", "3")];
    let spec = ClusterSpec {
        servers: &["server1"],
        gateways: &["cliente1", "cliente2"],
        postos: POSTOS,
        server_program: "server",
        server_set: &limits,
        gateway_set: &limits,
        disks: false,
    };
    let cluster = Arc::new(Cluster::start(world, &spec).await);
    let gateways = cluster.gateways.iter().map(|node| node.url.clone()).collect();
    let workload = Arc::new(Workload::new(7, gateways, spec.servers, POSTOS as i64));
    let stop = CancellationToken::new();
    let backing_up = async {
        let mut backups = Vec::new();
        let end = tokio::time::Instant::now() + LENGTH;
        while tokio::time::Instant::now() < end {
            tokio::time::sleep(PAUSE).await;
            backups.push(back_up(&cluster.servers[0], &folder, backups.len()).await);
        }
        stop.cancel();
        backups
    };
    let (backups, record, ()) = tokio::join!(
        backing_up,
        inject_faults(&cluster, &FAULTS, 7, PAUSE, &stop),
        drive(&workload, DRIVERS, &stop)
    );
    let workload =
        Arc::try_unwrap(workload).unwrap_or_else(|_| panic!("the workload is still in use"));
    let history = workload.into_history();
    let conditions = Conditions::of(&record, Duration::from_secs(4), Duration::ZERO);
    assert!(backups.len() >= 4 && !record.kills.is_empty(), "too few backups or faults");
    for backup in &backups {
        let database = restored(&cluster.servers[0], &folder, backup).await;
        let known = known_before(&history, backup);
        let found = violations(&known, database, &conditions);
        assert!(found.is_empty(), "{}: {found:?}", backup.path.display());
    }

    // A backup without its newest reserva would be noticed.
    let last = backups.last().expect("a backup");
    let mut database = restored_again(last).await;
    let known = known_before(&history, last);
    let answered = |request_id: &str| {
        known.iter().any(|call| {
            call.request_id.as_deref() == Some(request_id)
                && matches!(call.outcome, Outcome::Reserva(_))
        })
    };
    let missing = database.reservas.iter().rposition(|row| answered(&row.request_id));
    let missing = database.reservas.remove(missing.expect("an answered reserva"));
    database.requests.remove(&missing.request_id);
    let found = violations(&known, database, &conditions);
    assert!(found.iter().any(|one| one.kind == Kind::SucessoLost), "{found:?}");
}

async fn restored_again(backup: &Backup) -> Database {
    let read = evidence::read(&backup.path.with_extension("restored")).await;
    Database { read_at: backup.done, ..read }
}

fn violations(known: &[Call], database: Database, conditions: &Conditions) -> Vec<Violation> {
    let evidence = Evidence::from([("server1".to_owned(), database)]);
    checker::check(known, None, &evidence, conditions)
}

/// In the order in which `server restaurar` reaches them, and whether the new database is there.
const POINTS: [(&str, bool); 3] =
    [("RestoreWritten", false), ("RestoreKept", false), ("RestoreReplaced", true)];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_restore_that_is_killed_leaves_the_old_database_or_the_new_one() {
    for (point, is_new) in POINTS {
        let world = World::on_mosquitto().await;
        let folder = world.folder().to_owned();
        let (server, client) = world.pair().await;
        let backup = folder.join("backup.db").display().to_string();
        let set = [("SERVER_ID", "server1"), ("CRASH_AT", point)];
        let run = async |program, arguments: &[&str]| {
            run_subcommand(program, &folder, arguments, set).await
        };
        let made = run("server", &["backup", &backup]).await;
        assert!(made.status.success(), "{made:?}");
        let answer = client.reservar(&payload("AAA0001", 1)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        // Its last commit is in the WAL only.
        server.kill().await;

        let killed = run(FAILPOINTS_SERVER, &["restaurar", &backup]).await;
        assert!(!killed.status.success(), "{point}: {killed:?}");
        let server = world.server("server1").await;
        assert_eq!(reservas(&world.database("server1")), i64::from(!is_new), "{point}");
        let refused = run("server", &["restaurar", &backup]).await;
        let reason = String::from_utf8_lossy(&refused.stderr);
        assert!(reason.contains("stop the servidor, then restore"), "{point}: {reason}");
        assert!(server.stop().await.success());

        // The names of what is kept have seconds in them.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let again = run("server", &["restaurar", &backup]).await;
        assert!(again.status.success(), "{point}: {again:?}");
        let server = world.server("server1").await;
        server.ready().await;
        assert_eq!(reservas(&world.database("server1")), 0, "{point}");
    }
}

fn reservas(database: &Path) -> i64 {
    let database = Connection::open(database).expect("a database");
    let count = "SELECT count(*) FROM all_reservas";
    database.query_row(count, [], |row| row.get(0)).expect("a count")
}
