//! The remaining life of a message in whole seconds, as MQTT counts it.

use std::time::Duration;

use tokio::time::Instant;

use crate::Outgoing;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// The message never expires.
    Unlimited,
    /// The expiry to send to the broker.
    Seconds(u32),
    Over,
}

/// With less, a command is not sent: it would outlive its caller.
const MIN_COMMAND_LIFE: Duration = Duration::from_millis(1_500);
/// What sending takes at most; it should not cost a whole second.
const SENDING: Duration = Duration::from_millis(100);

/// A command must not outlive its caller. MQTT counts whole seconds, and a broker keeps a message
/// until the second after the last one is over: so one second is subtracted. Zero would mean "at
/// once", hence at least one. A late answer does no harm and is sent until it expires.
pub(super) fn life(message: &Outgoing, now: Instant) -> Life {
    let Some(expires_at) = message.expires_at else {
        return Life::Unlimited;
    };
    let left = expires_at.saturating_duration_since(now);
    let is_command = message.response_topic.is_some();
    if left.is_zero() || is_command && left < MIN_COMMAND_LIFE {
        return Life::Over;
    }
    let seconds = (left + SENDING).as_secs().saturating_sub(1).max(1);
    Life::Seconds(u32::try_from(seconds).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(left_ms: Option<u64>, command: bool, now: Instant) -> Outgoing {
        Outgoing {
            topic: "t".to_owned(),
            payload: "{}".into(),
            expires_at: left_ms.map(|left| now + Duration::from_millis(left)),
            retain: false,
            response_topic: command.then(|| "r".to_owned()),
            correlation: None,
            join: crate::Join::Never,
            acknowledges: None,
        }
    }

    #[test]
    fn a_command_outlives_its_caller_by_half_a_second_at_most() {
        let now = Instant::now();
        for (left_ms, expected) in [
            (0, Life::Over),
            (1_499, Life::Over),
            (1_500, Life::Seconds(1)),
            (2_950, Life::Seconds(2)),
            (3_500, Life::Seconds(2)),
            (9_999, Life::Seconds(9)),
            (10_000, Life::Seconds(9)),
        ] {
            assert_eq!(
                life(&message(Some(left_ms), true, now), now),
                expected,
                "{left_ms} ms left"
            );
        }
        assert_eq!(life(&message(None, true, now), now), Life::Unlimited);
    }

    #[test]
    fn an_answer_is_sent_as_long_as_somebody_may_wait() {
        let now = Instant::now();
        for (left_ms, expected) in
            [(0, Life::Over), (1, Life::Seconds(1)), (4_000, Life::Seconds(3))]
        {
            assert_eq!(
                life(&message(Some(left_ms), false, now), now),
                expected,
                "{left_ms} ms left"
            );
        }
    }
}
