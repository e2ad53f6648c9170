//! How a program connects to the broker.

use std::sync::Arc;
use std::time::Duration;

use protocol::Timestamp;

use crate::Credentials;

/// Makes a presence message, given the start time of the connection.
pub type MakePresence = Arc<dyn Fn(Timestamp) -> Vec<u8> + Send + Sync>;

#[derive(Clone)]
pub struct Options {
    /// Host name or address of the broker.
    pub broker: String,
    pub port: u16,
    pub credentials: Credentials,
    /// MQTT client id. Of two programs with one id, each disconnects the other.
    pub mqtt_id: String,
    /// Topic filters to subscribe to on every connection, at QoS 1.
    pub subscriptions: Vec<String>,
    /// Those of them whose deliveries say whether the broker retains them.
    pub as_published: Vec<String>,
    /// Topics, or patterns of them, that [`Bus::subscribe`](crate::Bus::subscribe) may be asked for.
    /// Their messages go to those who listen, and are never deliveries.
    pub on_demand: Vec<String>,
    pub presence: Option<Presence>,
    /// How long the broker keeps the session (messages for this program included) without a
    /// connection.
    pub session_expiry: Duration,
    /// Capacity of the delivery queue, and the Receive Maximum sent to the broker: the number of
    /// deliveries that can be unacknowledged at a time. 1 to 65535.
    pub inbox_capacity: usize,
    /// How many messages can be waiting to be published or acknowledged.
    pub outbox_capacity: usize,
    /// Whether a message that ends connection after connection is given up. Off only where a test
    /// needs that fault.
    pub give_up_poison: bool,
}

/// Tells others whether this program is connected: a birth message and a Last Will on one topic,
/// both retained.
///
/// Messages on `topic` are not delivered.
#[derive(Clone)]
pub struct Presence {
    pub topic: String,
    /// Published when the connection is up.
    pub birth: MakePresence,
    /// Published by the broker when the connection breaks, and by the bus when it is closed.
    pub will: MakePresence,
}
