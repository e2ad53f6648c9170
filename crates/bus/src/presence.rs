//! Publishes that this program is online, and repeats it when a message says otherwise.

use std::time::Duration;

use bytes::Bytes;
use protocol::Timestamp;
use tokio::time::Instant;

use crate::Presence;

/// Least time between two repetitions. Two programs that share a presence topic would otherwise
/// contradict each other at full speed.
const REPEAT_INTERVAL: Duration = Duration::from_secs(5);

/// The presence of one connection.
///
/// The broker publishes a Last Will when it notices that a connection has broken: the will of the
/// previous connection can arrive after the birth of this one. So the connection subscribes to
/// its own presence topic, and publishes the birth again when anything else appears there.
#[derive(Debug)]
pub(crate) struct PresencePublisher {
    pub(crate) topic: String,
    birth: Bytes,
    /// The offline presence: the Last Will, also published at a clean end.
    pub(crate) offline: Bytes,
    published: bool,
    contradicted: bool,
    repeated_at: Option<Instant>,
}

impl PresencePublisher {
    pub(crate) fn new(presence: &Presence, since: Timestamp) -> Self {
        Self {
            topic: presence.topic.clone(),
            birth: (presence.birth)(since).into(),
            offline: (presence.will)(since).into(),
            published: false,
            contradicted: false,
            repeated_at: None,
        }
    }

    /// Takes a message on the presence topic; true if it contradicts the published birth. A
    /// `retained` one is from an older connection, and the birth replaces it.
    pub(crate) fn observe(&mut self, payload: &Bytes, retained: bool) -> bool {
        let contradicts = self.published && !retained && *payload != self.birth;
        self.contradicted |= contradicts;
        contradicts
    }

    /// The birth, to be published now that the connection is up.
    pub(crate) fn first_birth(&mut self) -> Bytes {
        self.published = true;
        self.birth.clone()
    }

    /// The birth, if it is to be published again now.
    pub(crate) fn repeated_birth(&mut self, now: Instant) -> Option<Bytes> {
        let recently =
            self.repeated_at.is_some_and(|last| now.duration_since(last) < REPEAT_INTERVAL);
        if !self.contradicted || recently {
            return None;
        }
        self.contradicted = false;
        self.repeated_at = Some(now);
        Some(self.birth.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_late_will_is_contradicted_at_once_and_then_at_intervals() {
        let presence = Presence {
            topic: "p".to_owned(),
            birth: Arc::new(|since| format!("birth {since}").into_bytes()),
            will: Arc::new(|since| format!("will {since}").into_bytes()),
        };
        let since = Timestamp::from_millis(1_000).unwrap();
        let mut publisher = PresencePublisher::new(&presence, since);
        let late_will = Bytes::from_static(b"will of an older connection");
        let start = Instant::now();

        assert!(!publisher.observe(&late_will, false), "nothing is published yet");
        let birth = publisher.first_birth();
        assert!(!publisher.observe(&late_will, true), "retained from before");
        assert_eq!(publisher.repeated_birth(start), None);
        assert!(!publisher.observe(&birth, false));
        assert_eq!(publisher.repeated_birth(start), None);
        assert!(publisher.observe(&late_will, false));
        assert_eq!(publisher.repeated_birth(start), Some(birth.clone()));
        assert!(publisher.observe(&late_will, false));
        assert_eq!(publisher.repeated_birth(start), None);
        assert_eq!(publisher.repeated_birth(start + REPEAT_INTERVAL), Some(birth));
        assert_eq!(publisher.repeated_birth(start + REPEAT_INTERVAL * 2), None);
    }
}
