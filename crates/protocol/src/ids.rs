//! The three ids that travel: servidor, cliente and request.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("deve ter de 1 a {max} caracteres, só {allowed}")]
pub struct InvalidId {
    max: usize,
    allowed: &'static str,
}

fn is_topic_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn check(
    text: &str,
    max: usize,
    allowed: &'static str,
    ok: fn(u8) -> bool,
) -> Result<(), InvalidId> {
    if text.is_empty() || text.len() > max || !text.bytes().all(ok) {
        return Err(InvalidId { max, allowed });
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:tt, $allowed:tt, $pattern:tt, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, ToSchema)]
        #[serde(try_from = "String")]
        #[schema(value_type = String, min_length = 1, max_length = $max, pattern = $pattern)]
        // Shared: an id is named in many places while its request is under way.
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it is spelled on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check(text, $max, $allowed, $ok)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                check(&text, $max, $allowed, $ok)?;
                Ok(Self(text.into()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Names one operator's servidor. It becomes a topic level, hence the narrow alphabet.
    ServerId, 64, "A-Z a-z 0-9 _ -", "^[A-Za-z0-9_-]+$", is_topic_safe
}
id! {
    /// Names one gateway (cliente). It becomes a topic level, hence the narrow alphabet.
    ClientId, 64, "A-Z a-z 0-9 _ -", "^[A-Za-z0-9_-]+$", is_topic_safe
}
id! {
    /// Names one request, for correlation and so that a repeat has no second effect.
    ///
    /// Ours are UUIDs; another program's may be any printable ASCII without blanks.
    RequestId, 128, "ASCII visível, sem espaços", "^[!-~]+$", |byte| byte.is_ascii_graphic()
}

/// Namespace of the request ids that are made from an `Idempotency-Key`.
const IDEMPOTENCY_NAMESPACE: Uuid = Uuid::from_u128(0x5b1c_7f0e_9a3d_4c6f_8e21_d04b_6a97_3c58);

impl RequestId {
    /// A new id that no other request has; later ids sort after earlier ones, which keeps
    /// database indexes on them compact.
    #[must_use]
    pub fn new() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// The id that stands for an `Idempotency-Key` at a servidor: the same key gives the same id in
    /// every gateway and after every restart, so the servidor itself recognises the repeat. At
    /// another servidor it is another request: an answer must not be taken for the other's.
    #[must_use]
    pub fn from_idempotency_key(server_id: &ServerId, key: &str) -> Self {
        // A slash is in no id: no two pairs have the same name.
        let name = format!("{server_id}/{key}");
        Self::from_uuid(Uuid::new_v5(&IDEMPOTENCY_NAMESPACE, name.as_bytes()))
    }

    fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())[..].into())
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_levels_cannot_be_smuggled_in() {
        for bad in ["", "a/b", "+", "#", "a b", "é", "a\0", &"x".repeat(65)] {
            assert!(bad.parse::<ServerId>().is_err(), "{bad:?} was taken as a server_id");
            assert!(bad.parse::<ClientId>().is_err(), "{bad:?} was taken as a client_id");
        }
        for good in ["server1", "cliente-1_B", &"x".repeat(64)] {
            assert_eq!(good.parse::<ServerId>().expect("a valid id").as_str(), good);
        }
    }

    #[test]
    fn request_ids_are_unique_and_keys_are_stable() {
        assert_ne!(RequestId::new(), RequestId::new());
        let [one, two] = ["s1", "s2"].map(|id| id.parse::<ServerId>().expect("an id"));
        let once = RequestId::from_idempotency_key(&one, "abc");
        assert_eq!(once, RequestId::from_idempotency_key(&one, "abc"));
        assert_ne!(once, RequestId::from_idempotency_key(&one, "abd"));
        assert_ne!(once, RequestId::from_idempotency_key(&two, "abc"));
    }
}
