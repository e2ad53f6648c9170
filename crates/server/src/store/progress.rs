//! Whether the writer makes progress. While it does not, nobody can report that a carro has come, so
//! that time makes no carro absent: not in what is read meanwhile, and not afterwards.

use std::sync::Arc;
use std::time::Duration;

use domain::Moment;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::failpoints;

/// Without a transaction for this long the process or the machine was stalled. The sweep has one
/// every second, and a slow disk or a busy machine takes some more; the shortest tolerance is a
/// minute.
const STALL: Duration = Duration::from_secs(10);

/// How far past the begin of the last transaction absences may already be shown: three sweeps. Later
/// ones could be taken back.
const COUNTED_AHEAD: Duration = Duration::from_secs(3);

/// When the writer wrote last. Clones share it.
#[derive(Clone)]
pub(in crate::store) struct Progress(Arc<Mutex<LastWrite>>);

/// The begin of the last transaction that succeeded.
struct LastWrite {
    now: Moment,
    clock: Instant,
    /// Until when absences counted when one after it failed for the first time.
    failing_since: Option<Moment>,
}

/// Time in which nothing was written, until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Pause {
    /// Absences that were due by then already counted.
    pub(in crate::store) since: Moment,
    /// It was so long that it counts as time in which the servidor did not run.
    pub(in crate::store) is_stall: bool,
}

impl LastWrite {
    fn is_long_ago(&self, now: Moment, clock: Instant) -> bool {
        // A machine that sleeps may stop the clock of durations, and the other may be set back.
        let by_wall = now.as_millis().saturating_sub(self.now.as_millis());
        let by_wall = Duration::from_millis(u64::try_from(by_wall).unwrap_or(0));
        let by_clock = clock.saturating_duration_since(self.clock);
        by_clock.max(by_wall / failpoints::clock_speed()) > STALL
    }

    fn absences_until(&self, now: Moment) -> Moment {
        let ahead = COUNTED_AHEAD * failpoints::clock_speed();
        self.failing_since.unwrap_or(self.now + ahead).min(now)
    }
}

impl Progress {
    /// Makes the progress of a writer that begins: it counts as having written now.
    pub(in crate::store) fn begin(now: Moment) -> Self {
        let begun = LastWrite { now, clock: Instant::now(), failing_since: None };
        Self(Arc::new(Mutex::new(begun)))
    }

    /// Records that a transaction which began at this moment succeeded.
    pub(in crate::store) fn succeeded(&self, now: Moment, clock: Instant) {
        *self.last() = LastWrite { now, clock, failing_since: None };
    }

    /// Records that a transaction has failed at this moment, as others would. Until one succeeds, only
    /// absences count that counted already at the first failure.
    pub(in crate::store) fn failed(&self, now: Moment) {
        let mut last = self.last();
        last.failing_since = Some(last.absences_until(now));
    }

    /// Returns the time in which nothing was written, if it counts because writing failed or because it
    /// was long. A clock that is set forward looks the same as a machine that slept.
    pub(in crate::store) fn pause(&self, now: Moment, clock: Instant) -> Option<Pause> {
        let last = self.last();
        let is_stall = last.is_long_ago(now, clock);
        let counts = is_stall || last.failing_since.is_some();
        counts.then(|| Pause { since: last.absences_until(now), is_stall })
    }

    /// Whether the clock was set back since the last transaction, by so much that it would have counted
    /// as a stall when it went forward.
    pub(in crate::store) fn is_set_back(&self, now: Moment) -> bool {
        let by = self.last().now.as_millis().saturating_sub(now.as_millis());
        let by = Duration::from_millis(u64::try_from(by).unwrap_or(0));
        by / failpoints::clock_speed() > STALL
    }

    /// Returns the moment by which absences must have fallen due to count in what is read at `now`. It is
    /// `now` itself, unless nothing has been written for a while. What counts once is not taken back.
    pub(in crate::store) fn absences_until(&self, now: Moment) -> Moment {
        self.last().absences_until(now)
    }

    /// When the last transaction that succeeded began.
    pub(in crate::store) fn last_write(&self) -> Moment {
        self.last().now
    }

    fn last(&self) -> MutexGuard<'_, LastWrite> {
        self.0.lock()
    }
}
