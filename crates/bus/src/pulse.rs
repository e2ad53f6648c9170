//! Telling how long a delivery may have lain unread.
//!
//! A process that was held still (swapped out, stopped, starved) finds messages in its socket
//! that arrived while it was not looking; what the broker said of their remaining life was true
//! then. So a message counts as arrived when this process was last known to keep up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

const BEAT: Duration = Duration::from_millis(100);

/// Beats while the process runs.
#[derive(Debug)]
pub(crate) struct Pulse {
    start: Instant,
    /// Milliseconds since `start` of the beat before the last.
    before_last: AtomicU64,
    /// Milliseconds since `start` of the last beat.
    last: AtomicU64,
}

impl Pulse {
    /// Starts beating, until it is dropped. Must be called within a tokio runtime.
    pub(crate) fn start() -> Arc<Self> {
        let zero = AtomicU64::new(0);
        let pulse = Arc::new(Self { start: Instant::now(), before_last: zero, last: 0.into() });
        let beating = Arc::downgrade(&pulse);
        tokio::spawn(async move {
            let mut beats = interval(BEAT);
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let now = beats.tick().await;
                let Some(pulse) = beating.upgrade() else { return };
                pulse.beat(now.max(Instant::now()));
            }
        });
        pulse
    }

    fn beat(&self, now: Instant) {
        let now = u64::try_from(now.duration_since(self.start).as_millis()).unwrap_or(u64::MAX);
        self.before_last.store(self.last.swap(now, Relaxed), Relaxed);
    }

    /// The earliest moment at which what is read now can have arrived: the beat before the last,
    /// for the last one may be the first after a standstill and come before the reading.
    pub(crate) fn earliest_arrival(&self) -> Instant {
        self.start + Duration::from_millis(self.before_last.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_read_after_a_standstill_counts_as_arrived_before_it() {
        let pulse = Pulse::start();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = Instant::now();
        assert!(before - pulse.earliest_arrival() <= 2 * BEAT);
        // Nobody beats while the process is held still, and once afterwards.
        tokio::time::advance(Duration::from_secs(30)).await;
        tokio::task::yield_now().await;
        assert!(pulse.earliest_arrival() <= before);
        tokio::time::sleep(3 * BEAT).await;
        assert!(Instant::now() - pulse.earliest_arrival() <= 2 * BEAT);
    }
}
