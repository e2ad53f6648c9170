//! One field as it came.

use std::fmt;
use std::marker::PhantomData;

use domain::InvalidValue;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::{InvalidId, InvalidTimestamp};

/// A field as it came. Reading it never fails, so that one pass over a message finds every wrong
/// field instead of stopping at the first.
#[derive(Debug, Clone, PartialEq)]
pub enum Field<T> {
    Value(T),
    /// Says what is wrong and what would be right.
    Invalid(String),
    /// Left out, or `null`.
    Missing,
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self::Missing
    }
}

impl<T, E: fmt::Display> From<Result<T, E>> for Field<T> {
    fn from(read: Result<T, E>) -> Self {
        read.map_or_else(|error| Self::Invalid(error.to_string()), Self::Value)
    }
}

/// A JSON scalar.
#[derive(Debug, Clone, Copy)]
pub enum Scalar<'a> {
    Text(&'a str),
    Integer(i64),
    /// A fraction, or a number beyond `i64`.
    Number(f64),
    Flag(bool),
}

impl Scalar<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Text(_) => "um texto",
            Self::Integer(_) => "um número inteiro",
            Self::Number(number) if number.fract() == 0.0 => "um número grande demais",
            Self::Number(_) => "um número com vírgula",
            Self::Flag(_) => "true ou false",
        }
    }
}

/// Why a scalar is not the value that a field holds.
#[derive(Debug)]
pub enum NotAValue {
    WrongType,
    /// Of the right type, but out of range; says what would be right.
    Invalid(String),
}

impl From<InvalidValue> for NotAValue {
    fn from(error: InvalidValue) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<InvalidTimestamp> for NotAValue {
    fn from(error: InvalidTimestamp) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<InvalidId> for NotAValue {
    fn from(error: InvalidId) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// A value that a field can hold: how it is read, written and documented.
pub trait FieldValue: Sized {
    /// The type that it has in JSON, as in "deve ser {EXPECTED}".
    const EXPECTED: &'static str;

    /// From JSON.
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, NotAValue>;

    /// From a query parameter or a table cell, which are always texts.
    fn from_text(text: &str) -> Result<Self, NotAValue> {
        Self::from_scalar(Scalar::Text(text))
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Its schema where it is used: whole, or a reference to [`FieldValue::component`].
    fn schema() -> RefOr<Schema>;

    /// An example for parameters that refer to their schema.
    fn example() -> Option<serde_json::Value> {
        None
    }

    /// The schema that a reference leads to, with its name.
    fn component() -> Option<(String, RefOr<Schema>)> {
        None
    }
}

impl<T: FieldValue> Field<T> {
    /// From a query parameter or a table cell.
    pub fn from_text(text: &str) -> Self {
        match T::from_text(text) {
            Ok(value) => Self::Value(value),
            Err(NotAValue::Invalid(reason)) => Self::Invalid(reason),
            Err(NotAValue::WrongType) => {
                Self::Invalid(format!("deve ser {}, mas veio {text:?}", T::EXPECTED))
            }
        }
    }

    fn from_scalar(scalar: Scalar<'_>) -> Self {
        match T::from_scalar(scalar) {
            Ok(value) => Self::Value(value),
            Err(NotAValue::Invalid(reason)) => Self::Invalid(reason),
            Err(NotAValue::WrongType) => Self::unexpected(scalar.kind()),
        }
    }

    fn unexpected(kind: &str) -> Self {
        Self::Invalid(format!("deve ser {}, mas veio {kind}", T::EXPECTED))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: FieldValue> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<T>, E> {
        Ok(Field::from_scalar(Scalar::Text(text)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field<T>, E> {
        Ok(Field::from_scalar(Scalar::Integer(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<T>, E> {
        Ok(Field::from_scalar(match i64::try_from(number) {
            Ok(number) => Scalar::Integer(number),
            Err(_) => Scalar::Number(number as f64),
        }))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field<T>, E> {
        Ok(Field::from_scalar(Scalar::Number(number)))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Field<T>, E> {
        Ok(Field::from_scalar(Scalar::Flag(flag)))
    }

    fn visit_unit<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Missing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Field<T>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::unexpected("uma lista"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Field<T>, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::unexpected("um objeto"))
    }
}

impl<'de, T: FieldValue> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

/// Writes a [`FieldValue`] by itself.
pub(crate) struct Written<'a, T>(pub(crate) &'a T);

impl<T: FieldValue> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}
