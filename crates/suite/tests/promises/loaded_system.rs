//! A system with callers, under faults: what the long run and the drill share.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::cluster::{Cluster, ClusterSpec};
use super::drivers::{Workload, drive};
use super::evidence::Evidence;
use super::faults::{Fault, FaultRecord, inject_faults};
use super::history::Call;
use super::listener::{Listener, Received};
use super::visitors::visit;
use crate::harness::World;

/// The programs' time limits, shorter than in production so that more happens.
pub(crate) const COMMAND_LIMIT: Duration = Duration::from_secs(4);
pub(crate) const LIMITS: [(&str, &str); 2] =
    [("TEMPO_LIMITE_RESERVA", "4"), ("TEMPO_LIMITE_POSTOS", "3")];
/// In this time a system without faults is ready again.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Who calls, and which faults are injected meanwhile.
pub(crate) struct Load {
    pub(crate) seed: u64,
    pub(crate) drivers: usize,
    /// Carros that come and go, beside the drivers.
    pub(crate) visitors: usize,
    /// How late a carro may come; zero: there is no limit.
    pub(crate) tolerancia: Duration,
    pub(crate) faults: &'static [Fault],
    /// The average time from one fault to the next.
    pub(crate) pause: Duration,
}

pub(crate) struct LoadedSystem {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) workload: Arc<Workload>,
    listener: Listener,
}

/// What a run leaves behind.
pub(crate) struct Outcomes {
    pub(crate) evidence: Evidence,
    pub(crate) history: Vec<Call>,
    pub(crate) heard: Received,
    pub(crate) problems: Vec<String>,
}

impl LoadedSystem {
    /// Starts the programs; nobody calls them yet.
    pub(crate) async fn start(
        world: World,
        spec: &ClusterSpec<'_>,
        seed: u64,
        looks_back: bool,
    ) -> Self {
        let cluster = Arc::new(Cluster::start(world, spec).await);
        let gateways = cluster.gateways.iter().map(|node| node.url.clone()).collect();
        let postos = i64::try_from(spec.postos).expect("a small number");
        let mut workload = Workload::new(seed, gateways, spec.servers, postos);
        workload.looks_back = looks_back;
        let listener = Listener::start(&*cluster.world.read().await).await;
        Self { cluster, workload: Arc::new(workload), listener }
    }

    /// Injects faults until `work` is done. The callers go on until the system has recovered from them.
    ///
    /// Returns what `work` does, the faults, and why the system has not recovered.
    pub(crate) async fn run<T>(
        &self,
        load: &Load,
        work: impl Future<Output = T>,
    ) -> (T, FaultRecord, Result<Duration, String>) {
        let (stop_faults, stop_callers) = (CancellationToken::new(), CancellationToken::new());
        let working = async {
            let done = work.await;
            stop_faults.cancel();
            done
        };
        let Load { seed, faults, pause, .. } = *load;
        let injecting = async {
            let record = inject_faults(&self.cluster, faults, seed, pause, &stop_faults).await;
            let recovered = self.cluster.recovered(RECOVERY_TIMEOUT).await;
            stop_callers.cancel();
            (record, recovered)
        };
        let (done, (record, recovered), (), ()) = tokio::join!(
            working,
            injecting,
            drive(&self.workload, load.drivers, &stop_callers),
            visit(&self.cluster, &self.workload, load.visitors, load.tolerancia, &stop_callers)
        );
        (done, record, recovered)
    }

    /// Returns when every command in flight has expired, and the sweep has marked what has ended.
    pub(crate) async fn settled(&self) {
        tokio::time::sleep(COMMAND_LIMIT + Duration::from_secs(2)).await;
    }

    /// Stops the programs and reads what they leave.
    pub(crate) async fn end(self) -> Outcomes {
        let Self { cluster, workload, listener } = self;
        let cluster =
            Arc::try_unwrap(cluster).unwrap_or_else(|_| panic!("the cluster is still in use"));
        let (evidence, mut problems) = cluster.end().await;
        let workload =
            Arc::try_unwrap(workload).unwrap_or_else(|_| panic!("the workload is still in use"));
        let mut heard = listener.stop();
        problems.append(&mut heard.unreadable);
        Outcomes { evidence, history: workload.into_history(), heard, problems }
    }
}
