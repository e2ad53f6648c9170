//! What is published and what is delivered.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::{Ack, AckAfter};

/// A message to publish, at QoS 1.
#[derive(Debug)]
pub struct Outgoing {
    /// Where to; no wildcards.
    pub topic: String,
    /// A JSON text (what may be joined has to be one).
    pub payload: Bytes,
    /// When it is of no use any more; then it is neither sent nor kept, by us or the broker.
    pub expires_at: Option<Instant>,
    /// Whether the broker keeps it for those who subscribe later.
    pub retain: bool,
    /// MQTT 5 response topic: a convenience for other programs; ours never need it.
    pub response_topic: Option<String>,
    /// MQTT 5 correlation data; left out of a joined message, whose items carry their ids.
    pub correlation: Option<Bytes>,
    /// Whether it may travel with others.
    pub join: Join,
    /// The delivery that this is the last answer to.
    pub acknowledges: Option<AckAfter>,
}

/// Whether waiting messages on one topic may travel as one JSON array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// Always on its own.
    Never,
    /// Alone it goes as it is; several waiting at the same moment go as one array.
    WhenWaiting,
    /// Always as an array, even alone (an answer to one who sent an array).
    Always,
}

/// A message that arrived.
#[derive(Debug)]
pub struct Delivery {
    /// Where it was published.
    pub topic: String,
    /// As it was published; whether it is JSON is for the receiver to find out.
    pub payload: Bytes,
    /// The earliest moment at which it can have arrived: up to 200 ms before it was read, more
    /// after the process was held still.
    pub received: Instant,
    /// The connection it came on; see [`Link::Up`](crate::Link::Up).
    pub generation: u64,
    /// What was left of its life when the broker passed it on; `None` where it never expires.
    pub expiry: Option<Duration>,
    /// MQTT 5 response topic. Another program chose it: never publish to it unchecked.
    pub response_topic: Option<String>,
    /// MQTT 5 correlation data.
    pub correlation: Option<Bytes>,
    /// Whether the broker had kept it from before this subscription.
    pub retain: bool,
    /// Call [`Ack::done`] on it when the work is done.
    pub ack: Ack,
}
