//! How a connection was lost.

use std::time::Duration;

use rumqttc::v5::mqttbytes::Error as PacketError;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, Disconnect, DisconnectReasonCode};

/// The loss of a connection, or a failed attempt to connect.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) reason: Reason,
    /// How long the connection lasted after CONNACK; `None` if there was no CONNACK.
    pub(crate) lasted: Option<Duration>,
    /// Whether the broker knew the session.
    pub(crate) session_present: bool,
}

impl From<Reason> for Loss {
    fn from(reason: Reason) -> Self {
        Self { reason, lasted: None, session_present: false }
    }
}

/// Why a connection was lost, for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A packet could not be read or written.
    #[error("{0}")]
    Packet(PacketError),
    /// A packet that MQTT 5 does not allow at QoS 1, or not at this time.
    #[error("the broker sent a packet that makes no sense")]
    Unexpected,
    /// Without a DISCONNECT.
    #[error("the broker closed the connection")]
    Closed,
    #[error("the broker ended the connection: {code:?}{}", detail(.text.as_deref()))]
    Disconnected { code: DisconnectReasonCode, text: Option<String> },
    #[error("the broker does not answer in time")]
    ConnectTimeout,
    #[error("the broker refused the connection: {0:?}")]
    Refused(ConnectReturnCode),
    #[error("nothing arrived for too long")]
    Silence,
    #[error("the broker does not answer a publish")]
    Unanswered,
    #[error("the broker does not answer the subscriptions")]
    SubscribeTimeout,
    /// The log names the filters.
    #[error("the broker refused a subscription")]
    SubscribeRefused,
    /// Only on a new connection does the broker deliver them again.
    #[error("too many deliveries were dropped without an acknowledgement")]
    Abandoned,
}

impl From<PacketError> for Reason {
    fn from(error: PacketError) -> Self {
        match error {
            PacketError::Io(error) => Self::Io(error),
            other => Self::Packet(other),
        }
    }
}

impl From<Disconnect> for Reason {
    fn from(disconnect: Disconnect) -> Self {
        let text = disconnect.properties.and_then(|known| known.reason_string);
        Self::Disconnected { code: disconnect.reason_code, text }
    }
}

fn detail(text: Option<&str>) -> String {
    text.map(|text| format!(", {text}")).unwrap_or_default()
}
