//! The three ids on the wire: of a servidor, a cliente and a request.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema, ToSchema};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::values::field_values;

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

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:tt, $allowed:tt, $pattern:tt, $ok:expr,
        $component:literal $(, example $example:literal)?) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema
        )]
        #[serde(try_from = "String")]
        #[schema(value_type = String, min_length = 1, max_length = $max, pattern = $pattern
            $(, example = $example)?)]
        // Shared: many places hold the id of a request while it is in flight.
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if text.is_empty() || text.len() > $max || !text.bytes().all($ok) {
                    return Err(InvalidId { max: $max, allowed: $allowed });
                }
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        field_values!(@ $name, |scalar| scalar.text("um texto")?.parse::<Self>()?,
            |value| Text(value.as_str().into()), <Self as PartialSchema>::schema(),
            $component);

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
    /// Nome de um servidor: de 1 a 64 letras sem acento, algarismos, `_` e `-`.
    //
    // It becomes a topic level, hence the narrow alphabet.
    ServerId, 64, "A-Z a-z 0-9 _ -", "^[A-Za-z0-9_-]+$", is_topic_safe, "ServerId", example "server1"
}
id! {
    /// Nome de um cliente: de 1 a 64 letras sem acento, algarismos, `_` e `-`.
    //
    // It becomes a topic level, hence the narrow alphabet.
    ClientId, 64, "A-Z a-z 0-9 _ -", "^[A-Za-z0-9_-]+$", is_topic_safe, "ClientId"
}
id! {
    /// Identifica uma requisição: de 1 a 128 caracteres ASCII visíveis, sem espaços. Repetida, ela não tem segundo efeito.
    //
    // Our programs make UUIDs; other programs may use what they like.
    RequestId, 128, "ASCII visível, sem espaços", "^[!-~]+$", |byte| byte.is_ascii_graphic(), "RequestId"
}
id! {
    /// A versão de uma lista, para este filtro e esta página. É opaca: só se compara.
    //
    // Bounded, because gateways keep it and send it with each question.
    Versao, 128, "ASCII visível, sem espaços", "^[!-~]+$", |byte| byte.is_ascii_graphic(), "Versao"
}

/// Namespace of the request ids that are made from an `Idempotency-Key`.
const IDEMPOTENCY_NAMESPACE: Uuid = Uuid::from_u128(0x5b1c_7f0e_9a3d_4c6f_8e21_d04b_6a97_3c58);

impl RequestId {
    /// A new id. Later ids sort after earlier ones, which keeps database indexes on them compact.
    #[expect(clippy::new_without_default, reason = "each one is different")]
    pub fn new() -> Self {
        static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());
        // Not `Uuid::now_v7`, which panics on a clock before 1970.
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let now = Timestamp::from_unix(&CONTEXT, now.as_secs(), now.subsec_nanos());
        Self::from_uuid(Uuid::new_v7(now))
    }

    /// The id that stands for an `Idempotency-Key` at a servidor. The same key gives the same id in
    /// every gateway and after every restart, so the servidor recognises the repeat. At another
    /// servidor it gives another id, so that no answer is mistaken for the other's.
    pub fn from_idempotency_key(server_id: &ServerId, key: &str) -> Self {
        // No id has a slash, so no two pairs have the same name.
        let name = format!("{server_id}/{key}");
        Self::from_uuid(Uuid::new_v5(&IDEMPOTENCY_NAMESPACE, name.as_bytes()))
    }

    fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())[..].into())
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
