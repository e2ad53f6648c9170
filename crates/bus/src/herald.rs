//! Announces that this program is there, and contradicts whoever says otherwise.

use std::time::Duration;

use bytes::Bytes;
use protocol::Timestamp;
use tokio::time::Instant;

use crate::Presence;

/// Least time between two repeated announcements, so that two programs that share a
/// presence topic do not shout each other down at full speed.
const PAUSE: Duration = Duration::from_secs(5);

/// The presence of one connection.
///
/// The Last Will of our previous connection can come after the birth of this one: the broker
/// publishes it when it notices the break. So the herald listens on the topic and announces
/// the birth again when anything else appears there.
#[derive(Debug)]
pub(crate) struct Herald {
    pub(crate) topic: String,
    pub(crate) birth: Bytes,
    /// What to publish at a clean end; equal to the Last Will.
    pub(crate) farewell: Bytes,
    announced: bool,
    contradicted: bool,
    /// When the birth was last announced against a contradiction.
    repeated: Option<Instant>,
}

impl Herald {
    pub(crate) fn new(presence: &Presence, since: Timestamp) -> Self {
        Self {
            topic: presence.topic.clone(),
            birth: (presence.birth)(since).into(),
            farewell: (presence.will)(since).into(),
            announced: false,
            contradicted: false,
            repeated: None,
        }
    }

    /// Something appeared on the presence topic; true if it contradicts what was announced. What
    /// the broker had `retained` is of an older connection, and our announcement replaces it.
    pub(crate) fn hear(&mut self, payload: &Bytes, retained: bool) -> bool {
        let contradicts = self.announced && !retained && *payload != self.birth;
        self.contradicted |= contradicts;
        contradicts
    }

    /// Whether to announce the birth now; true also counts as announced.
    pub(crate) fn must_announce(&mut self, now: Instant) -> bool {
        if !self.announced {
            self.announced = true;
            return true;
        }
        let paused = self.repeated.is_none_or(|last| now.duration_since(last) >= PAUSE);
        let repeat = self.contradicted && paused;
        if repeat {
            self.contradicted = false;
            self.repeated = Some(now);
        }
        repeat
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn overrules_a_late_will_at_once_and_then_with_pauses() {
        let presence = Presence {
            topic: "p".to_owned(),
            birth: Arc::new(|since| format!("birth {since}").into_bytes()),
            will: Arc::new(|since| format!("will {since}").into_bytes()),
        };
        let since = Timestamp::from_millis(1_000).unwrap();
        let mut herald = Herald::new(&presence, since);
        let late_will = Bytes::from_static(b"will of an older connection");
        let start = Instant::now();

        assert!(!herald.hear(&late_will, false), "nothing is announced yet");
        assert!(herald.must_announce(start));
        assert!(!herald.hear(&late_will, true), "retained from before");
        assert!(!herald.must_announce(start));
        let own = herald.birth.clone();
        assert!(!herald.hear(&own, false));
        assert!(!herald.must_announce(start));
        assert!(herald.hear(&late_will, false));
        assert!(herald.must_announce(start));
        assert!(herald.hear(&late_will, false));
        assert!(!herald.must_announce(start));
        assert!(herald.must_announce(start + PAUSE));
        assert!(!herald.must_announce(start + PAUSE * 2));
    }
}
