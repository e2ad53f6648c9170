//! The limits of a connection: ours, and those of the broker.

use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::ConnAck;

use crate::Options;
use crate::outbox::{MAX_ARRAY_BYTES, MAX_PACKET};

/// The broker takes us for dead after one and a half of these.
pub(crate) const KEEP_ALIVE_SECS: u16 = 8;
/// How often we ask the broker for a sign of life, unless it wants to hear of us more often.
const KEEP_ALIVE: Duration = Duration::from_secs(KEEP_ALIVE_SECS as u64);
/// TCP, CONNECT and CONNACK together.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection on which nothing arrives for so long is dead: a ping at least is unanswered.
pub(crate) const SILENCE: Duration = Duration::from_secs(2 * KEEP_ALIVE.as_secs());
/// A publish the broker has not answered for after so long never will be.
pub(crate) const UNANSWERED: Duration = Duration::from_secs(15);
/// Longest wait for the answer to our subscriptions.
pub(crate) const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the broker to take our farewell.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);
/// How often a connection is looked at. Also the precision of all limits above.
pub(crate) const CHECKUP: Duration = Duration::from_millis(250);
/// Publishes in flight at most. Enough to keep a broker on the same network busy; more would
/// only be a queue in the broker in place of ours, where nothing can be joined.
const WINDOW: u16 = 64;
/// Largest packet that is taken.
// It fits: the constant is far below.
#[allow(clippy::cast_possible_truncation)]
pub(crate) const MAX_INCOMING: u32 = MAX_PACKET as u32;

/// What the broker allows on one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BrokerLimits {
    /// How often to ask for a sign of life.
    pub(crate) keep_alive: Duration,
    /// Publishes that may be in flight.
    pub(crate) window: usize,
    /// Largest packet, in bytes.
    pub(crate) max_packet: usize,
    /// Longest array of joined messages, in bytes.
    pub(crate) max_array: usize,
}

impl BrokerLimits {
    /// Before the broker has told its own.
    pub(crate) const LEAST: Self =
        Self { keep_alive: KEEP_ALIVE, window: 1, max_packet: 0, max_array: 0 };

    pub(crate) fn from_connack(connack: &ConnAck) -> Self {
        let properties = connack.properties.as_ref();
        let receive_max = properties.and_then(|known| known.receive_max);
        let max_packet = properties.and_then(|known| known.max_packet_size);
        let window = receive_max.map_or(WINDOW, |max| WINDOW.min(max).max(1));
        let max_packet = max_packet.map_or(MAX_PACKET, |max| MAX_PACKET.min(max as usize));
        let keep_alive =
            properties.and_then(|known| known.server_keep_alive).filter(|secs| *secs > 0);
        let keep_alive = keep_alive.map(|secs| Duration::from_secs(secs.into()));
        Self {
            keep_alive: keep_alive.map_or(KEEP_ALIVE, |asked| asked.min(KEEP_ALIVE)),
            window: usize::from(window),
            max_packet,
            // The largest topics and properties of ours are far smaller than what is left out.
            max_array: MAX_ARRAY_BYTES.min(max_packet.saturating_sub(2 * 1024)),
        }
    }
}

/// Deliveries that may be unacknowledged: the inbox, as far as MQTT can count.
pub(crate) fn receive_maximum(options: &Options) -> u16 {
    u16::try_from(options.inbox).unwrap_or(u16::MAX).max(1)
}
