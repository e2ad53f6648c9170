//! Whether the writer makes progress. While it does not, nobody can report that a carro has come, so
//! that time makes no carro absent: not in what is read meanwhile, and not afterwards.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Moment;
use tokio::time::Instant;

use crate::failpoints;

/// After so long without a transaction the servidor has stood still: its process, or the machine.
/// The sweep has one every second, and a slow disk or a busy machine takes some more; the shortest
/// tolerance is a minute.
const STANDSTILL: Duration = Duration::from_secs(10);

/// When the writer wrote last. Clones share it.
#[derive(Clone)]
pub(in crate::store) struct Progress(Arc<Mutex<LastWrite>>);

/// The begin of the last transaction that succeeded.
struct LastWrite {
    now: Moment,
    clock: Instant,
    /// The begin of the first one that failed after it.
    failing_since: Option<Moment>,
}

/// Time in which nothing was written, until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Pause {
    pub(in crate::store) since: Moment,
    /// It was so long that it counts as time in which the servidor did not run.
    pub(in crate::store) is_standstill: bool,
}

impl LastWrite {
    fn is_long_ago(&self, now: Moment, clock: Instant) -> bool {
        // A machine that sleeps may stop the clock of durations, and the other may be set back.
        let by_wall = now.as_millis().saturating_sub(self.now.as_millis());
        let by_wall = Duration::from_millis(u64::try_from(by_wall).unwrap_or(0));
        let by_clock = clock.saturating_duration_since(self.clock);
        by_clock.max(by_wall / failpoints::clock_speed()) > STANDSTILL
    }
}

impl Progress {
    /// Of a writer that begins.
    pub(in crate::store) fn begin(now: Moment) -> Self {
        let begun = LastWrite { now, clock: Instant::now(), failing_since: None };
        Self(Arc::new(Mutex::new(begun)))
    }

    /// A transaction that began at this moment succeeded.
    pub(in crate::store) fn succeeded(&self, now: Moment, clock: Instant) {
        *self.last() = LastWrite { now, clock, failing_since: None };
    }

    /// A transaction that began at this moment failed, and so would others.
    pub(in crate::store) fn failed(&self, now: Moment, clock: Instant) {
        let mut last = self.last();
        if last.failing_since.is_none() {
            let was_standing_still = last.is_long_ago(now, clock);
            last.failing_since = Some(if was_standing_still { last.now } else { now });
        }
    }

    /// The time in which nothing was written, if it counts: writing failed, or it was long. A clock
    /// that is set forward cannot be told from a machine that slept.
    pub(in crate::store) fn pause(&self, now: Moment, clock: Instant) -> Option<Pause> {
        let last = self.last();
        let is_standstill = last.is_long_ago(now, clock);
        let since = last.failing_since.or(is_standstill.then_some(last.now))?;
        Some(Pause { since: since.min(now), is_standstill })
    }

    /// Since when no absence counts that falls due; `None` while all count.
    pub(in crate::store) fn pause_since(&self, now: Moment) -> Option<Moment> {
        self.pause(now, Instant::now()).map(|pause| pause.since)
    }

    fn last(&self) -> MutexGuard<'_, LastWrite> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
