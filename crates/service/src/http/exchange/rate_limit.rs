//! A bound on how often one caller may do something.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use lru::LruCache;
use parking_lot::Mutex;

/// How many callers are remembered: some 6 MiB. Of more, those are forgotten that were quiet the
/// longest; a forgotten caller starts anew.
const MAX_KEYS: usize = 65_536;

/// So many a minute for each key, evenly spread; as many at once after a minute of silence.
pub struct RateLimit<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    limiter: RateLimiter<Attempt<K>, Recent<K>, C, NoOpMiddleware<C::Instant>>,
}

/// One question to the limit, and whether it uses up what it is allowed.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Attempt<K> {
    key: K,
    counts: bool,
}

impl<K: Hash + Eq + Clone> RateLimit<K> {
    pub fn per_minute(limit: NonZeroU32) -> Self {
        Self::with_clock(limit, MAX_KEYS, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock> RateLimit<K, C> {
    fn with_clock(limit: NonZeroU32, max_keys: usize, clock: C) -> Self {
        let recent = Recent { keys: Mutex::new(LruCache::unbounded()), max_keys };
        Self { limiter: RateLimiter::new(Quota::per_minute(limit), recent, clock) }
    }

    /// Counts one.
    ///
    /// # Errors
    /// It is beyond the limit, and not counted; how long it takes until the next is allowed.
    pub fn check(&self, key: &K) -> Result<(), Duration> {
        self.attempt(key, true)
    }

    /// Whether one more would be allowed. Counts nothing.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn peek(&self, key: &K) -> Result<(), Duration> {
        self.attempt(key, false)
    }

    fn attempt(&self, key: &K, counts: bool) -> Result<(), Duration> {
        let attempt = Attempt { key: key.clone(), counts };
        let checked = self.limiter.check_key(&attempt);
        checked.map_err(|until| until.wait_time_from(self.limiter.clock().now()))
    }
}

/// When each of the callers may go on, those of late.
struct Recent<K: Hash + Eq> {
    keys: Mutex<LruCache<K, Nanos>>,
    max_keys: usize,
}

impl<K: Hash + Eq + Clone> StateStore for Recent<K> {
    type Key = Attempt<K>;

    fn measure_and_replace<T, F, E>(&self, attempt: &Attempt<K>, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut keys = self.keys.lock();
        let (outcome, next) = measure(keys.get(&attempt.key).copied())?;
        if attempt.counts {
            keys.put(attempt.key.clone(), next);
            if keys.len() > self.max_keys {
                keys.pop_lru();
            }
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limit(
        per_minute: u32,
        max_keys: usize,
    ) -> (RateLimit<u64, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let per_minute = NonZeroU32::new(per_minute).expect("not zero");
        (RateLimit::with_clock(per_minute, max_keys, clock.clone()), clock)
    }

    #[test]
    fn a_minutes_worth_may_come_at_once_and_the_rest_comes_evenly() {
        let (limit, clock) = limit(6, 10);
        for _ in 0..6 {
            assert_eq!(limit.peek(&1), Ok(()));
            assert_eq!(limit.check(&1), Ok(()));
        }
        assert_eq!(limit.peek(&1), Err(Duration::from_secs(10)));
        assert_eq!(limit.check(&1), Err(Duration::from_secs(10)));
        clock.advance(Duration::from_millis(9_999));
        assert_eq!(limit.check(&1), Err(Duration::from_millis(1)), "a refusal costs nothing");
        clock.advance(Duration::from_millis(1));
        assert_eq!(limit.check(&1), Ok(()));
        assert_eq!(limit.check(&1), Err(Duration::from_secs(10)));
        assert_eq!(limit.check(&2), Ok(()), "others have their own");
        clock.advance(Duration::from_secs(60));
        let allowed = (0..20).filter(|_| limit.check(&1).is_ok()).count();
        assert_eq!(allowed, 6);
    }

    #[test]
    fn as_many_callers_are_remembered_as_fit_the_quiet_ones_forgotten_first() {
        let (limit, _clock) = limit(1, 1000);
        assert_eq!(limit.check(&0), Ok(()));
        for key in 1..100_000 {
            assert_eq!(limit.check(&key), Ok(()));
            limit.check(&0).expect_err("it is never quiet");
            assert_eq!(limit.peek(&u64::MAX), Ok(()));
        }
        assert_eq!(limit.limiter.into_state_store().keys.lock().len(), 1000);
    }
}
