//! How long a message has to live, as MQTT counts it: in whole seconds.

use std::time::Duration;

use tokio::time::Instant;

/// What is left of a message's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It never expires.
    Unlimited,
    /// So many seconds, as told to the broker.
    Seconds(u32),
    /// Its time is up.
    Over,
}

/// A command must not outlive its caller, and MQTT counts whole seconds: so the time left is
/// rounded up and one second is taken off. But zero would mean "at once", hence at least one.
pub(super) fn life(expires_at: Option<Instant>, now: Instant) -> Life {
    let Some(expires_at) = expires_at else {
        return Life::Unlimited;
    };
    let left = expires_at.saturating_duration_since(now);
    if left.is_zero() {
        return Life::Over;
    }
    let rounded_up = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let seconds = rounded_up.saturating_sub(1).max(1);
    Life::Seconds(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// Whether nothing is left of it.
pub(super) fn is_over(expires_at: Option<Instant>, now: Instant) -> bool {
    expires_at.is_some_and(|expires_at| expires_at.duration_since(now) == Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_never_outlives_its_caller_by_more_than_the_smallest_unit() {
        let now = Instant::now();
        for (left_ms, expected) in [
            (0, Life::Over),
            (1, Life::Seconds(1)),
            (1_000, Life::Seconds(1)),
            (1_001, Life::Seconds(1)),
            (2_000, Life::Seconds(1)),
            (2_001, Life::Seconds(2)),
            (9_999, Life::Seconds(9)),
            (10_000, Life::Seconds(9)),
        ] {
            let expires_at = now + Duration::from_millis(left_ms);
            assert_eq!(life(Some(expires_at), now), expected, "{left_ms} ms left");
            assert_eq!(is_over(Some(expires_at), now), expected == Life::Over);
        }
        assert_eq!(life(None, now), Life::Unlimited);
    }
}
