//! The values that a field can hold: how each is read, written and documented.

use domain::{Kwh, Moment, RowId};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr};

use crate::{FieldValue, NotAValue, Scalar, Timestamp};

/// Makes domain texts (`as_str`, and a constructor), domain numbers (`new`, `get`, limits) and ids
/// of this crate into values of fields.
macro_rules! field_values {
    (text $name:ty, $read:expr, $schema:expr) => {
        impl $crate::field::FieldValue for $name {
            const EXPECTED: &'static str = "um texto";

            fn from_scalar(
                scalar: $crate::field::Scalar<'_>,
            ) -> Result<Self, $crate::field::NotAValue> {
                Ok($read($crate::values::text(scalar)?)?)
            }

            fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }

            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $schema.into()
            }
        }
    };
    ($(text $name:ty),+) => {
        $($crate::values::field_values!(text $name, <$name>::new,
            $crate::values::text_schema(<$name>::MAX, domain::TEXT_PATTERN));)+
    };
    ($(number $name:ty),+) => {$(
        impl $crate::field::FieldValue for $name {
            const EXPECTED: &'static str = "um número";

            fn from_scalar(
                scalar: $crate::field::Scalar<'_>,
            ) -> Result<Self, $crate::field::NotAValue> {
                Ok(<$name>::new($crate::values::number(scalar)?)?)
            }

            fn from_text(text: &str) -> Result<Self, $crate::field::NotAValue> {
                let number = text.parse().map_err(|_| $crate::field::NotAValue::WrongType)?;
                Ok(<$name>::new(number)?)
            }

            fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_f64(self.get())
            }

            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let number = $crate::values::double().maximum(Some(<$name>::MAX));
                let minimum = Some(<$name>::MIN);
                if <$name>::EXCLUDES_MIN {
                    number.exclusive_minimum(minimum).into()
                } else {
                    number.minimum(minimum).into()
                }
            }
        }
    )+};
}
pub(crate) use field_values;

impl FieldValue for String {
    const EXPECTED: &'static str = "um texto";

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, NotAValue> {
        text(scalar).map(str::to_owned)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).into()
    }
}

impl FieldValue for bool {
    const EXPECTED: &'static str = "true ou false";

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, NotAValue> {
        match scalar {
            Scalar::Flag(flag) => Ok(flag),
            _ => Err(NotAValue::WrongType),
        }
    }

    /// Takes `True` too, which Python writes.
    fn from_text(text: &str) -> Result<Self, NotAValue> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(NotAValue::WrongType),
        }
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*self)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

impl FieldValue for i64 {
    const EXPECTED: &'static str = "um número inteiro";

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, NotAValue> {
        match scalar {
            Scalar::Integer(integer) => Ok(integer),
            _ => Err(NotAValue::WrongType),
        }
    }

    fn from_text(text: &str) -> Result<Self, NotAValue> {
        text.parse().map_err(|_| NotAValue::WrongType)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(*self)
    }

    fn schema() -> RefOr<Schema> {
        integer().into()
    }
}

impl FieldValue for RowId {
    const EXPECTED: &'static str = i64::EXPECTED;

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, NotAValue> {
        Ok(Self::new(i64::from_scalar(scalar)?)?)
    }

    fn from_text(text: &str) -> Result<Self, NotAValue> {
        Ok(Self::new(i64::from_text(text)?)?)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.get())
    }

    fn schema() -> RefOr<Schema> {
        integer().minimum(Some(Self::MIN)).into()
    }
}

impl FieldValue for Moment {
    const EXPECTED: &'static str = "uma data RFC 3339 com fuso";

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, NotAValue> {
        Ok(text(scalar)?.parse::<Timestamp>()?.into())
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Timestamp::from(*self).serialize(serializer)
    }

    fn schema() -> RefOr<Schema> {
        reference::<Timestamp>()
    }

    fn component() -> Option<(String, RefOr<Schema>)> {
        component::<Timestamp>()
    }
}

field_values!(number Kwh);

pub(crate) fn text(scalar: Scalar<'_>) -> Result<&str, NotAValue> {
    match scalar {
        Scalar::Text(text) => Ok(text),
        _ => Err(NotAValue::WrongType),
    }
}

pub(crate) fn number(scalar: Scalar<'_>) -> Result<f64, NotAValue> {
    match scalar {
        Scalar::Integer(integer) => Ok(integer as f64),
        Scalar::Number(number) => Ok(number),
        _ => Err(NotAValue::WrongType),
    }
}

fn integer() -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
    ObjectBuilder::new().schema_type(Type::Integer).format(Some(format))
}

pub(crate) fn double() -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Double);
    ObjectBuilder::new().schema_type(Type::Number).format(Some(format))
}

pub(crate) fn text_schema(max: usize, pattern: &str) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    text.min_length(Some(1)).max_length(Some(max))
}

pub(crate) fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

pub(crate) fn component<T: ToSchema>() -> Option<(String, RefOr<Schema>)> {
    Some((T::name().into_owned(), T::schema()))
}
