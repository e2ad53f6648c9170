//! What the bus counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tracing::info;

/// How often what was counted is logged, if there is anything new.
const TELLING: Duration = Duration::from_secs(60);

/// What happened since the bus was connected; a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages handed to the connection; one sent again after a reconnection counts again,
    /// each item of an array counts.
    pub published: u64,
    /// Packets they travelled in: what the broker has to handle.
    pub packets: u64,
    /// Messages the broker has taken.
    pub acknowledged: u64,
    /// Messages the broker refused, or that are larger than it takes: dropped.
    pub refused: u64,
    /// Messages whose time was up before the broker had them: dropped.
    pub expired: u64,
    /// Messages not taken because the outbox was full, and QoS 0 deliveries dropped because
    /// the inbox was.
    pub dropped_full: u64,
    /// Deliveries.
    pub received: u64,
    /// Deliveries dropped without [`Ack::done`](crate::Ack::done).
    pub abandoned: u64,
    /// Deliveries that nobody could make sense of.
    pub bad: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Connections lost because another program used our id.
    pub takeovers: u64,
    /// Messages waiting to be published or acknowledged now.
    pub outbox_len: u64,
}

/// The running counts behind [`Counters`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) published: AtomicU64,
    pub(crate) packets: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) expired: AtomicU64,
    pub(crate) dropped_full: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) bad: AtomicU64,
    pub(crate) reconnects: AtomicU64,
    pub(crate) takeovers: AtomicU64,
}

impl Tally {
    pub(crate) fn snapshot(&self, outbox_len: usize) -> Counters {
        Counters {
            published: self.published.load(Relaxed),
            packets: self.packets.load(Relaxed),
            acknowledged: self.acknowledged.load(Relaxed),
            refused: self.refused.load(Relaxed),
            expired: self.expired.load(Relaxed),
            dropped_full: self.dropped_full.load(Relaxed),
            received: self.received.load(Relaxed),
            abandoned: self.abandoned.load(Relaxed),
            bad: self.bad.load(Relaxed),
            reconnects: self.reconnects.load(Relaxed),
            takeovers: self.takeovers.load(Relaxed),
            outbox_len: outbox_len as u64,
        }
    }
}

/// Adds to a running count.
pub(crate) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Relaxed);
}

/// Logs what was counted, for ever.
pub(crate) async fn tell(mut counters: impl FnMut() -> Counters) {
    let mut told = Counters::default();
    loop {
        tokio::time::sleep(TELLING).await;
        let counted = counters();
        if counted == told {
            continue;
        }
        told = counted;
        let Counters { published, packets, received, acknowledged, outbox_len, .. } = counted;
        let Counters { refused, expired, dropped_full, abandoned, bad, .. } = counted;
        let Counters { reconnects, takeovers, .. } = counted;
        info!(
            published,
            packets,
            received,
            acknowledged,
            outbox_len,
            refused,
            expired,
            dropped_full,
            abandoned,
            bad,
            reconnects,
            takeovers,
            "messages so far"
        );
    }
}
