//! Injects the faults that a system meets in production.

mod callers;
mod programs;
mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::cluster::{Cluster, Node};
use super::history::{Window, now};
use super::proxy::Behaviour;
use crate::harness::TEST_TIMEOUT;

/// How many faults may be in progress at the same time.
const MAX_CONCURRENT: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    KillServer,
    KillGateway,
    /// Killed and restarted with its saved state.
    KillBroker,
    /// Killed and restarted without its saved state.
    KillBrokerAndMemory,
    /// `SIGSTOP`, then `SIGCONT`.
    FreezeServer,
    FreezeGateway,
    /// Longer than the MQTT keep-alive.
    FreezeLong,
    LinkReset,
    LinkHalfOpen,
    LinkSlow,
    /// The last bytes arrive only in part.
    LinkCut,
    DiskFull,
    /// Writes to the database's files fail, with or without their work being done.
    WriteFails,
    /// As `WriteFails`, for syncs.
    SyncFails,
    /// A sync that may take longer than a command's time limit.
    SyncSlow,
    /// A file of the database is removed or renamed.
    LostFiles,
    /// A backup is restored into the running file.
    Restore,
    /// More HTTP connections without a request than there are descriptors.
    IdleConnections,
    /// An answer that the broker does not take.
    Poison,
    /// `SIGHUP`.
    Hangup,
    /// A second program with the same id.
    Twin,
}

pub(crate) const ALL: [Fault; 21] = [
    Fault::KillServer,
    Fault::KillGateway,
    Fault::KillBroker,
    Fault::KillBrokerAndMemory,
    Fault::FreezeServer,
    Fault::FreezeGateway,
    Fault::FreezeLong,
    Fault::LinkReset,
    Fault::LinkHalfOpen,
    Fault::LinkSlow,
    Fault::LinkCut,
    Fault::DiskFull,
    Fault::WriteFails,
    Fault::SyncFails,
    Fault::SyncSlow,
    Fault::LostFiles,
    Fault::Restore,
    Fault::IdleConnections,
    Fault::Poison,
    Fault::Hangup,
    Fault::Twin,
];

impl Fault {
    /// Whether it needs a servidor with a disk of its own.
    pub(crate) fn is_of_disk(self) -> bool {
        matches!(
            self,
            Self::DiskFull
                | Self::WriteFails
                | Self::SyncFails
                | Self::SyncSlow
                | Self::LostFiles
                | Self::Restore
        )
    }
}

/// The longest delay of a command by [`Fault::LinkSlow`].
pub(crate) const MAX_LINK_DELAY: Duration = Duration::from_millis(300);
/// The longest duration of most faults, freezes included.
pub(crate) const MAX_FAULT: Duration = Duration::from_millis(2_500);
/// Over one and a half keep-alives, after which the broker drops the connection.
const LONG_FREEZE: Duration = Duration::from_millis(12_500);

/// The injected faults, and how long the recovery took.
#[derive(Debug, Default, Clone)]
pub(crate) struct FaultRecord {
    pub(crate) faults: BTreeMap<String, usize>,
    /// By fault: the time from its end until the program was ready again.
    pub(crate) recovery: BTreeMap<String, Vec<Duration>>,
    /// When each program was killed or replaced by its twin, in milliseconds since 1970.
    pub(crate) kills: BTreeMap<String, Vec<i64>>,
    /// From when until when each program did not run, or was one of two.
    pub(crate) outages: BTreeMap<String, Vec<Window>>,
    /// From when until when a fault of its disk may have kept each servidor from writing.
    pub(crate) stalls: BTreeMap<String, Vec<Window>>,
    /// From when until when each program was frozen.
    pub(crate) freezes: BTreeMap<String, Vec<Window>>,
    /// From when until when the broker did not run, or a program was frozen.
    pub(crate) silences: Vec<Window>,
}

impl FaultRecord {
    fn add_recovery(&mut self, fault: Fault, took: Duration) {
        self.recovery.entry(format!("{fault:?}")).or_default().push(took);
    }
}

/// Injects a fault about every `pause` until `stop`, in an order that the seed determines.
pub(crate) async fn inject_faults(
    cluster: &Arc<Cluster>,
    faults: &[Fault],
    seed: u64,
    pause: Duration,
    stop: &CancellationToken,
) -> FaultRecord {
    let mut random = Rng::with_seed(seed);
    let record = Arc::new(Mutex::new(FaultRecord::default()));
    let mut in_progress = JoinSet::new();
    // Each round has every fault once, in a new order.
    let mut round: Vec<Fault> = Vec::new();
    while !stop.is_cancelled() {
        if round.is_empty() {
            round = faults.to_vec();
            random.shuffle(&mut round);
        }
        let fault = round.pop().expect("a round of faults");
        let (cluster, record) = (Arc::clone(cluster), Arc::clone(&record));
        let own = Rng::with_seed(random.u64(..));
        in_progress.spawn(async move {
            let injected = inject(&cluster, fault, own, &record).await;
            if injected {
                let mut record = record.lock().expect("no fault panicked");
                *record.faults.entry(format!("{fault:?}")).or_default() += 1;
            }
        });
        let pause = pause.mul_f64(0.5 + random.f64());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
        while in_progress.len() >= MAX_CONCURRENT {
            in_progress
                .join_next()
                .await
                .expect("faults are in progress")
                .expect("no fault panicked");
        }
    }
    while let Some(fault) = in_progress.join_next().await {
        fault.expect("no fault panicked");
    }
    Arc::try_unwrap(record).expect("all faults are over").into_inner().expect("no fault panicked")
}

/// Injects one fault and ends it; false if the chosen program has another fault.
async fn inject(
    cluster: &Cluster,
    fault: Fault,
    mut random: Rng,
    record: &Mutex<FaultRecord>,
) -> bool {
    if matches!(fault, Fault::KillBroker | Fault::KillBrokerAndMemory) {
        return programs::kill_broker(cluster, fault, random, record).await;
    }
    let nodes: Vec<&Node> = match fault {
        Fault::KillServer | Fault::FreezeServer | Fault::Poison => cluster.servers.iter().collect(),
        fault if fault.is_of_disk() => cluster.servers.iter().collect(),
        Fault::KillGateway | Fault::FreezeGateway => cluster.gateways.iter().collect(),
        _ => cluster.nodes().collect(),
    };
    let node = random.choice(nodes).expect("a program");
    let Ok(_lock) = node.fault_lock.try_lock() else { return false };
    let duration = Duration::from_millis(
        random.u64(100..u64::try_from(MAX_FAULT.as_millis()).expect("short")),
    );
    match fault {
        Fault::KillServer | Fault::KillGateway => {
            let since = now();
            let program = node.running.lock().await.take().expect("it runs");
            program.kill().await;
            record_kill(node, record);
            tokio::time::sleep(duration / 2).await;
            node.start(cluster).await;
            record_outage(node, since, record);
        }
        Fault::FreezeServer | Fault::FreezeGateway => {
            programs::freeze(node, duration, record).await;
        }
        Fault::FreezeLong => programs::freeze(node, LONG_FREEZE, record).await,
        Fault::LinkReset => programs::link(node, Behaviour::Reset, duration / 4).await,
        Fault::LinkCut => programs::link(node, Behaviour::Cut, duration / 4).await,
        Fault::LinkHalfOpen => programs::link(node, Behaviour::HalfOpen, duration * 3).await,
        Fault::LinkSlow => {
            let by = MAX_LINK_DELAY.mul_f64(random.f64());
            programs::link(node, Behaviour::Slow(by), duration * 2).await;
        }
        Fault::DiskFull => {
            let Some(disk) = &node.disk else { return false };
            let since = now();
            disk.fill();
            tokio::time::sleep(duration).await;
            disk.clear();
            record_stall(node, since, record);
        }
        Fault::WriteFails | Fault::SyncFails | Fault::SyncSlow => {
            store::fail_disk(cluster, node, fault, &mut random, record).await;
        }
        Fault::LostFiles => store::lose_files(cluster, node, &mut random, record).await,
        Fault::IdleConnections => callers::keep_connections(node, duration * 2).await,
        Fault::Poison => callers::ask_for_poison(cluster, node).await,
        Fault::Hangup => {
            node.running.lock().await.as_ref().expect("it runs").signal("-HUP");
        }
        Fault::Restore => store::restore(cluster, node, &mut random).await,
        Fault::Twin => {
            let since = now();
            record_kill(node, record);
            programs::twin(cluster, node, duration, random.bool()).await;
            record_kill(node, record);
            record_outage(node, since, record);
        }
        Fault::KillBroker | Fault::KillBrokerAndMemory => {}
    }
    // With the broker down too, this would measure the return of the broker.
    let broker_was_up = cluster.broker_fault_lock.try_lock().is_ok();
    let took = ready_again(node).await;
    if broker_was_up && cluster.broker_fault_lock.try_lock().is_ok() {
        record.lock().expect("no fault panicked").add_recovery(fault, took);
    }
    true
}

/// Waits until `/readyz` answers 200; returns how long that took.
async fn ready_again(node: &Node) -> Duration {
    let begun = Instant::now();
    let http =
        reqwest::Client::builder().timeout(Duration::from_secs(1)).build().expect("a client");
    let url = format!("{}/readyz", node.url);
    while begun.elapsed() < TEST_TIMEOUT {
        let answer = http.get(&url).send().await;
        if answer.is_ok_and(|answer| answer.status() == 200) {
            break;
        }
        node.assert_running().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

/// Records the moment at which a program lost what it had in memory.
fn record_kill(node: &Node, record: &Mutex<FaultRecord>) {
    let mut record = record.lock().expect("no fault panicked");
    record.kills.entry(node.id.clone()).or_default().push(now());
}

/// Records that a program runs again, alone.
fn record_outage(node: &Node, since: i64, record: &Mutex<FaultRecord>) {
    let mut record = record.lock().expect("no fault panicked");
    record.outages.entry(node.id.clone()).or_default().push((since, now()));
}

/// Records that the disk of a servidor works again.
fn record_stall(node: &Node, since: i64, record: &Mutex<FaultRecord>) {
    let mut record = record.lock().expect("no fault panicked");
    record.stalls.entry(node.id.clone()).or_default().push((since, now()));
}
