//! Why a connection was lost.

use rumqttc::v5::mqttbytes::Error as PacketError;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, Disconnect, DisconnectReasonCode};

use crate::takeover::Cause;

/// Why a connection was lost, for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    /// TCP failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What came, or was to go, is no MQTT packet.
    #[error("{0}")]
    Packet(PacketError),
    /// A packet that has no place in MQTT 5 at QoS 1, or comes at the wrong moment.
    #[error("the broker sent a packet that makes no sense")]
    Unexpected,
    /// Without a word.
    #[error("the broker closed the connection")]
    Closed,
    /// With a word.
    #[error("the broker disconnected us: {code:?}{}", detail(.text.as_deref()))]
    Disconnected {
        /// Why.
        code: DisconnectReasonCode,
        /// Why, in the broker's own words.
        text: Option<String>,
    },
    /// See [`CONNECT_TIMEOUT`](crate::settings::CONNECT_TIMEOUT).
    #[error("the broker does not answer in time")]
    ConnectTimeout,
    /// It does not want us.
    #[error("the broker refused us: {0:?}")]
    Refused(ConnectReturnCode),
    /// See [`SILENCE`](crate::settings::SILENCE).
    #[error("nothing arrived for too long")]
    Silence,
    /// See [`UNANSWERED`](crate::settings::UNANSWERED).
    #[error("the broker does not answer a publish")]
    Unanswered,
    /// See [`SUBSCRIBE_TIMEOUT`](crate::settings::SUBSCRIBE_TIMEOUT).
    #[error("the broker does not answer our subscriptions")]
    SubscribeTimeout,
    /// The log names the filters.
    #[error("the broker refused a subscription")]
    SubscribeRefused,
    /// Only a new connection makes the broker deliver them again.
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

impl Reason {
    /// Who ended it. TCP that fails before there was a connection says nothing of the broker,
    /// and is not asked about.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Disconnected { code: DisconnectReasonCode::SessionTakenOver, .. } => {
                Cause::TakenOver
            }
            Self::Closed | Self::Io(_) => Cause::ClosedByBroker,
            _ => Cause::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_takeover_from_a_close_and_from_the_rest() {
        let told = |code| Reason::Disconnected { code, text: None };
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let cases = [
            (told(DisconnectReasonCode::SessionTakenOver), Cause::TakenOver),
            (told(DisconnectReasonCode::ServerShuttingDown), Cause::Other),
            (Reason::Closed, Cause::ClosedByBroker),
            (PacketError::Io(reset).into(), Cause::ClosedByBroker),
            (Reason::Silence, Cause::Other),
        ];
        for (reason, cause) in cases {
            assert_eq!(reason.cause(), cause, "{reason}");
        }
    }
}
