//! Publishes that this program is online, and repeats it when a message says otherwise.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::Timestamp;
use tokio::time::Instant;

use crate::options::MakePresence;
use crate::{Presence, ReasonCode};

/// Least time between two repetitions. Two programs that share a presence topic would otherwise
/// contradict each other at full speed.
const REPEAT_INTERVAL: Duration = Duration::from_secs(5);
/// The broker delivers an accepted birth to its own program sooner than that.
const DELIVERY_LIMIT: Duration = Duration::from_secs(10);

/// Presences of earlier connections that are remembered.
const MAX_REMEMBERED: usize = 64;

/// What this program has published on its presence topic, on all its connections.
#[derive(Debug, Default)]
pub(crate) struct PresenceHistory {
    /// Births and wills, the latest last.
    own: VecDeque<Bytes>,
    /// The broker has delivered a birth. What was retained there before is replaced.
    is_delivered: bool,
}

impl PresenceHistory {
    fn add(&mut self, presence: [&Bytes; 2]) {
        self.own.extend(presence.map(Bytes::clone));
        self.own.drain(..self.own.len().saturating_sub(MAX_REMEMBERED));
    }
}

/// A message on the presence topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observed {
    /// It changes nothing, or the birth replaces it.
    Expected,
    /// A late will of this program: the birth is published again.
    OwnWill,
    /// Another program's, and the first on this connection.
    Foreign,
    /// Another program's, again.
    ForeignAgain,
}

/// The presence of one connection.
///
/// The broker publishes a Last Will when it notices that a connection has broken: the will of the
/// previous connection can arrive after the birth of this one. So the connection subscribes to
/// its own presence topic, and publishes the birth again when anything else appears there. A broker
/// that is shut down publishes the will of this connection before it closes it.
pub(crate) struct PresencePublisher<'a> {
    history: &'a mut PresenceHistory,
    pub(crate) topic: String,
    birth: Bytes,
    /// The Last Will.
    pub(crate) offline: Bytes,
    will: MakePresence,
    since: Timestamp,
    published: bool,
    contradicted: bool,
    /// Another program contradicted it.
    is_disputed: bool,
    /// Another program has published here since the previous connection.
    pub(crate) has_predecessor: bool,
    repeated_at: Option<Instant>,
    /// When the broker accepted the birth.
    accepted_at: Option<Instant>,
    /// The broker has delivered the birth to this program, so it delivers it to others.
    pub(crate) is_delivered: bool,
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
                 others will not see it, and its Last Will would not be believed either; give it the \
                 right to publish there"
            ),
            Self::NotDelivered => format!(
                "the broker accepted this program's presence on {topic} and does not deliver it: \
                 others may not see it; give it the right to publish and to read there"
            ),
        }
    }
}

impl<'a> PresencePublisher<'a> {
    pub(crate) fn new(
        presence: &Presence,
        since: Timestamp,
        history: &'a mut PresenceHistory,
    ) -> Self {
        let birth = Bytes::from((presence.birth)(since));
        let offline = Bytes::from((presence.will)(since));
        history.add([&birth, &offline]);
        Self {
            history,
            topic: presence.topic.clone(),
            birth,
            offline,
            will: Arc::clone(&presence.will),
            since,
            published: false,
            contradicted: false,
            is_disputed: false,
            has_predecessor: false,
            repeated_at: None,
            accepted_at: None,
            is_delivered: false,
            problem: None,
            reported: None,
        }
    }

    /// What is published at a clean end: offline since then, where the Last Will only knows since when
    /// this program was online. Never older than the birth, whatever the clock says: it would not be
    /// believed.
    pub(crate) fn offline_since(&self, now: Timestamp) -> Bytes {
        Bytes::from((self.will)(now.max(self.since)))
    }

    /// Takes a message on the presence topic. One that is `retained`, or came before the birth was
    /// published, is older than this connection.
    pub(crate) fn observe(&mut self, payload: &Bytes, retained: bool) -> Observed {
        let is_own = self.history.own.contains(payload);
        if !self.published || retained {
            // Another program was connected meanwhile, perhaps with the same MQTT id.
            self.has_predecessor |= !is_own && self.history.is_delivered && !payload.is_empty();
            return Observed::Expected;
        }
        if *payload == self.birth {
            self.is_delivered = true;
            self.history.is_delivered = true;
            self.problem = None;
            return Observed::Expected;
        }
        self.contradicted = true;
        if is_own {
            Observed::OwnWill
        } else if std::mem::replace(&mut self.is_disputed, true) {
            Observed::ForeignAgain
        } else {
            Observed::Foreign
        }
    }

    /// Records how the broker has answered a birth.
    pub(crate) fn answered(&mut self, code: ReasonCode, now: Instant) {
        if code.is_error() {
            self.problem = Some(PresenceProblem::Refused(code));
            self.repeated_at = Some(now);
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

    /// The birth, if it is to be published again now: it was contradicted, or it was refused and the
    /// right may have been given meanwhile.
    pub(crate) fn repeated_birth(&mut self, now: Instant) -> Option<Bytes> {
        let recently =
            self.repeated_at.is_some_and(|last| now.duration_since(last) < REPEAT_INTERVAL);
        let is_refused = matches!(self.problem, Some(PresenceProblem::Refused(_)));
        if recently || !self.contradicted && !is_refused {
            return None;
        }
        self.contradicted = false;
        self.repeated_at = Some(now);
        Some(self.birth.clone())
    }
}

#[cfg(test)]
mod tests;
