//! The log of connections that cannot be accepted: each attempt fails for as long as there are too
//! many open files.

use std::io;
use std::time::{Duration, Instant};

use tracing::{error, info};

/// Failures with less time between them are of one outage. Closing a connection lets one more be
/// accepted, so a success alone does not end it.
const QUIET_PERIOD: Duration = Duration::from_secs(10);

/// Of the failures of one outage, only the 1st, 2nd, 4th, 8th and so on is logged, and its end once.
#[derive(Debug, Default)]
pub(in crate::http) struct AcceptLog {
    failures: u32,
    latest: Option<Instant>,
}

impl AcceptLog {
    pub(in crate::http) fn failed(&mut self, error: &io::Error) {
        if self.count_failure(Instant::now()) {
            let attempts = self.failures;
            error!(%error, attempts, "HTTP connections cannot be accepted");
        }
    }

    pub(in crate::http) fn accepted(&mut self) {
        // Without asking for the time: nearly no connection follows a failure.
        if self.failures == 0 {
            return;
        }
        if let Some(attempts) = self.take_if_over(Instant::now()) {
            info!(attempts, "HTTP connections are accepted again");
        }
    }

    /// Counts a failure; whether it is logged.
    fn count_failure(&mut self, now: Instant) -> bool {
        if self.is_over(now) {
            self.failures = 0;
        }
        self.latest = Some(now);
        self.failures = self.failures.saturating_add(1);
        self.failures.is_power_of_two()
    }

    /// How many failures there were, if the outage is over.
    fn take_if_over(&mut self, now: Instant) -> Option<u32> {
        self.is_over(now).then(|| std::mem::take(&mut self.failures))
    }

    fn is_over(&self, now: Instant) -> bool {
        self.latest.is_some_and(|latest| now.duration_since(latest) >= QUIET_PERIOD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_that_lasts_is_logged_ever_less_often_and_its_end_once() {
        let mut log = AcceptLog::default();
        let start = Instant::now();
        let at = |tenths: u32| start + Duration::from_millis(100) * tenths;
        let mut logged = Vec::new();
        for attempt in 1..=40 {
            if log.count_failure(at(2 * attempt)) {
                logged.push(attempt);
            }
            // Each failure makes room for one connection.
            assert_eq!(log.take_if_over(at(2 * attempt + 1)), None);
        }
        assert_eq!(logged, [1, 2, 4, 8, 16, 32]);
        assert_eq!(log.take_if_over(at(2 * 40 + 99)), None);
        assert_eq!(log.take_if_over(at(2 * 40 + 100)), Some(40));
        assert_eq!(log.failures, 0, "and then no more");
        assert!(log.count_failure(at(300)), "a new one");
        assert!(log.count_failure(at(301)));
        assert!(!log.count_failure(at(302)));
        assert!(log.count_failure(at(500)), "no connection has come since the one before");
    }
}
