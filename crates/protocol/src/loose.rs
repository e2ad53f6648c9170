//! Reading a field without giving up on the rest of the message.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::Timestamp;

/// A field as it came: right, wrong, or not there.
///
/// Deserializing it never fails, so that one pass over a message finds every wrong field
/// instead of stopping at the first. `null` counts as not there.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Loose<T> {
    /// The field is there and of the right type.
    Value(T),
    /// The field is there and wrong; says what is wrong and what would be right.
    Wrong(String),
    /// The field is not there.
    #[default]
    Missing,
}

/// What a JSON scalar can become. One implementation per wire type.
pub trait Scalar: Sized {
    /// What the field should have been, as in "deve ser {EXPECTED}".
    const EXPECTED: &'static str;

    /// From a JSON string; `Err` says why not.
    fn from_text(_text: &str) -> Result<Self, Option<String>> {
        Err(None)
    }
    /// From a JSON number.
    fn from_number(_number: f64) -> Option<Self> {
        None
    }
    /// From a JSON integer, where a float would lose digits.
    fn from_integer(_integer: i128) -> Option<Self> {
        None
    }
    /// From a JSON boolean.
    fn from_flag(_flag: bool) -> Option<Self> {
        None
    }
}

impl Scalar for String {
    const EXPECTED: &'static str = "um texto";
    fn from_text(text: &str) -> Result<Self, Option<String>> {
        Ok(text.to_owned())
    }
}

impl Scalar for f64 {
    const EXPECTED: &'static str = "um número";
    fn from_number(number: f64) -> Option<Self> {
        Some(number)
    }
    fn from_integer(integer: i128) -> Option<Self> {
        // Every range on the wire is far inside what f64 holds exactly.
        #[allow(clippy::cast_precision_loss)]
        Some(integer as f64)
    }
}

impl Scalar for i64 {
    const EXPECTED: &'static str = "um número inteiro";
    fn from_integer(integer: i128) -> Option<Self> {
        integer.try_into().ok()
    }
}

impl Scalar for bool {
    const EXPECTED: &'static str = "true ou false";
    fn from_flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

impl Scalar for Timestamp {
    const EXPECTED: &'static str = "uma data RFC 3339 com fuso";
    fn from_text(text: &str) -> Result<Self, Option<String>> {
        text.parse().map_err(|error: crate::InvalidTimestamp| Some(error.to_string()))
    }
}

macro_rules! scalar_id {
    ($($id:ty),+) => {$(
        impl Scalar for $id {
            const EXPECTED: &'static str = "um texto";
            fn from_text(text: &str) -> Result<Self, Option<String>> {
                text.parse().map_err(|error: crate::InvalidId| Some(error.to_string()))
            }
        }
    )+};
}
scalar_id!(crate::ServerId, crate::ClientId, crate::RequestId);

struct LooseVisitor<T>(std::marker::PhantomData<T>);

fn wrong<T: Scalar>(found: &str) -> Loose<T> {
    Loose::Wrong(format!("deve ser {}, mas veio {found}", T::EXPECTED))
}

impl<'de, T: Scalar> Visitor<'de> for LooseVisitor<T> {
    type Value = Loose<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose<T>, E> {
        Ok(match T::from_text(text) {
            Ok(value) => Loose::Value(value),
            Err(Some(reason)) => Loose::Wrong(reason),
            Err(None) => wrong("um texto"),
        })
    }

    fn visit_i64<E>(self, number: i64) -> Result<Loose<T>, E> {
        Ok(T::from_integer(number.into()).map_or_else(|| wrong("um número inteiro"), Loose::Value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Loose<T>, E> {
        let fits = i64::try_from(number).is_ok();
        let found = if fits { "um número inteiro" } else { "um número grande demais" };
        Ok(T::from_integer(number.into()).map_or_else(|| wrong(found), Loose::Value))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Loose<T>, E> {
        // What is beyond every integer is read as a float.
        let found = if number.fract() == 0.0 {
            "um número grande demais"
        } else {
            "um número com vírgula"
        };
        Ok(T::from_number(number).map_or_else(|| wrong(found), Loose::Value))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Loose<T>, E> {
        Ok(T::from_flag(flag).map_or_else(|| wrong("true ou false"), Loose::Value))
    }

    fn visit_unit<E>(self) -> Result<Loose<T>, E> {
        Ok(Loose::Missing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose<T>, A::Error> {
        while items.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(wrong("uma lista"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Loose<T>, A::Error> {
        while entries.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
        Ok(wrong("um objeto"))
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor(std::marker::PhantomData))
    }
}
