//! How long to wait before the next attempt to connect.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Before the first attempt after a loss: soon, for a broker that only restarted.
const FIRST: Duration = Duration::from_millis(100);
/// A few TCP connects every three seconds cost nobody anything, and all is well again within a
/// second of the broker's return.
const LONGEST: Duration = Duration::from_millis(750);
/// After this long a connection counts as healthy.
pub(crate) const HEALTHY: Duration = Duration::from_secs(5);

/// Doubling delays, for ever, with jitter so that programs which lost the broker together do
/// not all come back at the same instant.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// A connection was healthy: start again with the shortest delay.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// The delay before the next attempt.
    pub(crate) fn delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = (delay * 2).min(LONGEST);
        jittered(delay)
    }
}

/// Something from half of `delay` to all of it.
pub(crate) fn jittered(delay: Duration) -> Duration {
    // Every RandomState has new random keys, which is all the randomness that jitter needs.
    let random = RandomState::new().build_hasher().finish();
    let share = (random >> 40) as f64 / (1u64 << 24) as f64;
    delay.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_a_cap_and_starts_again() {
        let mut backoff = Backoff::new();
        let delays: Vec<_> = (0..20).map(|_| backoff.delay()).collect();
        assert!(delays[0] <= FIRST && delays[0] >= FIRST / 2);
        assert!(delays.iter().all(|delay| *delay <= LONGEST));
        assert!(delays[19] >= LONGEST / 2);
        backoff.reset();
        assert!(backoff.delay() <= FIRST);
    }
}
