//! How one program is on the broker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use protocol::Timestamp;

/// Makes a presence message from the start of the connection that it speaks of.
pub type Payload = Arc<dyn Fn(Timestamp) -> Vec<u8> + Send + Sync>;

/// How one program is on the broker.
#[derive(Debug, Clone)]
pub struct Options {
    /// Host name or address of the broker.
    pub broker: String,
    /// TCP port of the broker.
    pub port: u16,
    /// MQTT client id. Two programs with one id throw each other out.
    pub mqtt_id: String,
    /// Topic filters to subscribe to on every connection, at QoS 1.
    pub subscriptions: Vec<String>,
    /// How others see that this program is there; `None` for one that need not be seen.
    pub presence: Option<Presence>,
    /// How long the broker keeps the session (messages for us included) while we are away.
    pub session_expiry: Duration,
    /// Bound of the delivery queue, and the Receive Maximum told to the broker: so many
    /// deliveries can be unacknowledged at a time. 1 to 65535.
    pub inbox: usize,
    /// Bound of messages waiting to be published or acknowledged.
    pub outbox: usize,
}

/// Birth (retained) and Last Will (retained), both with the connection's start.
///
/// What appears on `topic` stays inside the bus: it is not delivered.
#[derive(Clone)]
pub struct Presence {
    /// Where both are published.
    pub topic: String,
    /// Published when the connection is up.
    pub birth: Payload,
    /// Published by the broker when the connection breaks, and by us when it is closed.
    pub will: Payload,
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").field("topic", &self.topic).finish_non_exhaustive()
    }
}
