//! Reads packets. The MQTT library fails on some that the standard allows: it does not know every
//! reason code, and not the short form of DISCONNECT. Those are read here.

use bytes::{Buf, Bytes, BytesMut};
use rumqttc::v5::mqttbytes::v5::{DisconnectProperties, Packet};
use tokio_util::codec::Decoder;

use super::greeting;
use super::loss::Reason;
use crate::ReasonCode;
use crate::outbox::MAX_PACKET;

const CONNACK: u8 = 0x20;
const PUBACK: u8 = 0x40;
const DISCONNECT: u8 = 0xE0;
/// The type byte and up to four bytes of length.
const MAX_HEADER: usize = 5;

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is handled at once and never stored")]
pub(super) enum Incoming {
    PubAck { pkid: u16, code: ReasonCode },
    Disconnect { code: ReasonCode, text: Option<String> },
    Other(Packet),
}

#[derive(Debug, Default)]
pub(super) struct PacketDecoder {
    /// Something that MQTT 5 allows has arrived.
    is_greeted: bool,
}

impl Decoder for PacketDecoder {
    type Item = Incoming;
    type Error = Reason;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Incoming>, Reason> {
        if !self.is_greeted {
            if !greeting::is_mqtt(source, false)? {
                return Ok(None);
            }
            self.is_greeted = true;
        }
        let Some(header) = header_len(source)? else { return Ok(None) };
        let length = header + remaining_length(&source[1..header]);
        if length > MAX_PACKET + MAX_HEADER {
            return Err(Reason::Malformed);
        }
        if source.len() < length {
            source.reserve(length - source.len());
            return Ok(None);
        }
        let mut packet = source.split_to(length);
        match packet[0] & 0xF0 {
            CONNACK => greeting::check_connack(&packet[header..])?,
            PUBACK => return read_puback(&packet[header..]).map(Some),
            DISCONNECT => return Ok(Some(read_disconnect(packet.split_off(header).freeze()))),
            _ => {}
        }
        Ok(Some(Incoming::Other(Packet::read(&mut packet, None)?)))
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<Incoming>, Reason> {
        if !self.is_greeted && !source.is_empty() {
            greeting::is_mqtt(source, true)?;
        }
        match self.decode(source)? {
            Some(packet) => Ok(Some(packet)),
            None if source.is_empty() => Ok(None),
            None => Err(Reason::Closed),
        }
    }
}

/// The length of the fixed header, once all of it has arrived.
fn header_len(source: &[u8]) -> Result<Option<usize>, Reason> {
    let lengths = source.iter().skip(1).take(MAX_HEADER - 1);
    match lengths.into_iter().position(|byte| byte & 0x80 == 0) {
        Some(index) => Ok(Some(index + 2)),
        None if source.len() >= MAX_HEADER => Err(Reason::Malformed),
        None => Ok(None),
    }
}

fn remaining_length(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7F))
}

fn read_puback(body: &[u8]) -> Result<Incoming, Reason> {
    match *body {
        [high, low] => Ok(Incoming::PubAck {
            pkid: u16::from_be_bytes([high, low]),
            code: ReasonCode::SUCCESS,
        }),
        [high, low, code, ..] => {
            Ok(Incoming::PubAck { pkid: u16::from_be_bytes([high, low]), code: ReasonCode(code) })
        }
        _ => Err(Reason::Malformed),
    }
}

fn read_disconnect(mut body: Bytes) -> Incoming {
    if body.is_empty() {
        return Incoming::Disconnect { code: ReasonCode::SUCCESS, text: None };
    }
    let code = ReasonCode(body.get_u8());
    // Properties that cannot be read do not make the reason unreadable.
    let properties = DisconnectProperties::extract(&mut body).ok().flatten();
    Incoming::Disconnect { code, text: properties.and_then(|known| known.reason_string) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Incoming>, Reason> {
        PacketDecoder { is_greeted: true }.decode(&mut BytesMut::from(bytes))
    }

    #[test]
    fn reads_every_form_of_puback_and_every_code() {
        for (bytes, expected) in [
            (&[0x40, 2, 1, 2][..], 0x00),
            (&[0x40, 3, 1, 2, 0x10], 0x10),
            (&[0x40, 3, 1, 2, 0x95], 0x95),
            (&[0x40, 4, 1, 2, 0xEE, 0], 0xEE),
        ] {
            let Ok(Some(Incoming::PubAck { pkid: 0x0102, code })) = read(bytes) else {
                panic!("{bytes:02X?} was not read");
            };
            assert_eq!(code, ReasonCode(expected));
        }
        assert!(matches!(read(&[0x40, 1, 1]), Err(Reason::Malformed)));
    }

    #[test]
    fn reads_every_form_of_disconnect() {
        let text = [0xE0, 7, 0x8B, 5, 0x1F, 0, 2, b'h', b'i'];
        for (bytes, expected, expected_text) in [
            (&[0xE0, 0][..], 0x00, None),
            (&[0xE0, 1, 0x95], 0x95, None),
            (&[0xE0, 2, 0x8E, 0], 0x8E, None),
            (&[0xE0, 3, 0x42, 9, 9], 0x42, None),
            (&text, 0x8B, Some("hi")),
        ] {
            let Ok(Some(Incoming::Disconnect { code, text })) = read(bytes) else {
                panic!("{bytes:02X?} was not read");
            };
            assert_eq!((code, text.as_deref()), (ReasonCode(expected), expected_text));
        }
    }

    #[test]
    fn waits_for_a_whole_packet_and_no_longer() {
        for short in [&[0x40][..], &[0x40, 2], &[0x40, 2, 1], &[0x30, 0x80], &[0xE0, 1]] {
            assert!(matches!(read(short), Ok(None)), "{short:02X?}");
        }
        let endless = [0x30, 0xFF, 0xFF, 0xFF, 0xFF];
        assert!(matches!(read(&endless), Err(Reason::Malformed)));
        let huge = [0x30, 0xFF, 0xFF, 0xFF, 0x7F];
        assert!(matches!(read(&huge), Err(Reason::Malformed)));
        // A whole packet that is too short for its type is not waited for.
        assert!(read(&[0x32, 1, 0]).is_err());
    }
}
