//! Sets of fields, declared once: [`fields!`](crate::fields!) makes of one declaration what reads,
//! checks, writes and documents a message, a body, a query or a row of a table.

use std::marker::PhantomData;

use crate::field::{Field, FieldValue, Scalar, Text};
use crate::{BadMessage, Checker, FieldDocument, read_object};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// One field or several. A [`FieldValue`] is a required field, `Option` makes it optional, and a
/// struct declared with [`fields!`](crate::fields!) has the fields that it lists, also where it is
/// a member of another such struct.
pub trait Fields: Sized {
    /// The fields as they came. A single field is `None` until it is found.
    type Raw: Default;

    /// Takes the value of the map's next entry if `key` is the name of a field here.
    fn take<'de, A: MapAccess<'de>>(
        raw: &mut Self::Raw,
        name: &'static str,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error>;

    /// From names and texts.
    fn from_texts(name: &'static str, texts: &[(String, String)]) -> Self::Raw;

    /// Reports every wrong field to the checker; `None` if a required one is missing or wrong.
    fn check(raw: Self::Raw, name: &'static str, checker: &mut Checker) -> Option<Self>;

    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error>;

    fn document(name: &'static str, description: String, documents: &mut Vec<FieldDocument>);
}

/// An optional field that has a default.
#[derive(Debug, Clone, PartialEq)]
pub struct OrDefault<T>(pub T);

/// A field that is an object with fields of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Object<T>(pub T);

/// Reads a JSON object.
///
/// # Errors
/// Not a JSON object, or wrong fields: all of them are named.
pub fn read_json<T: Fields>(payload: &[u8]) -> Result<T, BadMessage> {
    read_json_with(payload, |_| {})
}

/// As [`read_json`], with a last look at the fields as they came before they are checked.
pub(crate) fn read_json_with<T: Fields>(
    payload: &[u8],
    adjust: impl FnOnce(&mut T::Raw),
) -> Result<T, BadMessage> {
    let mut raw = read_raw::<T>(payload)?;
    adjust(&mut raw);
    Checker::run(|checker| T::check(raw, "", checker))
}

/// Reads a JSON object and checks nothing but that it is one.
pub(crate) fn read_raw<T: Fields>(payload: &[u8]) -> Result<T::Raw, BadMessage> {
    let RawOf::<T>(raw) = read_object(payload)?;
    Ok(raw)
}

/// Reads query parameters, or the cells of a row by the names of their columns.
///
/// # Errors
/// Wrong fields: all of them are named.
pub fn read_texts<T: Fields>(texts: &[(String, String)]) -> Result<T, BadMessage> {
    Checker::run(|checker| T::check(T::from_texts("", texts), "", checker))
}

/// Fields that are not checked yet.
struct RawOf<T: Fields>(T::Raw);

impl<'de, T: Fields> Deserialize<'de> for RawOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Fields> Visitor<'de> for ObjectVisitor<T> {
            type Value = T::Raw;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T::Raw, A::Error> {
                let mut raw = T::Raw::default();
                while let Some(Text(key)) = map.next_key()? {
                    if !T::take(&mut raw, "", &key, &mut map)? {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(raw)
            }
        }

        Ok(Self(deserializer.deserialize_map(ObjectVisitor::<T>(PhantomData))?))
    }
}

fn take_value<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    found: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<bool, A::Error> {
    if found.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *found = Some(map.next_value()?);
    Ok(true)
}

/// A single field.
pub trait Single: Sized {
    type Value: FieldValue;

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
        if key == name { take_value(raw, name, map) } else { Ok(false) }
    }

    fn from_texts(name: &'static str, texts: &[(String, String)]) -> Self::Raw {
        let mut found = texts.iter().filter(|(given, _)| given == name);
        let (_, text) = found.next()?;
        Some(match found.next() {
            None => T::Value::from_scalar(Scalar::Untyped(text)).into(),
            Some(_) => Field::Invalid("deve vir uma vez só".to_owned()),
        })
    }

    fn check(raw: Self::Raw, name: &'static str, checker: &mut Checker) -> Option<Self> {
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
            default: default.and_then(|scalar| serde_json::to_value(scalar).ok()),
        });
    }
}

impl<T: Fields> Fields for Object<T> {
    type Raw = Option<Field<T::Raw>>;

    fn take<'de, A: MapAccess<'de>>(
        raw: &mut Self::Raw,
        name: &'static str,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        if key != name {
            return Ok(false);
        }
        let mut json = raw.is_some().then_some(None);
        take_value(&mut json, name, map)?;
        let json: Option<&'de RawValue> = json.flatten();
        *raw = Some(match json.map(|json| read_raw::<T>(json.get().as_bytes())) {
            Some(Ok(fields)) => Field::Value(fields),
            Some(Err(bad)) => Field::Invalid(bad.of_object()),
            None => Field::Missing,
        });
        Ok(true)
    }

    fn from_texts(_: &'static str, _: &[(String, String)]) -> Self::Raw {
        None
    }

    fn check(raw: Self::Raw, name: &'static str, checker: &mut Checker) -> Option<Self> {
        let fields = checker.required(name, raw.unwrap_or_default())?;
        checker.inside(name, |checker| T::check(fields, "", checker)).map(Self)
    }

    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry(name, self)
    }

    fn document(name: &'static str, description: String, documents: &mut Vec<FieldDocument>) {
        documents.push(FieldDocument {
            name,
            description,
            schema: FieldDocument::object(field_documents::<T>()).into(),
            component: None,
            required: true,
            default: None,
        });
    }
}

impl<T: Fields> Serialize for Object<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_object(&self.0, serializer)
    }
}

/// The documentation of each field of a set.
pub fn field_documents<T: Fields>() -> Vec<FieldDocument> {
    let mut documents = Vec::new();
    T::document("", String::new(), &mut documents);
    documents
}

/// Writes a set of fields as a JSON object, in the order of their declaration.
pub fn write_object<T: Fields, S: Serializer>(
    fields: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    fields.write("", &mut map)?;
    map.end()
}
