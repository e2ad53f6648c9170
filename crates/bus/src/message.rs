//! What is published and what is delivered.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use protocol::RequestId;
use tokio::time::Instant;

use crate::{Ack, AckAfter, ArrivedTraces, MessageTrace, ReasonCode, SentAck};

/// A message to publish, at QoS 1.
#[derive(Debug)]
pub struct Outgoing {
    /// Without wildcards.
    pub topic: String,
    /// A JSON text: only JSON can be joined into an array.
    pub payload: Bytes,
    /// From then on neither the bus nor the broker sends or keeps the message.
    pub expires_at: Option<Instant>,
    pub retain: bool,
    /// MQTT 5 response topic, for programs of others; the suite does not need it.
    pub response_topic: Option<String>,
    /// MQTT 5 correlation data; left out of a joined message, whose items carry their ids.
    pub correlation: Option<Bytes>,
    pub join: Join,
    /// The request that this message makes or answers. After a message was given up, another with
    /// this id on the same topic counts as its copy, unless it is much shorter.
    pub request_id: Option<RequestId>,
    /// The delivery that this is the last answer to.
    pub acknowledges: Option<AckAfter>,
    /// Send this message only after this acknowledgement, on the same connection: the broker must
    /// have the acknowledgement before anyone reads the message.
    pub follows: Option<SentAck>,
    /// What to do if the broker will never take the message. `None`: it is dropped.
    pub on_refused: Option<OnRefused>,
    /// The span of this message, if it is traced.
    pub trace: Option<MessageTrace>,
}

impl Outgoing {
    /// A message that is sent on its own and does not expire.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            expires_at: None,
            retain: false,
            response_topic: None,
            correlation: None,
            join: Join::Never,
            request_id: None,
            acknowledges: None,
            follows: None,
            on_refused: None,
            trace: None,
        }
    }

    pub(crate) fn has_expired(&self, now: Instant) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// Called when the broker will never take a message, from the bus's own task: it must not wait.
/// It gets the message back and may return another one, which is published in its place, also
/// when the outbox is full or closed.
pub struct OnRefused(Box<dyn FnOnce(Outgoing, Refusal) -> Option<Outgoing> + Send>);

impl OnRefused {
    pub fn new(
        callback: impl FnOnce(Outgoing, Refusal) -> Option<Outgoing> + Send + 'static,
    ) -> Self {
        Self(Box::new(callback))
    }

    pub(crate) fn call(self, message: Outgoing, refusal: Refusal) -> Option<Outgoing> {
        (self.0)(message, refusal)
    }
}

impl fmt::Debug for OnRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRefused")
    }
}

/// Why the broker will never take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This program has no right to publish on its topic.
    #[error("the broker does not allow this program to publish there")]
    NotAuthorized,
    /// `max` is the broker's largest packet, if it said so.
    #[error("it is larger than the broker accepts")]
    TooLarge { size: usize, max: Option<usize> },
    #[error("the broker refused it: {0}")]
    Refused(ReasonCode),
    /// The broker ended several connections in a row when it was sent.
    #[error("the broker ends every connection on which it is sent")]
    Poisonous,
}

impl Refusal {
    /// Makes the refusal of a packet of `size` bytes from the reason that the broker gave.
    pub(crate) fn new(code: ReasonCode, size: usize) -> Self {
        match code {
            ReasonCode::NOT_AUTHORIZED => Self::NotAuthorized,
            ReasonCode::PACKET_TOO_LARGE => Self::TooLarge { size, max: None },
            other => Self::Refused(other),
        }
    }
}

/// Whether waiting messages on one topic may be sent as one JSON array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// Always sent on its own.
    Never,
    /// Alone it is sent as it is; messages that are waiting together are sent as one array.
    WhenWaiting,
    /// As `WhenWaiting` on a connection on which [`Bus::allow_arrays`](crate::Bus::allow_arrays) allows
    /// it when the packet is made, and otherwise as `Never`: on a topic with several receivers, of
    /// whom one may take no arrays.
    WhenAllowed,
    /// Always sent in an array, even alone: the answer to a request that was an array.
    Always,
}

impl Join {
    /// Whether it may share an array with others that wait.
    pub(crate) fn joins(self, arrays_allowed: bool) -> bool {
        match self {
            Self::Never => false,
            Self::WhenAllowed => arrays_allowed,
            Self::WhenWaiting | Self::Always => true,
        }
    }
}

/// A message that arrived.
#[derive(Debug)]
pub struct Delivery {
    pub topic: String,
    /// As it was published: not necessarily JSON.
    pub payload: Bytes,
    /// The earliest time at which it can have arrived: up to 200 ms before it was read, or
    /// earlier if the process was suspended meanwhile.
    pub received: Instant,
    /// The connection it arrived on; see [`Link::Up`](crate::Link::Up).
    pub generation: u64,
    /// Time until expiry when the broker sent it; `None` if it never expires.
    pub expiry: Option<Duration>,
    /// MQTT 5 response topic. The sender chose it: never publish to it unchecked.
    pub response_topic: Option<String>,
    pub correlation: Option<Bytes>,
    /// The broker sent it because it retains it, not because it was just published: it may be of
    /// any age.
    pub replayed: bool,
    /// The broker retains it. For a message that was just published this is known only on topics of
    /// [`Options::as_published`](crate::Options::as_published).
    pub is_retained: bool,
    /// The traces that the sender named; `None` if it named none.
    pub traces: Option<Box<ArrivedTraces>>,
    /// Call [`Ack::done`] on it when the work is done.
    pub ack: Ack,
}

/// Why a message was not accepted for publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    #[error("too many messages are waiting for the broker")]
    Full,
    #[error("the bus is closed")]
    Closed,
    #[error("the topic is empty, too long or has wildcards")]
    InvalidTopic,
    #[error("the payload is over the packet limit")]
    TooLarge,
}
