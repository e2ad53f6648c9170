//! The three ids on the wire: of a servidor, a cliente and a request.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema, ToSchema};
use uuid::{NoContext, Timestamp, Uuid};

use crate::field_values;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("deve ter de 1 a {max} caracteres, só {allowed}{}", .reserved.map(but_not).unwrap_or_default())]
pub struct InvalidId {
    max: usize,
    allowed: &'static str,
    /// A text that is no such id although it has its form.
    reserved: Option<&'static str>,
}

fn but_not(reserved: &str) -> String {
    format!(", e não pode ser {reserved}")
}

fn is_topic_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// With the seeded bug `AnyId` of a program for tests, every text is an id.
#[cfg(feature = "failpoints")]
fn accepts_any() -> bool {
    crate::failpoints::is_seeded("AnyId")
}

#[cfg(not(feature = "failpoints"))]
const fn accepts_any() -> bool {
    false
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:tt, $allowed:tt, $pattern:tt, $ok:expr,
        $component:literal $(, example $example:literal)? $(, except $reserved:literal)?) => {
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
                let reserved: Option<&'static str> = [$($reserved)?].first().copied();
                let is_reserved = reserved == Some(text);
                let is_id = text.len() <= $max && text.bytes().all($ok) && !is_reserved;
                if text.is_empty() || !(is_id || accepts_any()) {
                    return Err(InvalidId { max: $max, allowed: $allowed, reserved });
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
    /// Nome de um servidor: de 1 a 64 letras sem acento, algarismos, `_` e `-`; `postos` não é um.
    //
    // It becomes a topic level, hence the narrow alphabet. The topics of a servidor named `postos`
    // would be those of all servidores.
    ServerId, 64, "A-Z a-z 0-9 _ -", "^[A-Za-z0-9_-]+$", is_topic_safe, "ServerId", example "server1", except "postos"
}
id! {
    /// Nome de um cliente: de 1 a 64 letras sem acento, algarismos, `_` e `-`.
    //
    // It becomes a topic level, hence the narrow alphabet.
    ClientId, 64, "A-Z a-z 0-9 _ -", "^[A-Za-z0-9_-]+$", is_topic_safe, "ClientId"
}
id! {
    /// Nome de um app: de 1 a 64 letras sem acento, algarismos, `_` e `-`.
    AppId, 64, "A-Z a-z 0-9 _ -", "^[A-Za-z0-9_-]+$", is_topic_safe, "AppId"
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
const IDEMPOTENCY_NAMESPACE: Uuid = Uuid::from_u128(0x0b6d_93a1_57c8_4e0f_b2d4_9e61_3f7a_c815);

/// A call that takes an `Idempotency-Key`. The same key names another request in another call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyedCall {
    Reservar,
    Alteracao,
}

impl KeyedCall {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reservar => "reservar",
            Self::Alteracao => "alteracao",
        }
    }
}

impl RequestId {
    /// A new id. Those of later milliseconds sort after earlier ones, which keeps database indexes on
    /// them compact. Who has a `request_id` may cancel its reserva, so the rest, 74 bits, is random:
    /// a counter would let public ids of the same program tell most of the secret ones.
    #[expect(clippy::new_without_default, reason = "each one is different")]
    pub fn new() -> Self {
        // Not `Uuid::now_v7`, which panics on a clock before 1970.
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let now = Timestamp::from_unix(NoContext, now.as_secs(), now.subsec_nanos());
        Self::from_uuid(Uuid::new_v7(now))
    }

    /// The id that stands for an `Idempotency-Key` of a call at a servidor. The same key gives the
    /// same id in every gateway and after every restart, so the servidor recognises the repeat. With
    /// another servidor, call or `app` (the caller, if it is known) it gives another id, so that no
    /// answer is mistaken for the other's. Only a caller that knows the key can compute it.
    pub fn from_idempotency_key(
        app: Option<&str>,
        call: KeyedCall,
        server_id: &ServerId,
        key: &str,
    ) -> Self {
        let app = app.map(|app| format!("{}:{app}", app.len())).unwrap_or_default();
        let (call, server_id) = (call.as_str(), server_id.as_str());
        // With the lengths before them, no two sets of parts have the same name.
        let name = format!("{app},{}:{call},{}:{server_id},{key}", call.len(), server_id.len());
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

    /// Its topics would be those of all servidores.
    #[test]
    fn postos_is_no_servidor() {
        let refused = "postos".parse::<ServerId>().expect_err("it is reserved").to_string();
        assert!(refused.ends_with(", e não pode ser postos"), "{refused}");
        assert!("postos".parse::<ClientId>().is_ok());
        let other = "a b".parse::<ClientId>().expect_err("a blank").to_string();
        assert_eq!(other, "deve ter de 1 a 64 caracteres, só A-Z a-z 0-9 _ -");
    }

    /// Each of the 74 bits beside time, version and variant differs in half of all pairs: a counter's
    /// high bits differ in nearly none.
    #[test]
    fn nothing_but_the_time_of_an_id_follows_from_another() {
        const PAIRS: usize = 1000;
        const RANDOM: u128 = 0x0fff_3fff_ffff_ffff_ffff;
        let number = |id: RequestId| Uuid::parse_str(id.as_str()).expect("a UUID").as_u128();
        let pairs = (0..PAIRS).map(|_| number(RequestId::new()) ^ number(RequestId::new()));
        let differences: Vec<_> = pairs.collect();
        assert_eq!(RANDOM.count_ones(), 74);
        for bit in (0..80).filter(|bit| RANDOM >> bit & 1 == 1) {
            let differing = differences.iter().filter(|bits| *bits >> bit & 1 == 1).count();
            assert!((PAIRS / 3..=PAIRS * 2 / 3).contains(&differing), "bit {bit}: {differing}");
        }
    }

    #[test]
    fn each_part_that_a_key_belongs_to_gives_another_id() {
        use std::collections::HashMap;

        let key = "5c0a7d4e-1b7f-4b43-9a2e-1f6f3b0d9b11";
        let mut known = HashMap::new();
        for app in [None, Some(""), Some("a"), Some("a,8:reservar"), Some("1:a")] {
            for server in ["s1", "s2", "1"] {
                for key in [key, "5c0a7d4e-1b7f-4b43-9a2e-1f6f3b0d9b12", "2:s1,0123456789abcdef"] {
                    let server_id: ServerId = server.parse().expect("an id");
                    for call in [KeyedCall::Reservar, KeyedCall::Alteracao] {
                        let make = || RequestId::from_idempotency_key(app, call, &server_id, key);
                        assert_eq!(make(), make());
                        let other = known.insert(make(), (app, call, server, key));
                        assert_eq!(other, None, "{app:?} {call:?} {server} {key}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_id_of_a_key_never_changes() {
        let server_id: ServerId = "server1".parse().expect("an id");
        let key = "5c0a7d4e-1b7f-4b43-9a2e-1f6f3b0d9b11";
        let id_of =
            |app| RequestId::from_idempotency_key(app, KeyedCall::Reservar, &server_id, key);
        // Another version of a gateway must give a repeat the same id.
        assert_eq!(id_of(None).as_str(), "e9866845-3e52-5b7c-a498-6edd3f2e579d");
        assert_eq!(id_of(Some("app1")).as_str(), "b45d29c8-78b6-5664-97fe-ae064d4a1845");
    }
}
