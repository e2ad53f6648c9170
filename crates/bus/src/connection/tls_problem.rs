//! What is wrong with a TLS connection, and what to do about it.

use std::io::{self, ErrorKind};

use protocol::Timestamp;
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error as TlsError, PeerIncompatible,
};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsProblem {
    #[error(
        "the peer speaks no TLS: MQTT_PORT must be the broker's TLS port; for a port without TLS, \
         leave MQTT_CA_FILE out"
    )]
    NoTls,
    #[error(
        "the peer closed the connection and did not answer TLS: MQTT_PORT must be the broker's TLS \
         port; for a port without TLS, leave MQTT_CA_FILE out"
    )]
    Closed,
    #[error(
        "the peer accepts connections and does not answer TLS in time: is MQTT_PORT the broker's \
         TLS port?"
    )]
    Silent,
    #[error(
        "MQTT_BROKER is {0:?}, which no certificate can be for: give the broker's host name or address"
    )]
    NoServerName(String),
    #[error(
        "the broker's certificate is signed by none of the authorities in MQTT_CA_FILE: name the \
         file with the certificate of its authority there"
    )]
    UnknownIssuer,
    #[error(
        "the broker's certificate is not for {expected}, {}: MQTT_BROKER must be a name in the \
         certificate",
        names(.presented)
    )]
    WrongName { expected: String, presented: Vec<String> },
    #[error("the broker's certificate expired at {0}: renew it, or set this machine's clock")]
    Expired(String),
    #[error("the broker's certificate is valid only from {0} on: is this machine's clock right?")]
    NotYetValid(String),
    #[error(
        "the broker's certificate is that of an authority (CA:TRUE): give the broker one of its \
         own, signed by that authority"
    )]
    IsAuthority,
    #[error("the broker's certificate cannot be used: {0}")]
    Certificate(String),
    #[error("the broker wants a client certificate: set MQTT_CERT_FILE and MQTT_KEY_FILE")]
    WantsCertificate,
    #[error(
        "the broker refuses this program's certificate ({0}): MQTT_CERT_FILE must name one that is \
         valid and signed by an authority of the broker"
    )]
    CertificateRefused(&'static str),
    #[error("the broker speaks no TLS version that this program speaks: 1.2 or 1.3")]
    NoCommonVersion,
    #[error("TLS failed: {0}")]
    Other(String),
}

fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "and names none (subjectAltName; a common name does not count)".to_owned();
    }
    // rustls shows them as DnsName("a"), IpAddress(1.2.3.4).
    let name = |text: &String| {
        let inner = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(text).trim_matches('"').to_owned()
    };
    let shown: Vec<_> = presented.iter().take(8).map(name).collect();
    format!("but for {}{}", shown.join(", "), if presented.len() > 8 { " and others" } else { "" })
}

fn date(time: UnixTime) -> String {
    let millis = i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000);
    Timestamp::clamped(millis).to_string()
}

impl TlsProblem {
    /// Whether the broker refuses this program, as it refuses a wrong password.
    pub(crate) fn is_refused_login(&self) -> bool {
        matches!(self, Self::WantsCertificate | Self::CertificateRefused(_))
    }

    /// Says what is wrong when a handshake has failed with `error`. `has_certificate` says whether
    /// this program has a certificate of its own.
    pub(super) fn of_handshake(error: &io::Error, has_certificate: bool) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
        match inner {
            // The rest of the handshake is encrypted or authenticated: this comes first.
            Some(TlsError::InvalidMessage(_)) => Self::NoTls,
            // TLS 1.2 has no alert of its own for it.
            Some(TlsError::AlertReceived(AlertDescription::HandshakeFailure))
                if !has_certificate =>
            {
                Self::WantsCertificate
            }
            Some(error) => Self::of_session(error, has_certificate),
            None if is_end(error) => Self::Closed,
            None => Self::Other(error.to_string()),
        }
    }

    pub(super) fn of_session(error: &TlsError, has_certificate: bool) -> Self {
        match error {
            TlsError::InvalidCertificate(error) => Self::of_certificate(error),
            TlsError::AlertReceived(alert) => Self::of_alert(*alert, has_certificate),
            TlsError::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => Self::NoCommonVersion,
            other => Self::Other(other.to_string()),
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::NotValidForNameContext { expected, presented } => Self::WrongName {
                expected: expected.to_str().into_owned(),
                presented: presented.clone(),
            },
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired(date(*not_after)),
            CertificateError::NotValidYetContext { not_before, .. } => {
                Self::NotYetValid(date(*not_before))
            }
            // webpki's error has no name of its own in rustls.
            other if format!("{other:?}").contains("CaUsedAsEndEntity") => Self::IsAuthority,
            other => Self::Certificate(other.to_string()),
        }
    }

    fn of_alert(alert: AlertDescription, has_certificate: bool) -> Self {
        match alert {
            AlertDescription::CertificateRequired => Self::WantsCertificate,
            AlertDescription::ProtocolVersion => Self::NoCommonVersion,
            other if !has_certificate => Self::Other(format!("the broker ended it: {other:?}")),
            AlertDescription::BadCertificate => Self::CertificateRefused("bad certificate"),
            AlertDescription::UnsupportedCertificate => {
                Self::CertificateRefused("unsupported certificate")
            }
            AlertDescription::CertificateRevoked => Self::CertificateRefused("it is revoked"),
            AlertDescription::CertificateExpired => Self::CertificateRefused("it has expired"),
            AlertDescription::CertificateUnknown => {
                Self::CertificateRefused("it cannot be checked")
            }
            AlertDescription::UnknownCA => Self::CertificateRefused("its authority is unknown"),
            // Signed by another authority of the same name.
            AlertDescription::DecryptError => Self::CertificateRefused("its signature is wrong"),
            other => Self::Other(format!("the broker ended it: {other:?}")),
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&error.kind())
}
