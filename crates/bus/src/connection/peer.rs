//! What a peer is that this program cannot use, and what to do about it.

use std::fmt;

use crate::{Credentials, Password, ReasonCode};

/// A peer that is no MQTT 5 broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Peer {
    Http,
    Tls,
    Mqtt3,
    /// With the beginning of what it sent.
    Unknown(String),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http => f.write_str(
                "the peer answers HTTP: MQTT_PORT names a web server or a WebSocket port; \
                 give it the broker's MQTT port",
            ),
            Self::Tls => f.write_str(
                "the peer speaks TLS: MQTT_PORT names the broker's TLS port; name the certificate \
                 of its authority in MQTT_CA_FILE, or give a port without TLS",
            ),
            Self::Mqtt3 => f.write_str(
                "the broker speaks only MQTT 3.1.1: use one that speaks MQTT 5 \
                 (Mosquitto since 1.6)",
            ),
            Self::Unknown(start) => write!(
                f,
                "the peer does not speak MQTT (it began with {start:?}): \
                 give the broker's address in MQTT_BROKER and MQTT_PORT"
            ),
        }
    }
}

/// What to do about a refused login.
pub(super) fn login_advice(credentials: &Credentials) -> String {
    let Credentials { username, password, certificate, .. } = credentials;
    let file = match password {
        Some(Password::File(path)) => format!(" and the password in {path:?} (MQTT_PASSWORD_FILE)"),
        Some(Password::Text(_)) => " and MQTT_PASSWORD".to_owned(),
        None => " and set MQTT_PASSWORD_FILE".to_owned(),
    };
    match (username, certificate) {
        (Some(user), _) => {
            format!(
                "the user is {user:?}; check MQTT_USERNAME{file}, and the broker's list of users"
            )
        }
        (None, Some(pair)) => format!(
            "the certificate in {:?} (MQTT_CERT_FILE) is not enough; set MQTT_USERNAME and \
             MQTT_PASSWORD_FILE, or have the broker know its name",
            pair.certificate
        ),
        (None, None) => {
            "no user is set; set MQTT_USERNAME and MQTT_PASSWORD_FILE (or MQTT_PASSWORD)".to_owned()
        }
    }
}

/// What to do about a refused connection.
pub(super) fn advice(code: ReasonCode) -> &'static str {
    match code.0 {
        0x85 => ": it does not accept this MQTT id (SERVER_ID, MQTT_CLIENT_ID)",
        0x8A => ": it has banned this program; its operator can lift that",
        0x90 | 0x95 | 0x99 | 0x9A | 0x9B => ": it does not accept this program's Last Will",
        0x97 | 0x9F => ": it has reached a limit; raise it, or connect fewer programs",
        0x9C | 0x9D => ": name the other broker in MQTT_BROKER",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClientCertificate;

    #[test]
    fn a_refused_login_names_what_to_look_at_and_no_secret() {
        let user = || Some("servidor.s".to_owned());
        let text = || Some(Password::Text("s3cret".to_owned()));
        let file = || Some(Password::File("/run/password".into()));
        let pair = || ClientCertificate { certificate: "/run/own.crt".into(), key: "k".into() };
        let rest = || Credentials::default();
        for (credentials, expected) in [
            (rest(), "no user is set; set MQTT_USERNAME and MQTT_PASSWORD_FILE"),
            (
                Credentials { username: user(), ..rest() },
                "the user is \"servidor.s\"; check MQTT_USERNAME and set MQTT_PASSWORD_FILE",
            ),
            (
                Credentials { username: user(), password: text(), ..rest() },
                "check MQTT_USERNAME and MQTT_PASSWORD, and the broker's list of users",
            ),
            (
                Credentials { username: user(), password: file(), ..rest() },
                "and the password in \"/run/password\" (MQTT_PASSWORD_FILE), and",
            ),
            (
                Credentials { certificate: Some(pair()), ..rest() },
                "the certificate in \"/run/own.crt\" (MQTT_CERT_FILE) is not enough",
            ),
        ] {
            let advice = login_advice(&credentials);
            assert!(advice.contains(expected), "{advice}");
            assert!(!advice.contains("s3cret"), "{advice}");
        }
    }
}
