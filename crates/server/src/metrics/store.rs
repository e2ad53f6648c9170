//! What is counted of the database and of what is written into it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use domain::{Centavos, Kwh, ReservaState};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use service::register_metric;

/// In seconds: from a disk that acknowledges at once to one that is about to fail.
const WRITE_BUCKETS: [f64; 12] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];
/// In seconds.
const CHECKPOINT_BUCKETS: [f64; 7] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// How a reserva ends without a session.
pub(crate) const ENDS: [ReservaState; 3] =
    [ReservaState::Cancelada, ReservaState::Encerrada, ReservaState::NaoCompareceu];

/// The help of a figure that is looked up for a scrape.
macro_rules! looked_up {
    ($help:literal) => {
        concat!($help, "; kept for 5 seconds, see postos_figures_timestamp_seconds")
    };
}

#[derive(Debug)]
pub(crate) struct StoreMetrics {
    pub(crate) queue: Gauge,
    pub(crate) batch: Histogram,
    pub(crate) transaction: Histogram,
    pub(crate) commit: Histogram,
    pub(crate) failures: Counter,
    pub(crate) is_writable: Gauge,
    pub(crate) last_write: Gauge<f64, AtomicU64>,
    /// Beside the writer.
    pub(crate) checkpoint: Histogram,
    /// On the writer's thread.
    pub(crate) last_checkpoint: Histogram,
    pub(crate) checkpoint_failures: Counter,
    pub(crate) wal_pending: Gauge,
    pub(crate) wal_bytes: Gauge,
    pub(crate) database_bytes: Gauge,
    pub(crate) free_bytes: Gauge,
    pub(crate) disk_free_bytes: Gauge,
    pub(crate) postos: Family<StateLabel, Gauge>,
    pub(crate) reservas: Family<StatusLabel, Gauge>,
    pub(crate) sessions_open: Gauge,
    pub(crate) looked_up: Gauge<f64, AtomicU64>,
    reservas_made: Counter,
    reservas_ended: Family<StatusLabel, Counter>,
    sessions_ended: Counter,
    amounts: Arc<Amounts>,
}

/// One of the states in which a posto can be at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct StateLabel {
    pub(crate) state: &'static str,
}

/// The `status` of a reserva, as on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct StatusLabel {
    pub(crate) status: &'static str,
}

/// What one transaction records; it counts once it is committed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Recorded {
    pub(crate) reservas: u64,
    sessions: u64,
    energy_millionths: u64,
    centavos: u64,
}

impl Recorded {
    /// A session that has ended.
    pub(crate) fn session(&mut self, energy: Kwh, cost: Centavos) {
        self.sessions += 1;
        self.energy_millionths += (energy.get() * 1e6).round() as u64;
        self.centavos += cost.get().unsigned_abs();
    }
}

impl StoreMetrics {
    #[rustfmt::skip] // One line for each metric.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let of = registry;
        let amounts = Arc::new(Amounts::default());
        of.register_collector(Box::new(Arc::clone(&amounts)));
        let histogram = |buckets: &[f64]| Histogram::new(buckets.iter().copied());
        let sizes: Vec<f64> = exponential_buckets(1.0, 2.0, 10).collect();
        let reservas_ended = Family::<StatusLabel, Counter>::default();
        // Prometheus sees no increase from nothing to 1.
        for state in ENDS {
            reservas_ended.get_or_create(&StatusLabel { status: state.as_str() }).inc_by(0);
        }
        Self {
            queue: register_metric(of, "postos_writer_queue_commands", "Commands that wait for the writer or are in its present batch", Gauge::default()),
            batch: register_metric(of, "postos_writer_batch_commands", "Commands in one transaction", histogram(&sizes)),
            transaction: register_metric(of, "postos_writer_transaction_seconds", "A whole transaction: decisions, writing and commit", histogram(&WRITE_BUCKETS)),
            commit: register_metric(of, "postos_writer_commit_seconds", "The commit of a transaction, with the sync of the WAL", histogram(&WRITE_BUCKETS)),
            failures: register_metric(of, "postos_writer_failures", "Transactions that failed", Counter::default()),
            is_writable: register_metric(of, "postos_writer_writable", "Whether the latest write succeeded; after one that failed, one is tried every second", Gauge::default()),
            last_write: register_metric(of, "postos_writer_last_write_timestamp_seconds", "When the last transaction that succeeded began; there is one every second", Gauge::default()),
            checkpoint: register_metric(of, "postos_database_checkpoint_seconds", "A checkpoint of the WAL into the database file, while the writer goes on", histogram(&CHECKPOINT_BUCKETS)),
            last_checkpoint: register_metric(of, "postos_writer_checkpoint_seconds", "The last part of a checkpoint, for which commands wait", histogram(&CHECKPOINT_BUCKETS)),
            checkpoint_failures: register_metric(of, "postos_database_checkpoint_failures", "Checkpoints that failed", Counter::default()),
            wal_pending: register_metric(of, "postos_database_wal_pending_pages", "Pages of the WAL that are not in the database file yet", Gauge::default()),
            wal_bytes: register_metric(of, "postos_database_wal_bytes", looked_up!("The file of the WAL"), Gauge::default()),
            database_bytes: register_metric(of, "postos_database_bytes", looked_up!("The database without its WAL"), Gauge::default()),
            free_bytes: register_metric(of, "postos_database_free_bytes", looked_up!("Pages in the database file that hold nothing"), Gauge::default()),
            disk_free_bytes: register_metric(of, "postos_database_disk_free_bytes", looked_up!("What is free on the disk of the database"), Gauge::default()),
            postos: register_metric(of, "postos_postos", looked_up!("Postos by state: free, held, charging, maintenance, out_of_service"), Family::default()),
            reservas: register_metric(of, "postos_reservas", looked_up!("Reservas that hold a posto now or later, by status"), Family::default()),
            sessions_open: register_metric(of, "postos_sessions_open", looked_up!("Charging sessions that have not ended"), Gauge::default()),
            looked_up: register_metric(of, "postos_figures_timestamp_seconds", "When the figures of the database were looked up", Gauge::default()),
            reservas_made: register_metric(of, "postos_reservas_made", "Reservas that were made since the start", Counter::default()),
            reservas_ended: register_metric(of, "postos_reservas_ended", "Reservas that were cancelled, or whose time passed or whose carro did not come, since the start", reservas_ended),
            sessions_ended: register_metric(of, "postos_sessions_ended", "Charging sessions that were recorded as ended since the start; corrections change nothing", Counter::default()),
            amounts,
        }
    }

    /// Counts what a transaction has recorded, and how its reservas ended.
    pub(crate) fn committed(
        &self,
        recorded: Recorded,
        ended: impl IntoIterator<Item = &'static str>,
    ) {
        self.reservas_made.inc_by(recorded.reservas);
        self.sessions_ended.inc_by(recorded.sessions);
        self.amounts.energy_millionths.fetch_add(recorded.energy_millionths, Relaxed);
        self.amounts.centavos.fetch_add(recorded.centavos, Relaxed);
        for status in ended {
            self.reservas_ended.get_or_create(&StatusLabel { status }).inc();
        }
    }
}

/// Sums of decimal numbers, which are floats only where they are read.
#[derive(Debug, Default)]
struct Amounts {
    energy_millionths: AtomicU64,
    centavos: AtomicU64,
}

impl Collector for Amounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut counter = |name: &str, help: &str, value: f64| {
            let counter = ConstCounter::new(value);
            let kind = counter.metric_type();
            counter.encode(encoder.encode_descriptor(name, help, None, kind)?)
        };
        let energy = self.energy_millionths.load(Relaxed) as f64 / 1e6;
        let help = "Energy of the sessions that were recorded as ended since the start, in kWh";
        counter("postos_energy_kwh", help, energy)?;
        let revenue = Centavos::new(self.centavos.load(Relaxed).cast_signed()).brl();
        let help = "Cost of the sessions that were recorded as ended since the start, in BRL";
        counter("postos_revenue_brl", help, revenue)
    }
}
