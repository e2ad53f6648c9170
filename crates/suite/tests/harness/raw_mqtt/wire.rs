//! Packets and texts as bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};

pub(super) fn split_packet(buffer: &mut BytesMut) -> Option<(u8, Bytes)> {
    let (mut length, mut header) = (0, 1);
    loop {
        let byte = usize::from(*buffer.get(header)?);
        length |= (byte & 0x7F) << (7 * (header - 1));
        header += 1;
        if byte < 0x80 {
            break;
        }
    }
    if buffer.len() < header + length {
        return None;
    }
    let mut packet = buffer.split_to(header + length).freeze();
    let kind = packet[0];
    Some((kind, packet.split_off(header)))
}

pub(super) fn framed(kind: u8, body: &[u8]) -> BytesMut {
    let mut packet = BytesMut::new();
    packet.put_u8(kind);
    let mut length = body.len();
    loop {
        let more = length > 0x7F;
        packet.put_u8(u8::try_from(length & 0x7F).expect("7 bits") | u8::from(more) << 7);
        length >>= 7;
        if !more {
            break;
        }
    }
    packet.put_slice(body);
    packet
}

pub(super) fn put_text(buffer: &mut BytesMut, text: &str) {
    buffer.put_u16(u16::try_from(text.len()).expect("a short text"));
    buffer.put_slice(text.as_bytes());
}

pub(super) fn take_text(body: &mut Bytes) -> String {
    let length = usize::from(body.get_u16());
    let text = body.split_to(length);
    String::from_utf8_lossy(&text).into_owned()
}
