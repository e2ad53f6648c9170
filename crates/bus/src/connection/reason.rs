//! Why a connection was lost.

use rumqttc::v5::mqttbytes::Error as PacketError;
use rumqttc::v5::mqttbytes::v5::DisconnectReasonCode;
use rumqttc::v5::{ConnectionError, StateError};

use crate::takeover::Cause;

/// Why a connection was lost, for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    /// The library gave it up.
    #[error("{}", describe(.0))]
    Library(ConnectionError),
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
    /// The library's request channel was full or gone, which its size rules out; or it found
    /// a topic filter invalid.
    #[error("the MQTT library refused a request")]
    Request,
}

impl Reason {
    /// Who ended it.
    pub(crate) fn cause(&self) -> Cause {
        let Self::Library(ConnectionError::MqttState(error)) = self else {
            return Cause::Other;
        };
        match error {
            StateError::ServerDisconnect {
                reason_code: DisconnectReasonCode::SessionTakenOver,
                ..
            } => Cause::TakenOver,
            StateError::ConnectionAborted
            | StateError::Io(_)
            | StateError::Deserialization(PacketError::Io(_)) => Cause::ClosedByBroker,
            _ => Cause::Other,
        }
    }
}

/// In words, where the library's own are only for who knows its insides.
fn describe(error: &ConnectionError) -> String {
    match error {
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => {
            match reason_string {
                Some(text) => format!("the broker disconnected us: {reason_code:?}, {text}"),
                None => format!("the broker disconnected us: {reason_code:?}"),
            }
        }
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            "the broker closed the connection".to_owned()
        }
        ConnectionError::MqttState(StateError::AwaitPingResp) => {
            "the broker does not answer a ping".to_owned()
        }
        ConnectionError::Timeout(_) => "the broker does not answer in time".to_owned(),
        ConnectionError::ConnectionRefused(code) => format!("the broker refused us: {code:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_takeover_from_a_close_and_from_the_rest() {
        let told = |reason_code| {
            Reason::Library(ConnectionError::MqttState(StateError::ServerDisconnect {
                reason_code,
                reason_string: None,
            }))
        };
        let closed = Reason::Library(ConnectionError::MqttState(StateError::ConnectionAborted));
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let cases = [
            (told(DisconnectReasonCode::SessionTakenOver), Cause::TakenOver),
            (told(DisconnectReasonCode::ServerShuttingDown), Cause::Other),
            (closed, Cause::ClosedByBroker),
            (Reason::Library(ConnectionError::Io(refused)), Cause::Other),
            (Reason::Silence, Cause::Other),
        ];
        for (reason, cause) in cases {
            assert_eq!(reason.cause(), cause, "{reason}");
        }
    }
}
