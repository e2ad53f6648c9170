//! Finds the earliest time at which a message that is read now can have arrived.
//!
//! A process that was suspended (swapped out, stopped, starved) finds messages in its socket that
//! arrived meanwhile; their message expiry intervals were measured when the broker sent them. So
//! a message counts as having arrived when this process was last known to be running.
//!
//! So does one whose machine has slept. The clock of [`Instant`] stands still meanwhile, and a moment
//! before the sleep is further from now than that clock says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, MissedTickBehavior, interval};

const TICK_INTERVAL: Duration = Duration::from_millis(100);
/// A longer gap between two ticks is a stall.
const STALL: Duration = Duration::from_millis(300);
/// How long it may take after a stall to read what was waiting in the socket. The broker leaves
/// at most Receive Maximum there, which is read in a fraction of this.
const CATCH_UP: Duration = Duration::from_secs(1);
/// For a process that stalls again and again: otherwise everything would count as having arrived
/// before its first stall.
const MAX_CATCH_UP: Duration = Duration::from_secs(10);

/// Ticks while the process runs. Times are milliseconds since `start`, those included in which the
/// machine slept.
#[derive(Debug)]
pub(crate) struct StallDetector {
    start: Instant,
    /// How long the machine has slept since it was started, and how long it had at `start`.
    slept: fn() -> Duration,
    slept_at_start: Duration,
    tick_before_last: AtomicU64,
    last_tick: AtomicU64,
    /// The last tick before the latest stall.
    stalled_since: AtomicU64,
    /// The first tick after that stall.
    catching_up_since: AtomicU64,
    /// Until this time, a message that is read may have arrived during that stall.
    catching_up_until: AtomicU64,
}

impl StallDetector {
    /// Starts to tick, until it is dropped. Must be called within a tokio runtime.
    pub(crate) fn start() -> Arc<Self> {
        Self::start_with(time_asleep)
    }

    fn start_with(slept: fn() -> Duration) -> Arc<Self> {
        let detector = Arc::new(Self {
            start: Instant::now(),
            slept,
            slept_at_start: slept(),
            tick_before_last: 0.into(),
            last_tick: 0.into(),
            stalled_since: 0.into(),
            catching_up_since: 0.into(),
            catching_up_until: 0.into(),
        });
        let weak = Arc::downgrade(&detector);
        tokio::spawn(async move {
            let mut ticks = interval(TICK_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let now = ticks.tick().await;
                let Some(detector) = weak.upgrade() else { return };
                detector.tick(now.max(Instant::now()));
            }
        });
        detector
    }

    /// Counts the milliseconds from the start until `now`, with those for which the machine slept.
    fn millis(&self, now: Instant) -> u64 {
        let slept = (self.slept)().saturating_sub(self.slept_at_start);
        u64::try_from((now.duration_since(self.start) + slept).as_millis()).unwrap_or(u64::MAX)
    }

    fn tick(&self, now: Instant) {
        let now = self.millis(now);
        let last = self.last_tick.swap(now, Relaxed);
        self.tick_before_last.store(last, Relaxed);
        if now - last > STALL.as_millis() as u64 {
            let until = self.catching_up_until.load(Relaxed);
            let catching_up_since = self.catching_up_since.load(Relaxed);
            let is_bounded = last - catching_up_since <= MAX_CATCH_UP.as_millis() as u64;
            if last < until && is_bounded {
                // Another stall before the end of the catch-up: messages from before the first
                // stall may still be unread. The catch-up is extended by the length of this stall,
                // so that the process gets the same running time to read them.
                self.catching_up_until.store(until + (now - last), Relaxed);
            } else {
                self.stalled_since.store(last, Relaxed);
                self.catching_up_since.store(now, Relaxed);
                self.catching_up_until.store(now + CATCH_UP.as_millis() as u64, Relaxed);
            }
        }
    }

    /// The earliest time at which a message that is read now can have arrived. That is the tick
    /// before the last one, because the last one may come after a stall and before the reading.
    /// During a catch-up it is the beginning of the stall.
    pub(crate) fn earliest_arrival(&self) -> Instant {
        let now = Instant::now();
        let millis = self.millis(now);
        let mut earliest = self.tick_before_last.load(Relaxed);
        if millis < self.catching_up_until.load(Relaxed) {
            earliest = earliest.min(self.stalled_since.load(Relaxed));
        }
        let age = Duration::from_millis(millis.saturating_sub(earliest));
        now.checked_sub(age).unwrap_or(self.start)
    }
}

/// How long the machine has slept since it was started.
fn time_asleep() -> Duration {
    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    // In this order, so that what passes in between is no sleep.
    let awake = read(ClockId::Monotonic);
    let all = read(ClockId::Boottime);
    // What passes between the two calls is less than this.
    let slept = all.saturating_sub(awake);
    if slept < STALL { Duration::ZERO } else { slept }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static SLEPT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_after_a_sleep_counts_as_arrived_before_it() {
        const SLEEP: Duration = Duration::from_secs(3600);
        let detector = StallDetector::start_with(|| SLEPT.get());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let awake = Instant::now();
        assert!(awake - detector.earliest_arrival() <= 2 * TICK_INTERVAL);
        SLEPT.set(SLEEP);
        let age = || Instant::now() - detector.earliest_arrival();
        assert!(age() >= SLEEP, "also before the next tick");
        tokio::time::sleep(TICK_INTERVAL).await;
        assert!(age() >= SLEEP, "some messages may still be unread");
        tokio::time::sleep(CATCH_UP + 2 * TICK_INTERVAL).await;
        assert!(age() <= 2 * TICK_INTERVAL, "{:?}", age());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_after_a_stall_counts_as_arrived_before_it() {
        let detector = StallDetector::start();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = Instant::now();
        assert!(before - detector.earliest_arrival() <= 2 * TICK_INTERVAL);
        // While the process is suspended there is no tick, and one afterwards.
        tokio::time::advance(Duration::from_secs(30)).await;
        tokio::task::yield_now().await;
        assert!(detector.earliest_arrival() <= before);
        tokio::time::sleep(CATCH_UP / 2).await;
        assert!(detector.earliest_arrival() <= before, "some messages may still be unread");
        tokio::time::sleep(CATCH_UP).await;
        assert!(Instant::now() - detector.earliest_arrival() <= 2 * TICK_INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn stalls_without_a_pause_do_not_date_everything_back_to_the_first() {
        let detector = StallDetector::start();
        for _ in 0..200 {
            tokio::time::advance(2 * STALL).await;
            tokio::task::yield_now().await;
        }
        let limit = MAX_CATCH_UP + CATCH_UP + 4 * STALL;
        assert!(Instant::now() - detector.earliest_arrival() <= limit);
    }
}
