//! What the [`Bus`](crate::Bus) handles and the connection task share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::metrics::histogram::Histogram;
use protocol::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::counters::RunningCounters;
use crate::given_up::GivenUpList;
use crate::log_limit::{LogLimit, shortened};
use crate::on_demand::OnDemand;
use crate::outbox::{MAX_PACKET, Outbox};
use crate::stall_detector::StallDetector;
use crate::{Counters, Outgoing, Refusal};

/// In seconds: from a broker on the same machine to one that is about to be given up.
const PUBACK_BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// How often expired messages are dropped while there is no connection.
const PURGE_INTERVAL: Duration = Duration::from_millis(250);

/// State of the connection to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Not connected, or not yet subscribed to everything.
    Down,
    /// Connected and subscribed to everything.
    Up {
        /// Counts connections from 1. What was sent on an older connection may be lost.
        generation: u64,
        /// When this connection began: the `desde` of its presence.
        since: Timestamp,
        /// When it came up, by a clock that nobody sets.
        at: Instant,
    },
}

impl Link {
    /// The number of the connection while it is up.
    pub fn generation(self) -> Option<u64> {
        match self {
            Self::Down => None,
            Self::Up { generation, .. } => Some(generation),
        }
    }
}

#[derive(Debug)]
pub(crate) struct BusState {
    pub(crate) outbox: Mutex<Outbox>,
    pub(crate) on_demand: Mutex<OnDemand>,
    pub(crate) link: watch::Sender<Link>,
    pub(crate) counters: RunningCounters,
    /// From sending a packet to its PUBACK, in seconds.
    pub(crate) puback: Histogram,
    /// Packets that the broker has not answered.
    pub(crate) in_flight: AtomicUsize,
    /// The broker has delivered this program's birth on the present connection.
    pub(crate) presence_seen: AtomicBool,
    /// Why the program is not connected, or not seen by others.
    problem: Mutex<Option<String>>,
    pub(crate) given_up: GivenUpList,
    pub(crate) bad_message_log: LogLimit,
    pub(crate) refused_log: LogLimit,
    pub(crate) stall_detector: Arc<StallDetector>,
    /// The largest packet that the broker takes, in bytes, as it said on the latest connection.
    pub(crate) max_packet: AtomicUsize,
    /// Wakes the connection: something can be sent or acknowledged.
    pub(crate) wake: Arc<Notify>,
    /// Changes when the next attempt to connect is to be made now.
    pub(crate) retry: watch::Sender<()>,
    /// Set when the bus is being closed: until when to send what is waiting.
    pub(crate) close_deadline: watch::Sender<Option<Instant>>,
    /// Cancelled when all tasks have ended.
    pub(crate) ended: CancellationToken,
}

impl BusState {
    pub(crate) fn new(outbox_capacity: usize) -> Self {
        Self {
            outbox: Mutex::new(Outbox::new(outbox_capacity)),
            on_demand: Mutex::default(),
            link: watch::Sender::new(Link::Down),
            counters: RunningCounters::default(),
            puback: Histogram::new(PUBACK_BUCKETS),
            in_flight: AtomicUsize::new(0),
            presence_seen: AtomicBool::new(false),
            problem: Mutex::default(),
            given_up: GivenUpList::default(),
            bad_message_log: LogLimit::new(),
            refused_log: LogLimit::new(),
            stall_detector: StallDetector::start(),
            max_packet: AtomicUsize::new(MAX_PACKET),
            wake: Arc::default(),
            retry: watch::Sender::new(()),
            close_deadline: watch::Sender::new(None),
            ended: CancellationToken::new(),
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters.snapshot(self.outbox.lock().len())
    }

    pub(crate) fn set_link(&self, link: Link) {
        self.link.send_if_modified(|current| std::mem::replace(current, link) != link);
    }

    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.lock().clone()
    }

    pub(crate) fn set_problem(&self, problem: Option<String>) {
        *self.problem.lock() = problem;
    }

    /// Handles a message that the broker will never take: its owner may publish another one.
    pub(crate) fn give_up(&self, mut message: Outgoing, refusal: Refusal) {
        self.counters.refused.add(1);
        self.given_up.remember(&message, refusal);
        // The broker did not say how much it takes. Half of what it refused is found in few steps.
        if let Refusal::TooLarge { size, max: None } = refusal {
            self.max_packet.fetch_min(size / 2, Relaxed);
        }
        if self.refused_log.admits() {
            let (topic, bytes) = (shortened(&message.topic), message.payload.len());
            tracing::error!(topic, bytes, reason = %refusal, "message given up");
        }
        if let Some(trace) = &mut message.trace {
            trace.refused(refusal.to_string());
        }
        let on_refused = message.on_refused.take();
        let Some(instead) = on_refused.and_then(|one| one.call(message, refusal)) else { return };
        let pushed = self.outbox.lock().push_replacement(instead);
        match pushed {
            Ok(wake) => {
                if wake {
                    self.wake.notify_one();
                }
            }
            Err(error) => tracing::error!(%error, "a message cannot be replaced"),
        }
    }

    /// Logs how many lines were left out of the log.
    pub(crate) fn log_left_out(&self) {
        let (bad, refused) =
            (self.bad_message_log.take_left_out(), self.refused_log.take_left_out());
        if bad > 0 {
            tracing::warn!(count = bad, "more bad messages, not logged one by one");
        }
        if refused > 0 {
            tracing::error!(count = refused, "more messages given up, not logged one by one");
        }
    }

    /// Runs while there is no connection, and drops expired messages meanwhile. Ends when the
    /// bus is being closed and nothing is left to send, or the deadline has passed.
    pub(crate) async fn closed_while_offline(&self) {
        let mut close_deadline = self.close_deadline.subscribe();
        loop {
            let now = Instant::now();
            self.counters.expired.add(self.outbox.lock().purge(now));
            let mut next_purge = now + PURGE_INTERVAL;
            if let Some(deadline) = *close_deadline.borrow_and_update() {
                if now >= deadline || self.outbox.lock().len() == 0 {
                    return;
                }
                next_purge = next_purge.min(deadline);
            }
            tokio::select! {
                Ok(()) = close_deadline.changed() => {}
                () = sleep_until(next_purge) => {}
            }
        }
    }
}
