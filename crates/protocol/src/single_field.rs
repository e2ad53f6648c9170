//! Single fields: required, optional, or with a default.

use serde::de::MapAccess;
use serde::ser::SerializeMap;

use crate::fields::{REPEATED, take_field};
use crate::{Checker, Field, FieldDocument, FieldValue, Fields, KnownField, Scalar};

/// An optional field that has a default.
#[derive(Debug, Clone, PartialEq)]
pub struct OrDefault<T>(pub T);

/// An optional field that may be left out, and may not be null: what would that mean?
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct NotNull<T>(pub Option<T>);

/// What is wrong with a null that is none.
const NOT_NULL: &str = "não pode ser null; se nada deve mudar nele, deve ser deixado de fora";

/// A single field.
pub trait Single: Sized {
    type Value: FieldValue;
    /// Whether null is the same as nothing.
    const TAKES_NULL: bool = true;

    /// `None` if a value is required and missing.
    fn from_value(value: Option<Self::Value>) -> Option<Self>;

    fn value(&self) -> Option<&Self::Value>;
}

impl<T: FieldValue> Single for T {
    type Value = T;

    fn from_value(value: Option<T>) -> Option<T> {
        value
    }

    fn value(&self) -> Option<&T> {
        Some(self)
    }
}

impl<T: FieldValue> Single for Option<T> {
    type Value = T;

    fn from_value(value: Option<T>) -> Option<Option<T>> {
        Some(value)
    }

    fn value(&self) -> Option<&T> {
        self.as_ref()
    }
}

impl<T: FieldValue> Single for NotNull<T> {
    type Value = T;
    const TAKES_NULL: bool = false;

    fn from_value(value: Option<T>) -> Option<Self> {
        Some(Self(value))
    }

    fn value(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T: FieldValue + Default> Single for OrDefault<T> {
    type Value = T;

    fn from_value(value: Option<T>) -> Option<Self> {
        Some(Self(value.unwrap_or_default()))
    }

    fn value(&self) -> Option<&T> {
        Some(&self.0)
    }
}

impl<T: Single> Fields for T {
    type Raw = Option<Field<T::Value>>;

    // Every key is compared with every name.
    #[inline]
    fn take<'de, A: MapAccess<'de>>(
        raw: &mut Self::Raw,
        name: &'static str,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        if key == name { take_field(raw, map, MapAccess::next_value) } else { Ok(false) }
    }

    fn from_texts(name: &'static str, texts: &[(String, String)]) -> Self::Raw {
        let mut found = texts.iter().filter(|(given, _)| given == name);
        let (_, text) = found.next()?;
        Some(match found.next() {
            None => T::Value::from_scalar(Scalar::Untyped(text)).into(),
            Some(_) => Field::Invalid(REPEATED.to_owned()),
        })
    }

    fn names(raw: &Self::Raw, name: &'static str, known: &mut Vec<KnownField>) {
        known.push(KnownField { name, is_missing: Field::is_missing(raw) });
    }

    fn check(raw: Self::Raw, name: &'static str, checker: &mut Checker) -> Option<Self> {
        if !T::TAKES_NULL && matches!(raw, Some(Field::Missing)) {
            checker.wrong(name, NOT_NULL);
            return None;
        }
        let field = raw.unwrap_or_default();
        let required = T::from_value(None).is_none();
        T::from_value(if required {
            checker.required(name, field)
        } else {
            checker.optional(name, field)
        })
    }

    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        self.value().map_or(Ok(()), |value| map.serialize_entry(name, &value.to_scalar()))
    }

    fn document(name: &'static str, description: String, documents: &mut Vec<FieldDocument>) {
        let missing = T::from_value(None);
        let default = missing.as_ref().and_then(Single::value).map(FieldValue::to_scalar);
        documents.push(FieldDocument {
            name,
            description,
            schema: T::Value::schema(),
            component: T::Value::COMPONENT,
            required: missing.is_none(),
            takes_null: T::TAKES_NULL,
            default: default.and_then(|scalar| serde_json::to_value(scalar).ok()),
        });
    }
}
