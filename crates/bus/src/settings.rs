//! How the MQTT library is set up, and the limits of a connection.

use std::time::Duration;

use bytes::Bytes;
use rumqttc::NetworkOptions;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAck, LastWill};
use rumqttc::v5::{AsyncClient, EventLoop, MqttOptions};

use crate::Options;
use crate::herald::Herald;
use crate::outbox::{MAX_ARRAY_BYTES, MAX_PACKET};

/// The broker takes us for dead after one and a half of these.
const KEEP_ALIVE: Duration = Duration::from_secs(8);
/// TCP, CONNECT and CONNACK together.
const CONNECT_TIMEOUT_SECS: u64 = 5;
/// A connection on which nothing arrives for so long is dead. The library would notice a
/// missing PINGRESP itself, but not while it is stuck writing.
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
/// Packet ids the library goes through before it starts again. More than the window, so that
/// a broker that answers out of order does not make it wait for one id.
const PACKET_IDS: u16 = 4 * WINDOW;

/// What the broker allows on one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BrokerLimits {
    /// Publishes that may be in flight.
    pub(crate) window: usize,
    /// Largest packet, in bytes.
    pub(crate) max_packet: usize,
    /// Longest array of joined messages, in bytes.
    pub(crate) max_array: usize,
}

impl BrokerLimits {
    /// Before the broker has told its own.
    pub(crate) const LEAST: Self = Self { window: 1, max_packet: 0, max_array: 0 };

    pub(crate) fn from_connack(connack: &ConnAck) -> Self {
        let properties = connack.properties.as_ref();
        let receive_max = properties.and_then(|known| known.receive_max);
        let max_packet = properties.and_then(|known| known.max_packet_size);
        // One below Receive Maximum: at the limit itself the library also stops sending
        // PUBACKs until one of its publishes is answered.
        let window = receive_max.map_or(WINDOW, |max| WINDOW.min(max.saturating_sub(1)).max(1));
        let max_packet = max_packet.map_or(MAX_PACKET, |max| MAX_PACKET.min(max as usize));
        Self {
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

/// A client of the library for one connection.
pub(crate) fn client(options: &Options, herald: Option<&Herald>) -> (AsyncClient, EventLoop) {
    let mut mqtt = MqttOptions::new(&options.mqtt_id, &options.broker, options.port);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    let session_expiry = u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX);
    mqtt.set_network_options(network)
        .set_keep_alive(KEEP_ALIVE)
        .set_connection_timeout(CONNECT_TIMEOUT_SECS)
        .set_clean_start(false)
        .set_session_expiry_interval(Some(session_expiry))
        .set_receive_maximum(Some(receive_maximum(options)))
        .set_max_packet_size(u32::try_from(MAX_PACKET).ok())
        .set_outgoing_inflight_upper_limit(PACKET_IDS)
        .set_manual_acks(true);
    if let Some(herald) = herald {
        mqtt.set_last_will(last_will(herald));
    }
    // Room for every publish and every acknowledgement that can be open at once, also with a
    // broker that does not keep to Receive Maximum: handing something over never fails.
    AsyncClient::new(mqtt, usize::from(u16::MAX))
}

fn last_will(herald: &Herald) -> LastWill {
    LastWill {
        topic: Bytes::copy_from_slice(herald.topic.as_bytes()),
        message: herald.farewell.clone(),
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: None,
    }
}
