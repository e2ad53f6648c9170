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
/// A longer gap between two beats is a standstill.
const STANDSTILL: Duration = Duration::from_millis(300);
/// How long after a standstill it may take to read what lay in the socket. The broker leaves at
/// most Receive Maximum there, which is read in a fraction of this.
const CATCHING_UP: Duration = Duration::from_secs(1);

/// Beats while the process runs.
#[derive(Debug)]
pub(crate) struct Pulse {
    start: Instant,
    /// Milliseconds since `start` of the beat before the last.
    before_last: AtomicU64,
    /// Milliseconds since `start` of the last beat.
    last: AtomicU64,
    /// Milliseconds since `start` of the last beat before the last standstill.
    stalled_since: AtomicU64,
    /// Milliseconds since `start` until which what is read may be from before that standstill.
    catching_up_until: AtomicU64,
}

impl Pulse {
    /// Starts beating, until it is dropped. Must be called within a tokio runtime.
    pub(crate) fn start() -> Arc<Self> {
        let pulse = Arc::new(Self {
            start: Instant::now(),
            before_last: 0.into(),
            last: 0.into(),
            stalled_since: 0.into(),
            catching_up_until: 0.into(),
        });
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

    fn millis(&self, moment: Instant) -> u64 {
        u64::try_from(moment.duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }

    fn beat(&self, now: Instant) {
        let now = self.millis(now);
        let last = self.last.swap(now, Relaxed);
        self.before_last.store(last, Relaxed);
        if now - last > STANDSTILL.as_millis() as u64 {
            let until = self.catching_up_until.load(Relaxed);
            if last < until {
                // One standstill after the other: what lay there before the first may be unread
                // yet. Only the time awake counts, or stalls that recur would never be over.
                self.catching_up_until.store(until + (now - last), Relaxed);
            } else {
                self.stalled_since.store(last, Relaxed);
                self.catching_up_until.store(now + CATCHING_UP.as_millis() as u64, Relaxed);
            }
        }
    }

    /// The earliest moment at which what is read now can have arrived: the beat before the last,
    /// for the last one may be the first after a standstill and come before the reading; and for
    /// a while after a standstill, its beginning.
    pub(crate) fn earliest_arrival(&self) -> Instant {
        let mut earliest = self.before_last.load(Relaxed);
        if self.millis(Instant::now()) < self.catching_up_until.load(Relaxed) {
            earliest = earliest.min(self.stalled_since.load(Relaxed));
        }
        self.start + Duration::from_millis(earliest)
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
        tokio::time::sleep(CATCHING_UP / 2).await;
        assert!(pulse.earliest_arrival() <= before, "it may not be all read yet");
        tokio::time::sleep(CATCHING_UP).await;
        assert!(Instant::now() - pulse.earliest_arrival() <= 2 * BEAT);
    }
}
