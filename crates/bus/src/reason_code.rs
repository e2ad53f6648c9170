//! The reason codes of MQTT 5.

use std::fmt;

/// Why a broker refused or ended something. It is kept as a number: the MQTT library knows only
/// some codes, and fails to read a packet with another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonCode(pub u8);

impl ReasonCode {
    pub const SUCCESS: Self = Self(0x00);
    pub const NOT_AUTHORIZED: Self = Self(0x87);
    pub(crate) const BANNED: Self = Self(0x8A);
    pub const SESSION_TAKEN_OVER: Self = Self(0x8E);
    pub const TOPIC_NAME_INVALID: Self = Self(0x90);
    pub const PACKET_TOO_LARGE: Self = Self(0x95);
    pub const QUOTA_EXCEEDED: Self = Self(0x97);
    pub const PAYLOAD_FORMAT_INVALID: Self = Self(0x99);

    pub fn is_error(self) -> bool {
        self.0 >= 0x80
    }

    /// Whether it is about who this program says it is: bad user name or password, not authorized,
    /// bad authentication method.
    pub(crate) fn is_about_login(self) -> bool {
        matches!(self.0, 0x86 | 0x87 | 0x8C)
    }

    /// Whether each further attempt makes it worse, or leads to no other answer: server busy, quota
    /// exceeded, banned, use another server, server moved, connection rate exceeded. Not server
    /// unavailable, which a broker that starts answers.
    pub(crate) fn needs_login_delay(self) -> bool {
        matches!(self.0, 0x89 | 0x8A | 0x97 | 0x9C | 0x9D | 0x9F)
    }

    /// Whether a DISCONNECT with this code can be the answer to a packet. The other codes are about
    /// the connection, or about how much is sent.
    pub(crate) fn is_about_packet(self) -> bool {
        const OTHERS: [u8; 13] =
            [0x89, 0x8B, 0x8D, 0x8E, 0x93, 0x96, 0x97, 0x98, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0];
        self.is_error() && !OTHERS.contains(&self.0)
    }

    /// Whether a DISCONNECT with this code says that the latest packet will never be accepted.
    pub(crate) fn is_final(self) -> bool {
        let final_codes =
            [Self::TOPIC_NAME_INVALID, Self::PACKET_TOO_LARGE, Self::PAYLOAD_FORMAT_INVALID];
        final_codes.contains(&self)
    }

    fn name(self) -> &'static str {
        match self.0 {
            0x00 => "success",
            0x04 => "disconnect with will",
            0x10 => "no matching subscribers",
            0x81 => "malformed packet",
            0x82 => "protocol error",
            0x83 => "implementation specific error",
            0x84 => "unsupported protocol version",
            0x85 => "client id not valid",
            0x86 => "bad user name or password",
            0x87 => "not authorized",
            0x88 => "server unavailable",
            0x89 => "server busy",
            0x8A => "banned",
            0x8B => "server shutting down",
            0x8C => "bad authentication method",
            0x8D => "keep alive timeout",
            0x8E => "session taken over",
            0x8F => "topic filter invalid",
            0x90 => "topic name invalid",
            0x91 => "packet identifier in use",
            0x93 => "receive maximum exceeded",
            0x94 => "topic alias invalid",
            0x95 => "packet too large",
            0x96 => "message rate too high",
            0x97 => "quota exceeded",
            0x98 => "administrative action",
            0x99 => "payload format invalid",
            0x9A => "retain not supported",
            0x9B => "QoS not supported",
            0x9C => "use another server",
            0x9D => "server moved",
            0x9E => "shared subscriptions not supported",
            0x9F => "connection rate exceeded",
            0xA0 => "maximum connect time",
            0xA1 => "subscription identifiers not supported",
            0xA2 => "wildcard subscriptions not supported",
            _ => "unspecified error",
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:02X})", self.name(), self.0)
    }
}
