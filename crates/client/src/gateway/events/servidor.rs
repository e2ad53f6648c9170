//! The event of a servidor that has gone or returned.

use bytes::Bytes;
use protocol::{ServerId, ServerPresence, ServerState, Timestamp};
use serde::Serialize;

use super::frame::message_event;

/// Whether a servidor can be reached, and since when that is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Servidor {
    pub(super) server_id: ServerId,
    pub(super) status: ServerState,
    pub(super) desde: Timestamp,
}

impl Servidor {
    pub(super) fn is_online(&self) -> bool {
        self.status == ServerState::Online
    }

    /// Whether a servidor has gone or returned since it was as `before`. An offline servidor whose
    /// `desde` changes has not: the exact time is known when the broker publishes its Last Will.
    pub(super) fn is_news(&self, before: Option<&Self>) -> bool {
        before.is_none_or(|before| self != before && (self.is_online() || before.is_online()))
    }

    /// The event to send to a reader who knows `before`, if there is one to send. `now` is `None` when
    /// the servidor was removed.
    pub(super) fn news(now: Option<&Self>, before: Option<&Self>) -> Option<Bytes> {
        match (now, before) {
            (Some(now), before) => now.is_news(before).then(|| now.event()),
            (None, Some(before)) if before.is_online() => Some(before.clone().removed()),
            (None, _) => None,
        }
    }

    /// The event of one that an operator has removed.
    pub(super) fn removed(self) -> Bytes {
        let desde = service::now();
        Self { status: ServerState::Offline, desde, ..self }.event()
    }

    pub(super) fn event(&self) -> Bytes {
        message_event("servidor", self)
    }
}

impl From<ServerPresence> for Servidor {
    fn from(presence: ServerPresence) -> Self {
        let ServerPresence { server_id, status, desde, .. } = presence;
        Self { server_id, status, desde }
    }
}
