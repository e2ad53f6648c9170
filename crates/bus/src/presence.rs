//! Publishes that this program is online, and repeats it when a message says otherwise.

use std::time::Duration;

use bytes::Bytes;
use protocol::Timestamp;
use tokio::time::Instant;

use crate::{Presence, ReasonCode};

/// Least time between two repetitions. Two programs that share a presence topic would otherwise
/// contradict each other at full speed.
const REPEAT_INTERVAL: Duration = Duration::from_secs(5);
/// The broker delivers an accepted birth to its own program sooner than that.
const DELIVERY_LIMIT: Duration = Duration::from_secs(10);

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
    /// When the broker accepted the birth.
    accepted_at: Option<Instant>,
    /// The broker has delivered the birth to this program, so it delivers it to others.
    is_delivered: bool,
    problem: Option<PresenceProblem>,
    reported: Option<PresenceProblem>,
}

/// Why others do not see this program though it is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PresenceProblem {
    Refused(ReasonCode),
    NotDelivered,
}

impl PresenceProblem {
    fn describe(self, topic: &str) -> String {
        match self {
            Self::Refused(code) => format!(
                "the broker does not let this program publish its presence on {topic}, {code}: \
                 others will not see it; give it the right to publish there"
            ),
            Self::NotDelivered => format!(
                "the broker accepted this program's presence on {topic} and does not deliver it: \
                 others may not see it; give it the right to publish and to read there"
            ),
        }
    }
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
            accepted_at: None,
            is_delivered: false,
            problem: None,
            reported: None,
        }
    }

    /// Takes a message on the presence topic; true if it contradicts the published birth, and is
    /// the first since that was published. A `retained` one is from an older connection, and the
    /// birth replaces it.
    pub(crate) fn observe(&mut self, payload: &Bytes, retained: bool) -> bool {
        if !self.published || retained {
            return false;
        }
        if *payload == self.birth {
            self.is_delivered = true;
            self.problem = None;
            return false;
        }
        !std::mem::replace(&mut self.contradicted, true)
    }

    /// The broker has answered a birth.
    pub(crate) fn answered(&mut self, code: ReasonCode, now: Instant) {
        if code.is_error() {
            self.problem = Some(PresenceProblem::Refused(code));
        } else {
            self.accepted_at.get_or_insert(now);
            self.problem.take_if(|problem| matches!(problem, PresenceProblem::Refused(_)));
        }
    }

    /// Finds out that the broker does not deliver the birth.
    pub(crate) fn check_delivery(&mut self, now: Instant) {
        let is_late = self.accepted_at.is_some_and(|at| now.duration_since(at) > DELIVERY_LIMIT);
        if is_late && !self.is_delivered {
            self.problem.get_or_insert(PresenceProblem::NotDelivered);
        }
    }

    /// The present problem, if it is another one than at the last call.
    pub(crate) fn changed_problem(&mut self) -> Option<Option<String>> {
        if self.problem == self.reported {
            return None;
        }
        self.reported = self.problem;
        Some(self.problem())
    }

    /// The problem at the end of a connection, which the broker may have ended because of the birth.
    pub(crate) fn problem_at_end(&self, by_broker: bool) -> Option<String> {
        let is_unanswered = self.published && self.accepted_at.is_none();
        if by_broker && is_unanswered && self.problem.is_none() {
            let topic = &self.topic;
            return Some(format!(
                "the presence on {topic} was not answered: give this program the right to publish \
                 there"
            ));
        }
        self.problem()
    }

    /// Why others do not see this program.
    fn problem(&self) -> Option<String> {
        self.problem.map(|problem| problem.describe(&self.topic))
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
        assert!(!publisher.observe(&late_will, false), "it is logged once");
        assert_eq!(publisher.repeated_birth(start), None);
        assert_eq!(publisher.repeated_birth(start + REPEAT_INTERVAL), Some(birth));
        assert_eq!(publisher.repeated_birth(start + REPEAT_INTERVAL * 2), None);
    }

    #[test]
    fn a_birth_that_is_refused_or_not_delivered_is_a_problem() {
        let presence = Presence {
            topic: "p".to_owned(),
            birth: Arc::new(|_| b"birth".to_vec()),
            will: Arc::new(|_| b"will".to_vec()),
        };
        let mut publisher = PresencePublisher::new(&presence, Timestamp::clamped(1_000));
        let birth = publisher.first_birth();
        let start = Instant::now();
        assert_eq!(publisher.changed_problem(), None);
        publisher.answered(ReasonCode::NOT_AUTHORIZED, start);
        let problem = publisher.changed_problem().flatten().expect("it is reported");
        assert!(problem.contains("not authorized") && problem.contains(" p,"), "{problem}");
        assert_eq!(publisher.changed_problem(), None, "it is reported once");

        publisher.answered(ReasonCode::SUCCESS, start);
        publisher.check_delivery(start + DELIVERY_LIMIT);
        assert_eq!(publisher.changed_problem(), Some(None));
        publisher.check_delivery(start + DELIVERY_LIMIT * 2);
        let problem = publisher.changed_problem().flatten().expect("it is reported");
        assert!(problem.contains("does not deliver it"), "{problem}");
        publisher.observe(&birth, false);
        publisher.check_delivery(start + DELIVERY_LIMIT * 3);
        assert_eq!(publisher.changed_problem(), Some(None));
    }
}
