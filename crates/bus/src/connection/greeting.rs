//! Recognises what the peer is from the first bytes that it sends.

use super::loss::Reason;
use super::peer::Peer;
use crate::ReasonCode;

/// Enough to recognise each protocol.
const MIN_BYTES_TO_RECOGNISE: usize = 5;
const CONNACK: u8 = 0x20;
const DISCONNECT: u8 = 0xE0;
/// CONNACK codes of MQTT 3.1.1, and their equivalents in MQTT 5.
const MQTT3_CODES: [(u8, u8); 4] = [(2, 0x85), (3, 0x88), (4, 0x86), (5, 0x87)];

/// Whether `start` is the beginning of an MQTT packet; false while too little has arrived. With
/// `complete` nothing more will arrive.
pub(super) fn is_mqtt(start: &[u8], complete: bool) -> Result<bool, Reason> {
    let Some(first) = start.first() else { return Ok(false) };
    if matches!(*first, CONNACK | DISCONNECT) {
        return Ok(true);
    }
    if start.len() < MIN_BYTES_TO_RECOGNISE && !complete {
        return Ok(false);
    }
    let peer = if start.starts_with(b"HTTP/") {
        Peer::Http
    } else if matches!(start, [0x14..=0x17, 3, ..]) {
        Peer::Tls
    } else {
        Peer::Unknown(String::from_utf8_lossy(&start[..start.len().min(32)]).into_owned())
    };
    Err(Reason::WrongPeer(peer))
}

/// Refuses every CONNACK but that of a broker which accepts MQTT 5.
pub(super) fn check_connack(body: &[u8]) -> Result<(), Reason> {
    match *body {
        // MQTT 3.1.1 has no properties.
        [_, 0 | 1] => Err(Reason::WrongPeer(Peer::Mqtt3)),
        [_, code] => {
            let known = MQTT3_CODES.iter().find(|(mqtt3, _)| *mqtt3 == code);
            Err(Reason::Refused { code: ReasonCode(known.map_or(code, |(_, mqtt5)| *mqtt5)) })
        }
        [_, 0, ..] => Ok(()),
        // "Unsupported protocol version" in MQTT 3.1.1 and in MQTT 5.
        [_, 0x01 | 0x84, ..] => Err(Reason::WrongPeer(Peer::Mqtt3)),
        [_, code, ..] => Err(Reason::Refused { code: ReasonCode(code) }),
        _ => Err(Reason::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(bytes: &[u8], complete: bool) -> Option<Peer> {
        match is_mqtt(bytes, complete) {
            Err(Reason::WrongPeer(peer)) => Some(peer),
            _ => None,
        }
    }

    #[test]
    fn recognises_other_protocols() {
        assert_eq!(peer(b"HTTP/1.1 400 Bad Request", false), Some(Peer::Http));
        assert_eq!(peer(&[0x15, 3, 1, 0, 2, 2, 70], false), Some(Peer::Tls));
        assert_eq!(peer(b"SSH-2.0-x", false), Some(Peer::Unknown("SSH-2.0-x".to_owned())));
        assert_eq!(peer(b"no", false), None);
        assert_eq!(peer(b"no", true), Some(Peer::Unknown("no".to_owned())));
        assert!(is_mqtt(&[CONNACK], false).is_ok_and(|mqtt| mqtt));
    }

    #[test]
    fn reads_the_connack_of_either_version() {
        let wrong =
            |body: &[u8]| matches!(check_connack(body), Err(Reason::WrongPeer(Peer::Mqtt3)));
        assert!(wrong(&[0, 1]) && wrong(&[0, 0]) && wrong(&[0, 0x84, 0]) && wrong(&[0, 1, 0]));
        for (body, expected) in [
            (&[0, 4][..], 0x86),
            (&[0, 5], 0x87),
            (&[0, 0x87], 0x87),
            (&[0, 0x8A, 0], 0x8A),
            (&[0, 0xEE, 0], 0xEE),
        ] {
            let refused = check_connack(body);
            assert!(matches!(refused, Err(Reason::Refused { code }) if code.0 == expected));
        }
        assert!(check_connack(&[1, 0, 0]).is_ok());
    }
}
