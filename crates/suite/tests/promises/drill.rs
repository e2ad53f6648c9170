//! A servidor whose machine is lost, restored from its newest backup while its callers go on.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::checker;
use super::cluster::{Cluster, ClusterSpec, Node};
use super::drivers::{Driver, Workload};
use super::evidence::Database;
use super::faults::{Fault, FaultRecord};
use super::history::{Call, Operation, Outcome, PrivateEvent, now};
use super::loaded_system::{LIMITS, Load, LoadedSystem, Outcomes};
use crate::harness::World;

pub(crate) const SERVER: &str = "server1";
const POSTOS: usize = 40;
const DRIVERS: usize = 24;
const VISITORS: usize = 6;
/// The number of the driver whose requests are repeated after each restore.
const CUSTOMER: usize = 900;
const REQUESTS: i64 = 12;
const PAUSE: Duration = Duration::from_millis(1_500);
/// From one lost machine to the next, in a long run.
const CYCLE: Duration = Duration::from_secs(60);
const HOUR: i64 = 60 * 60 * 1000;
const FAULTS: [Fault; 7] = [
    Fault::KillServer,
    Fault::KillGateway,
    Fault::FreezeServer,
    Fault::FreezeGateway,
    Fault::LinkReset,
    Fault::LinkSlow,
    Fault::KillBroker,
];

/// A backup, and when it was made.
#[derive(Debug, Clone)]
pub(crate) struct Backup {
    pub(crate) path: PathBuf,
    pub(crate) begun: i64,
    pub(crate) done: i64,
}

/// A lost machine, and the backup with which its servidor went on elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Loss {
    pub(crate) backup: Backup,
    lost_at: i64,
    pub(crate) restored_at: i64,
}

/// What a drill leaves behind.
pub(crate) struct Drill {
    /// Has the backups.
    pub(crate) folder: tempfile::TempDir,
    pub(crate) backups: Vec<Backup>,
    pub(crate) losses: Vec<Loss>,
    pub(crate) history: Vec<Call>,
    pub(crate) published: Vec<PrivateEvent>,
    pub(crate) record: FaultRecord,
    /// The database at the end.
    pub(crate) database: Database,
    /// How many requests of before a restore were repeated after it.
    pub(crate) repeated: usize,
    pub(crate) problems: Vec<String>,
}

/// Runs a servidor under load and faults, loses its machine once in a while, and restores it.
pub(crate) async fn run(seed: u64, length: Duration) -> Drill {
    let world = World::on_mosquitto().await;
    let spec = ClusterSpec {
        servers: &[SERVER],
        gateways: &["cliente1", "cliente2"],
        postos: POSTOS,
        server_program: "server",
        server_set: &LIMITS,
        gateway_set: &LIMITS,
        disks: false,
    };
    let system = LoadedSystem::start(world, &spec, seed, false).await;
    let load = Load {
        seed,
        drivers: DRIVERS,
        visitors: VISITORS,
        tolerancia: Duration::ZERO,
        faults: &FAULTS,
        pause: PAUSE,
    };
    let operating = async {
        let mut operator = Operator::new(&system.cluster, &system.workload, seed);
        operator.work(length).await;
        operator.done
    };
    let (mut done, record, recovered) = system.run(&load, operating).await;
    system.settled().await;
    let Outcomes { mut evidence, history, heard, problems } = system.end().await;
    done.problems.extend(recovered.err().into_iter().chain(problems));
    let mut drill = Drill {
        folder: done.folder,
        backups: done.backups,
        losses: done.losses,
        history,
        published: heard.published,
        record,
        database: evidence.remove(SERVER).expect("its database"),
        repeated: done.repeated,
        problems: done.problems,
    };
    drill.record.silences.extend(heard.silences);
    record_losses(&mut drill.record, &drill.losses);
    drill
}

fn record_losses(record: &mut FaultRecord, losses: &[Loss]) {
    for Loss { lost_at, restored_at, .. } in losses {
        record.kills.entry(SERVER.to_owned()).or_default().push(*lost_at);
        record.outages.entry(SERVER.to_owned()).or_default().push((*lost_at, *restored_at));
    }
}

/// What the operator has done so far.
struct Done {
    folder: tempfile::TempDir,
    backups: Vec<Backup>,
    losses: Vec<Loss>,
    repeated: usize,
    problems: Vec<String>,
}

/// Who backs up and restores, and a customer who asks before and after.
struct Operator<'a> {
    cluster: &'a Cluster,
    customer: Driver,
    random: Rng,
    done: Done,
}

/// A request of the customer, and its first answer.
struct Request {
    operation: Operation,
    key: String,
    answer: Outcome,
}

impl<'a> Operator<'a> {
    fn new(cluster: &'a Cluster, workload: &Arc<Workload>, seed: u64) -> Self {
        let done = Done {
            folder: tempfile::tempdir().expect("a folder"),
            backups: Vec::new(),
            losses: Vec::new(),
            repeated: 0,
            problems: Vec::new(),
        };
        let customer = Driver::new(workload, CUSTOMER);
        Self { cluster, customer, random: Rng::with_seed(seed), done }
    }

    async fn work(&mut self, length: Duration) {
        let cycles = u32::try_from(length.as_secs() / CYCLE.as_secs()).expect("a length").max(1);
        let cycle = length / cycles;
        for _ in 0..cycles {
            let end = Instant::now() + cycle;
            while Instant::now() < end - cycle.mul_f64(0.55) {
                tokio::time::sleep(PAUSE.max(cycle / 20)).await;
                self.back_up().await;
            }
            let requests = self.request().await;
            self.back_up().await;
            tokio::time::sleep(Duration::from_millis(self.random.u64(500..1_500))).await;
            self.reserve_one().await;
            self.lose_and_restore().await;
            self.repeat(requests).await;
            tokio::time::sleep_until(end).await;
        }
    }

    fn node(&self) -> &'a Node {
        &self.cluster.servers[0]
    }

    /// What it prints.
    async fn subcommand(&self, arguments: &[&str]) -> String {
        let folder = self.cluster.world.read().await.folder().to_owned();
        let done = self.node().subcommand(&folder, arguments, &[]).await;
        assert!(done.status.success(), "{arguments:?}: {done:?}");
        String::from_utf8(done.stdout).expect("UTF-8")
    }

    /// As every night; under its other name it stays for the checks.
    async fn back_up(&mut self) {
        let folder = self.done.folder.path().display().to_string();
        let begun = now();
        let said = self.subcommand(&["backup", &folder, "--manter=3"]).await;
        let done = now();
        let made = said.split_once(" is backed up in ").and_then(|(_, rest)| rest.split_once(": "));
        let path = self.done.folder.path().join(format!("backup-{}.db", self.done.backups.len()));
        fs::hard_link(made.expect("its name").0, &path).expect("another name");
        self.done.backups.push(Backup { path, begun, done });
    }

    /// Nothing is left but the token, which the operator has elsewhere, and the newest backup.
    async fn lose_and_restore(&mut self) {
        let node = self.node();
        let _no_other_fault = node.fault_lock.lock().await;
        let lost_at = now();
        node.running.lock().await.take().expect("it runs").kill().await;
        let database = node.database(self.cluster.world.read().await.folder());
        for suffix in ["db", "db-wal", "db-shm", "db.ultimo-backup"] {
            let lost = fs::remove_file(database.with_extension(suffix));
            lost.unwrap_or_else(|error| panic!("{suffix}: {error}"));
        }
        if self.done.losses.len().is_multiple_of(2) {
            // A supervisor starts it before anybody restores; no driver reaches it.
            let apart = [("HTTP_ADDR", "127.0.0.1:0"), ("MQTT_PORT", "1")];
            assert!(node.twin(self.cluster, &apart).await.stop().await.success());
        }
        let backup = self.done.backups.last().expect("a backup").clone();
        self.subcommand(&["restaurar", &backup.path.display().to_string()]).await;
        node.start(self.cluster).await;
        self.done.losses.push(Loss { backup, lost_at, restored_at: now() });
    }

    /// Reserves for later, so that some are refused because of others, and all are answered.
    async fn request(&mut self) -> Vec<Request> {
        let mut requests = Vec::new();
        for _ in 0..REQUESTS {
            let inicio = (now() / HOUR + self.random.i64(2..4)) * HOUR;
            let operation = Operation::Reserve {
                placa: self.customer.workload.new_placa(),
                posto_id: self.random.i64(1..=6),
                window: Some((inicio, inicio + HOUR)),
            };
            let key = self.customer.new_key();
            let answer = self.settled(&operation, &key).await;
            requests.push(Request { operation, key, answer });
        }
        requests
    }

    /// Makes one that no backup has.
    async fn reserve_one(&mut self) {
        loop {
            let inicio = (now() / HOUR + self.random.i64(10..1_000)) * HOUR;
            let operation = Operation::Reserve {
                placa: self.customer.workload.new_placa(),
                posto_id: self.random.i64(1..=POSTOS as i64),
                window: Some((inicio, inicio + HOUR)),
            };
            let key = self.customer.new_key();
            if let Outcome::Reserva(_) = self.settled(&operation, &key).await {
                return;
            }
        }
    }

    async fn repeat(&mut self, requests: Vec<Request>) {
        for Request { operation, key, answer } in requests {
            let again = self.settled(&operation, &key).await;
            self.done.repeated += 1;
            if again != answer {
                let what = format!("{operation:?} was answered {answer:?}, and then {again:?}");
                self.done.problems.push(what);
            }
        }
    }

    async fn settled(&mut self, operation: &Operation, key: &str) -> Outcome {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = self.customer.call(SERVER, operation.clone(), Some(key), None).await;
            match &answer {
                Outcome::Reserva(_) => return answer,
                Outcome::Refused(codigo) if !checker::TEMPORARY.contains(&codigo.as_str()) => {
                    return answer;
                }
                _ => assert!(Instant::now() < deadline, "not settled: {operation:?}: {answer:?}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
