//! Sets of fields, declared once: [`fields!`](crate::fields!) makes of one declaration what reads,
//! checks, writes and documents a message, a body, a query or a row of a table.

use std::marker::PhantomData;

use crate::field::{Field, Text};
use crate::names::{KnownField, UnknownNames};
use crate::{BadMessage, Checker, FieldDocument, UnknownFields, read_object};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// One field or several. A [`FieldValue`](crate::FieldValue) is a required field, `Option` makes it optional, and a
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

    /// The names of all fields, and which are missing.
    fn names(raw: &Self::Raw, name: &'static str, known: &mut Vec<KnownField>);

    /// Reports every wrong field to the checker; `None` if a required one is missing or wrong.
    fn check(raw: Self::Raw, name: &'static str, checker: &mut Checker) -> Option<Self>;

    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error>;

    fn document(name: &'static str, description: String, documents: &mut Vec<FieldDocument>);
}

/// A field that is an object with fields of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Object<T>(pub T);

/// Reads a message that came over MQTT, a JSON object. Fields that do not exist are tolerated,
/// unless one must be a misspelt field that is missing.
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
    let mut unchecked = read_raw::<T>(payload)?;
    adjust(&mut unchecked.raw);
    Checker::run(UnknownFields::Tolerated, |checker| unchecked.check(checker))
}

/// Reads a body that came over HTTP, a JSON object. Fields that do not exist are wrong.
///
/// # Errors
/// Not a JSON object, or wrong fields: all of them are named.
pub fn read_body<T: Fields>(body: &[u8]) -> Result<T, BadMessage> {
    let unchecked = read_raw::<T>(body)?;
    Checker::run(UnknownFields::Refused, |checker| unchecked.check(checker))
}

/// Reads a JSON object and checks nothing but that it is one.
#[inline]
pub(crate) fn read_raw<T: Fields>(payload: &[u8]) -> Result<Unchecked<T>, BadMessage> {
    read_object(payload)
}

/// Reads the parameters of a call, in its query and in its path. What does not exist is wrong in a
/// query; of a path, not all need be read here.
///
/// # Errors
/// Wrong parameters: all of them are named.
pub fn read_parameters<T: Fields>(
    query: &[(String, String)],
    path: &[(String, String)],
) -> Result<T, BadMessage> {
    let unchecked = Unchecked::<T>::from_texts(query, path);
    Checker::run(UnknownFields::Refused, |checker| unchecked.check(checker))
}

/// Fields that are not checked yet, and the names of those that do not exist.
pub struct Unchecked<T: Fields> {
    pub(crate) raw: T::Raw,
    unknown: UnknownNames,
}

impl<T: Fields> Unchecked<T> {
    /// Of the texts that may be `ignored`, the names need not exist.
    fn from_texts(texts: &[(String, String)], ignored: &[(String, String)]) -> Self {
        let raw = T::from_texts("", &[texts, ignored].concat());
        let mut known = Vec::new();
        T::names(&raw, "", &mut known);
        let mut unknown = UnknownNames::default();
        for (name, _) in texts {
            if known.iter().all(|field| field.name != name) {
                unknown.add(name, Self::known);
            }
        }
        Self { raw, unknown }
    }

    /// The names of all fields.
    fn known() -> Vec<KnownField> {
        let mut known = Vec::new();
        T::names(&T::Raw::default(), "", &mut known);
        known
    }

    // Each call in between copies all fields.
    #[inline]
    fn check(self, checker: &mut Checker) -> Option<T> {
        self.check_with(checker, |raw, checker| T::check(raw, "", checker))
    }

    /// Reports every wrong field that `check` finds, and those that do not exist.
    #[inline]
    pub(crate) fn check_with<V>(
        self,
        checker: &mut Checker,
        check: impl FnOnce(T::Raw, &mut Checker) -> Option<V>,
    ) -> Option<V> {
        let mut known = Vec::new();
        if !self.unknown.is_empty() {
            T::names(&self.raw, "", &mut known);
        }
        let checked = check(self.raw, checker);
        self.unknown.report(&known, checker);
        checked
    }
}

impl<'de, T: Fields> Deserialize<'de> for Unchecked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Fields> Visitor<'de> for ObjectVisitor<T> {
            type Value = Unchecked<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unchecked<T>, A::Error> {
                let mut found =
                    Unchecked { raw: T::Raw::default(), unknown: UnknownNames::default() };
                while let Some(Text(key)) = map.next_key()? {
                    if !T::take(&mut found.raw, "", &key, &mut map)? {
                        found.unknown.add(&key, Unchecked::<T>::known);
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(found)
            }
        }

        deserializer.deserialize_map(ObjectVisitor::<T>(PhantomData))
    }
}

/// What is wrong with a field that comes twice.
pub(crate) const REPEATED: &str = "deve vir uma vez só";

/// Takes a field from the map's next entry. One that has come before is wrong, whatever its values:
/// of two, nobody knows which is meant.
pub(crate) fn take_field<'de, T, A: MapAccess<'de>>(
    found: &mut Option<Field<T>>,
    map: &mut A,
    read: impl FnOnce(&mut A) -> Result<Field<T>, A::Error>,
) -> Result<bool, A::Error> {
    *found = Some(if found.is_some() {
        map.next_value::<IgnoredAny>()?;
        Field::Invalid(REPEATED.to_owned())
    } else {
        read(map)?
    });
    Ok(true)
}

impl<T: Fields> Fields for Object<T> {
    type Raw = Option<Field<Unchecked<T>>>;

    fn take<'de, A: MapAccess<'de>>(
        raw: &mut Self::Raw,
        name: &'static str,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        if key != name {
            return Ok(false);
        }
        take_field(raw, map, |map| {
            let json: Option<&'de RawValue> = map.next_value()?;
            Ok(match json.map(|json| read_raw::<T>(json.get().as_bytes())) {
                Some(Ok(fields)) => Field::Value(fields),
                Some(Err(bad)) => Field::Invalid(bad.of_object()),
                None => Field::Missing,
            })
        })
    }

    fn from_texts(_: &'static str, _: &[(String, String)]) -> Self::Raw {
        None
    }

    fn names(raw: &Self::Raw, name: &'static str, known: &mut Vec<KnownField>) {
        known.push(KnownField { name, is_missing: Field::is_missing(raw) });
    }

    fn check(raw: Self::Raw, name: &'static str, checker: &mut Checker) -> Option<Self> {
        let fields = checker.required(name, raw.unwrap_or_default())?;
        checker.inside(name, |checker| fields.check(checker)).map(Self)
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
            takes_null: false,
            default: None,
        });
    }
}

impl<T: Fields> Serialize for Object<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_object(&self.0, serializer)
    }
}

/// No fields.
impl Fields for () {
    type Raw = ();

    fn take<'de, A: MapAccess<'de>>(
        (): &mut (),
        _: &'static str,
        _: &str,
        _: &mut A,
    ) -> Result<bool, A::Error> {
        Ok(false)
    }

    fn from_texts(_: &'static str, _: &[(String, String)]) {}

    fn names((): &(), _: &'static str, _: &mut Vec<KnownField>) {}

    fn check((): (), _: &'static str, _: &mut Checker) -> Option<()> {
        Some(())
    }

    fn write<M: SerializeMap>(&self, _: &'static str, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }

    fn document(_: &'static str, _: String, _: &mut Vec<FieldDocument>) {}
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
