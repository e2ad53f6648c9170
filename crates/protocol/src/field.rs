//! The outcome of reading one field: a value, what is wrong with it, or nothing.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::numbers::number_in_text;

/// The greatest integer up to which every integer is a number of its own, 2^53 - 1.
const MAX_EXACT: f64 = 9_007_199_254_740_991.0;

/// What an error message shows of a text, in characters.
const MAX_SHOWN: usize = 60;

/// A field as it was read. A wrong type or value is no error of the reader, so that one pass over a
/// message finds every wrong field instead of stopping at the first.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Field<T> {
    Value(T),
    /// Says what is wrong and what would be right.
    Invalid(String),
    /// Left out, or `null`.
    #[default]
    Missing,
}

impl<T> Field<T> {
    /// Whether it was left out, for rules about several fields.
    pub fn is_missing(found: &Option<Self>) -> bool {
        matches!(found, None | Some(Self::Missing))
    }
}

/// A text, borrowed unless it has escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A value that a field can hold: how it is read, written and documented.
pub trait FieldValue: Sized {
    /// The name of its schema, if the documents refer to it by name.
    const COMPONENT: Option<&'static str> = None;

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Invalid>;

    fn to_scalar(&self) -> Scalar<'_>;

    fn schema() -> RefOr<Schema>;
}

/// What is wrong with the value of a field, and what would be right; shown to callers.
#[derive(Debug)]
pub struct Invalid(pub String);

impl<E: std::error::Error> From<E> for Invalid {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl<T, E: Into<Invalid>> From<Result<T, E>> for Field<T> {
    fn from(read: Result<T, E>) -> Self {
        read.map_or_else(|error| Self::Invalid(error.into().0), Self::Value)
    }
}

/// The value of a field, before its type is known.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Scalar<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    /// Written with a fraction or an exponent, or beyond `i64`.
    Number(f64),
    Flag(bool),
    /// A query parameter or a table cell, where numbers are texts too.
    Untyped(&'a str),
    /// A list or an object, as an error message calls it.
    Other(&'static str),
}

impl Scalar<'_> {
    /// The text. If it is none, the error says "deve ser {expected}".
    pub fn text(&self, expected: &str) -> Result<&str, Invalid> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Untyped(text) => Ok(text),
            _ => Err(self.unexpected(expected)),
        }
    }

    /// The integer; `5.0` and `5e0` are one too.
    pub fn integer(&self) -> Result<i64, Invalid> {
        let integer = match self.typed() {
            Self::Integer(integer) => Some(integer),
            Self::Number(number) if number.fract() == 0.0 && number.abs() <= MAX_EXACT => {
                Some(number as i64)
            }
            _ => None,
        };
        integer.ok_or_else(|| self.unexpected("um número inteiro"))
    }

    pub fn number(&self) -> Result<f64, Invalid> {
        let number = match self.typed() {
            Self::Integer(integer) => Some(integer as f64),
            Self::Number(number) => Some(number),
            _ => None,
        };
        number.ok_or_else(|| self.unexpected("um número"))
    }

    /// An untyped text as the number that it is, if it is one.
    fn typed(&self) -> Self {
        let Self::Untyped(text) = self else { return self.clone() };
        let number = || number_in_text(text).map(Self::Number);
        text.parse().map(Self::Integer).ok().or_else(number).unwrap_or(Self::Untyped(text))
    }

    /// An untyped `1` is true, and so is `True`, which Python writes.
    pub fn flag(&self) -> Result<bool, Invalid> {
        let flag = match self {
            Self::Flag(flag) => Some(*flag),
            Self::Untyped(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        flag.ok_or_else(|| self.unexpected("true ou false"))
    }

    fn unexpected(&self, expected: &str) -> Invalid {
        let found = match self.typed() {
            Self::Untyped(text) => shortened(text),
            Self::Text(_) => "um texto".to_owned(),
            Self::Integer(_) => "um número inteiro".to_owned(),
            Self::Number(number) if number < -MAX_EXACT => {
                "um número negativo grande demais".to_owned()
            }
            Self::Number(number) if number > MAX_EXACT => "um número grande demais".to_owned(),
            Self::Number(number) if number.fract() == 0.0 => "um número inteiro".to_owned(),
            Self::Number(_) => "um número com vírgula".to_owned(),
            Self::Flag(_) => "true ou false".to_owned(),
            Self::Other(found) => found.to_owned(),
        };
        Invalid(format!("deve ser {expected}, mas veio {found}"))
    }
}

/// A text of a caller, bounded and escaped, for an error message.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: FieldValue> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<T>, E> {
        Ok(T::from_scalar(Scalar::Text(text.into())).into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field<T>, E> {
        Ok(T::from_scalar(Scalar::Integer(number)).into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<T>, E> {
        let integer = i64::try_from(number).map(Scalar::Integer);
        Ok(T::from_scalar(integer.unwrap_or(Scalar::Number(number as f64))).into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field<T>, E> {
        Ok(T::from_scalar(Scalar::Number(number)).into())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Field<T>, E> {
        Ok(T::from_scalar(Scalar::Flag(flag)).into())
    }

    fn visit_unit<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Missing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Field<T>, A::Error> {
        IgnoredAny.visit_seq(items)?;
        Ok(T::from_scalar(Scalar::Other("uma lista")).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Field<T>, A::Error> {
        IgnoredAny.visit_map(entries)?;
        Ok(T::from_scalar(Scalar::Other("um objeto")).into())
    }
}

impl<'de, T: FieldValue> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}
