//! Guessing tokens: an address that sends wrong ones must wait, and others notice nothing.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;
use tracing::warn;

use crate::failpoints::{Bug, has};
use crate::http::exchange::caller::CallerKey;
use crate::http::exchange::rate_limit::RateLimit;

/// Wrong tokens in a minute, of one address.
const WRONG_PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Lines about wrong tokens in a minute, of all addresses.
const LINES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// How long a token that has worked from an address is not held up by wrong ones from there.
const TRUST: Duration = Duration::from_secs(3600);
/// How many tokens are remembered to have worked from an address: some 300 KiB.
const MAX_WORKED: usize = 4096;

type TokenHash = [u8; 32];

pub(super) struct Attempts {
    wrong: RateLimit<CallerKey>,
    lines: RateLimit<()>,
    worked: Mutex<LruCache<(CallerKey, TokenHash), Instant>>,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self {
            wrong: RateLimit::per_minute(WRONG_PER_MINUTE),
            lines: RateLimit::per_minute(LINES_PER_MINUTE),
            worked: Mutex::new(LruCache::unbounded()),
        }
    }

    /// Notes that a valid token came.
    ///
    /// # Errors
    /// How long the token must wait: wrong ones came from this address, and this one has not worked
    /// from there within [`TRUST`]. An answer now would tell somebody who guesses that it is right.
    pub(super) fn right(
        &self,
        caller: CallerKey,
        token: &TokenHash,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut worked = self.worked.lock();
        let last = worked.get(&(caller, *token)).copied();
        if last.is_none_or(|last| now.duration_since(last) > TRUST) {
            self.wrong.peek(&caller)?;
        }
        worked.put((caller, *token), now);
        if worked.len() > MAX_WORKED {
            worked.pop_lru();
        }
        Ok(())
    }

    /// Notes that a wrong token came.
    ///
    /// # Errors
    /// Too many came from this address: how long the next must wait.
    pub(super) fn wrong(&self, caller: CallerKey) -> Result<(), Duration> {
        if !has(Bug::EndlessGuesses) {
            self.wrong.check(&caller)?;
        }
        if self.lines.check(&()).is_ok() {
            warn!(%caller, "a request came with a wrong token");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(last: u8) -> CallerKey {
        CallerKey::of([192, 0, 2, last].into())
    }

    #[test]
    fn wrong_tokens_hold_up_their_own_address_but_no_token_that_works_there() {
        let (attempts, now) = (Attempts::new(), Instant::now());
        attempts.right(caller(1), &[1; 32], now).expect("nothing was wrong yet");
        for _ in 0..WRONG_PER_MINUTE.get() {
            attempts.wrong(caller(1)).expect("it is looked at");
        }
        assert!(attempts.wrong(caller(1)).is_err());
        let wait = attempts.right(caller(1), &[2; 32], now).expect_err("it is held up");
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(6), "{wait:?}");
        attempts.right(caller(1), &[1; 32], now + TRUST).expect("it has worked");
        let later = now + TRUST + TRUST + Duration::from_secs(1);
        assert!(attempts.right(caller(1), &[1; 32], later).is_err(), "too long ago");
        attempts.right(caller(2), &[2; 32], now).expect("another address");
        attempts.wrong(caller(2)).expect("another address");
    }

    #[test]
    fn as_many_tokens_are_remembered_as_fit() {
        let (attempts, now) = (Attempts::new(), Instant::now());
        for number in 0..2 * MAX_WORKED {
            let address = u32::try_from(number).expect("small").into();
            let key = CallerKey::of(std::net::IpAddr::V4(address));
            attempts.right(key, &[1; 32], now).expect("nothing was wrong");
        }
        assert_eq!(attempts.worked.lock().len(), MAX_WORKED);
    }
}
