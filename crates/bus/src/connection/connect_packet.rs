//! What this program says at CONNECT.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Connect, ConnectProperties, LastWill};

use crate::Options;
use crate::outbox::MAX_PACKET;
use crate::presence::PresencePublisher;

/// The broker gives a connection up after one and a half of these without a packet.
pub(super) const KEEP_ALIVE_SECS: u16 = 8;
const MAX_INCOMING: u32 = MAX_PACKET as u32;

/// How many deliveries may be unacknowledged, within the range of MQTT.
pub(super) fn receive_maximum(options: &Options) -> u16 {
    u16::try_from(options.inbox_capacity).unwrap_or(u16::MAX).max(1)
}

pub(super) fn connect_packet(options: &Options) -> Connect {
    let session_expiry = u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX);
    let properties = ConnectProperties {
        session_expiry_interval: Some(session_expiry),
        receive_maximum: Some(receive_maximum(options)),
        max_packet_size: Some(MAX_INCOMING),
        ..ConnectProperties::new()
    };
    Connect {
        keep_alive: KEEP_ALIVE_SECS,
        client_id: options.mqtt_id.clone(),
        clean_start: false,
        properties: Some(properties),
    }
}

pub(super) fn last_will(presence: &PresencePublisher<'_>) -> LastWill {
    LastWill {
        topic: Bytes::copy_from_slice(presence.topic.as_bytes()),
        message: presence.offline.clone(),
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: None,
    }
}
