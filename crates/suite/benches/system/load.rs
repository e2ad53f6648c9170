//! The load generator: callers that send as fast as they are answered, or at a fixed rate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::http::Connection;
use super::stats::Stats;
use super::workload::{Mix, Workload};

/// The callers share one thread, so that an answer wakes no further thread of the load generator.
pub(crate) static CALLERS: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime")
});

/// Connections of callers, split among the gateways. They are opened before a measurement begins: a
/// listener drops some of a few hundred at once, and the kernel tries these again after a second.
async fn connect(gateways: &[String], callers: usize) -> Vec<Connection> {
    let mut tasks = JoinSet::new();
    for addr in gateways.iter().cycle().take(callers) {
        let addr = addr.clone();
        let connecting = async move { Connection::open(&addr).await.expect("a connection") };
        tasks.spawn_on(connecting, CALLERS.handle());
    }
    tasks.join_all().await
}

/// Callers that send the next request as soon as they are answered, split among the gateways.
pub(crate) async fn closed(
    workload: &Arc<Workload>,
    mix: Mix,
    gateways: &[String],
    callers: usize,
    length: Duration,
) -> Stats {
    let connections = connect(gateways, callers).await;
    let mut tasks = JoinSet::new();
    let mut all = Stats::start();
    let end = Instant::now() + length;
    for mut connection in connections {
        let workload = Arc::clone(workload);
        let caller = async move {
            let mut stats = Stats::start();
            while Instant::now() < end {
                let begun = Instant::now();
                match workload.send(mix, &mut connection).await {
                    Ok(()) => stats.add_latency(begun.elapsed()),
                    Err(what) => stats.add_error(what),
                }
            }
            stats
        };
        tasks.spawn_on(caller, CALLERS.handle());
    }
    gather(&mut tasks, &mut all).await;
    all
}

/// Requests at a fixed rate, answered or not; latency counts from the moment at which a request
/// was due.
pub(crate) async fn open(
    workload: &Arc<Workload>,
    mix: Mix,
    gateways: &[String],
    rate: f64,
    length: Duration,
) -> Stats {
    const WORKERS: usize = 512;
    let connections = connect(gateways, WORKERS).await;
    let due = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    let mut all = Stats::start();
    let begun = Instant::now();
    for mut connection in connections {
        let (workload, due) = (Arc::clone(workload), Arc::clone(&due));
        let caller = async move {
            let mut stats = Stats::start();
            loop {
                let moment = due.fetch_add(1, Ordering::Relaxed) as f64 / rate;
                if moment > length.as_secs_f64() {
                    return stats;
                }
                let moment = begun + Duration::from_secs_f64(moment);
                tokio::time::sleep_until(moment.into()).await;
                match workload.send(mix, &mut connection).await {
                    Ok(()) => stats.add_latency(moment.elapsed()),
                    Err(what) => stats.add_error(what),
                }
            }
        };
        tasks.spawn_on(caller, CALLERS.handle());
    }
    gather(&mut tasks, &mut all).await;
    all
}

async fn gather(tasks: &mut JoinSet<Stats>, all: &mut Stats) {
    while let Some(stats) = tasks.join_next().await {
        all.add(&stats.expect("no caller panicked"));
    }
    all.end();
}
