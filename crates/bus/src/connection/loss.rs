//! How a connection was lost.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::Error as PacketError;

use super::peer::{Peer, advice};
use super::tls_problem::TlsProblem;
use crate::log_limit::shortened;
use crate::outbox::Blame;
use crate::{CredentialsError, ReasonCode};

/// The loss of a connection, or a failed attempt to connect.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) reason: Reason,
    /// How long the connection lasted after CONNACK; `None` if there was no CONNACK.
    pub(crate) lasted: Option<Duration>,
    /// Whether the broker knew the session.
    pub(crate) session_present: bool,
    /// Everything was subscribed to.
    pub(crate) was_up: bool,
    /// Another program has published this one's presence since the connection before.
    pub(crate) has_predecessor: bool,
    /// A message that was sent shortly before the end may have caused it.
    pub(crate) blames_messages: bool,
    /// The topic of the message that was alone in flight because it had ended connections before.
    pub(crate) suspect: Option<Arc<str>>,
    /// What was wrong with this program's presence.
    pub(crate) presence_problem: Option<String>,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        if let Some(topic) = &self.suspect {
            write!(f, " after a message on {} was sent alone", shortened(topic))?;
        }
        self.presence_problem.as_ref().map_or(Ok(()), |problem| write!(f, "; {problem}"))
    }
}

impl Loss {
    /// Describes the loss as `/readyz` shows it to everyone: without the names of users and files.
    pub(crate) fn public(&self) -> String {
        match &self.reason {
            Reason::LoginRefused { code, .. } => {
                format!("the broker refused the login: {code}; the log says what to look at")
            }
            Reason::Credentials(_) => {
                "a file of the login at the broker cannot be used; the log says which".to_owned()
            }
            _ => self.to_string(),
        }
    }
}

impl From<Reason> for Loss {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            lasted: None,
            session_present: false,
            was_up: false,
            has_predecessor: false,
            blames_messages: false,
            suspect: None,
            presence_problem: None,
        }
    }
}

/// Why a connection was lost, for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("{0}")]
    Io(std::io::Error),
    #[error("the name {0} cannot be resolved ({1}): MQTT_BROKER must name the broker")]
    Unresolved(String, std::io::Error),
    #[error("the resolver does not answer when asked for {0}")]
    ResolverSilent(String),
    /// A packet could not be written, or read.
    #[error("a packet of the broker cannot be read: {0}")]
    Packet(PacketError),
    #[error("a packet of the broker cannot be read")]
    Malformed,
    /// A packet that MQTT 5 does not allow at QoS 1, or not at this time.
    #[error("the broker sent a packet that makes no sense")]
    Unexpected,
    #[error("{0}")]
    WrongPeer(Peer),
    /// Without a DISCONNECT.
    #[error("the broker closed the connection")]
    Closed,
    #[error(
        "the peer closed the connection and did not answer CONNECT: is MQTT_PORT the broker's MQTT \
         port? One with TLS needs MQTT_CA_FILE"
    )]
    ClosedAtConnect,
    #[error(
        "the peer closed the connection and did not answer CONNECT: does the broker want a client \
         certificate (MQTT_CERT_FILE)? Its log says why"
    )]
    ClosedAtTlsConnect,
    #[error("{0}")]
    Tls(#[from] TlsProblem),
    #[error("{0}")]
    Credentials(#[from] CredentialsError),
    #[error(
        "the files of MQTT_PASSWORD_FILE, MQTT_CA_FILE and MQTT_CERT_FILE cannot be read in time"
    )]
    CredentialsSilent,
    #[error("the broker refused the login: {code}: {advice}")]
    LoginRefused { code: ReasonCode, advice: String },
    #[error("the broker ended the connection: {code}{}", detail(.text.as_deref()))]
    Disconnected { code: ReasonCode, text: Option<String> },
    #[error("no address of the broker accepts a connection in time")]
    ConnectTimeout,
    #[error("the peer accepts connections and does not answer CONNECT in time")]
    ConnackTimeout,
    #[error("the broker refused the connection: {code}{}", advice(*code))]
    Refused { code: ReasonCode },
    #[error("nothing arrived for too long")]
    Silence,
    #[error("the broker does not answer a publish")]
    Unanswered,
    #[error("the broker does not answer the subscriptions")]
    SubscribeTimeout,
    /// The log names the filters.
    #[error("the broker refused a subscription: give this program the right to subscribe")]
    SubscribeRefused,
    /// Only on a new connection does the broker deliver them again.
    #[error("too many deliveries were dropped without an acknowledgement")]
    Abandoned,
}

impl From<std::io::Error> for Reason {
    fn from(error: std::io::Error) -> Self {
        let problem = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsProblem>());
        problem.cloned().map_or(Self::Io(error), Self::Tls)
    }
}

impl From<PacketError> for Reason {
    fn from(error: PacketError) -> Self {
        match error {
            PacketError::Io(error) => Self::Io(error),
            other => Self::Packet(other),
        }
    }
}

impl Reason {
    /// Whether the broker refused who this program says it is. It may count such attempts.
    pub(crate) fn is_refused_login(&self) -> bool {
        match self {
            Self::LoginRefused { .. } => true,
            Self::Tls(problem) => problem.is_refused_login(),
            _ => false,
        }
    }

    /// Whether a broker may count further attempts against this program. One that ends a connection which
    /// was healthy may want just the next: another of its nodes takes it.
    pub(crate) fn needs_login_delay(&self, was_healthy: bool) -> bool {
        match self {
            Self::Refused { code } | Self::Disconnected { code, .. } => {
                *code == ReasonCode::BANNED || (!was_healthy && code.needs_login_delay())
            }
            other => other.is_refused_login(),
        }
    }

    /// How this end speaks against a message that was sent shortly before. `None` where the
    /// network, the broker's operator or this program ended the connection.
    pub(crate) fn blame(&self) -> Option<Blame> {
        match self {
            Self::Closed | Self::Packet(_) | Self::Malformed | Self::Unexpected => {
                Some(Blame { code: None })
            }
            Self::Io(error) => {
                use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
                let closed = [BrokenPipe, ConnectionAborted, ConnectionReset];
                closed.contains(&error.kind()).then_some(Blame { code: None })
            }
            Self::Disconnected { code, .. } => {
                code.is_about_packet().then_some(Blame { code: Some(*code) })
            }
            _ => None,
        }
    }
}

fn detail(text: Option<&str>) -> String {
    text.map(|text| format!(", {text}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn only_the_end_by_a_broker_is_blamed_on_a_message() {
        let disconnected = |code| Reason::Disconnected { code: ReasonCode(code), text: None };
        for blamed in [
            Reason::Closed,
            Reason::Malformed,
            Error::from(ErrorKind::ConnectionReset).into(),
            Error::from(ErrorKind::BrokenPipe).into(),
            disconnected(0x81),
            disconnected(0x95),
            disconnected(0xEE),
        ] {
            assert!(blamed.blame().is_some(), "{blamed}");
        }
        for other in [
            Reason::Silence,
            Reason::Unanswered,
            Error::from(ErrorKind::TimedOut).into(),
            Error::from(ErrorKind::HostUnreachable).into(),
            disconnected(0x00),
            disconnected(0x8B),
            disconnected(0x8D),
            disconnected(0x8E),
            disconnected(0x98),
        ] {
            assert!(other.blame().is_none(), "{other}");
        }
    }

    #[test]
    fn a_broker_that_bids_to_wait_is_not_asked_at_once() {
        let refused = |code| Reason::Refused { code: ReasonCode(code) };
        let disconnected = |code| Reason::Disconnected { code: ReasonCode(code), text: None };
        for code in [0x89, 0x8A, 0x97, 0x9C, 0x9D, 0x9F] {
            assert!(refused(code).needs_login_delay(false), "{code:#x}");
            let is_banned = code == 0x8A;
            assert_eq!(disconnected(code).needs_login_delay(true), is_banned, "{code:#x}");
        }
        // What a broker that starts or stops says.
        for code in [0x88, 0x8B] {
            assert!(!refused(code).needs_login_delay(false), "{code:#x}");
            assert!(!disconnected(code).needs_login_delay(false), "{code:#x}");
        }
    }
}
