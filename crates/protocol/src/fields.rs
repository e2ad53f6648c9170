//! Sets of fields, declared once: [`fields!`](crate::fields!) makes of one declaration what reads,
//! checks, writes and documents a message, a body, a query or a row of a table.

use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, Required};

use crate::envelope::Text;
use crate::field::{Field, FieldValue, Written};
use crate::{BadMessage, Checker, read_object};

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

/// What a document says of a field.
pub struct FieldDocument {
    pub name: &'static str,
    description: String,
    schema: RefOr<Schema>,
    component: Option<(String, RefOr<Schema>)>,
    required: bool,
    default: Option<serde_json::Value>,
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

fn take_field<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    found: &mut Option<T>,
    name: &'static str,
    key: &str,
    map: &mut A,
) -> Result<bool, A::Error> {
    if key != name {
        return Ok(false);
    }
    if found.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *found = Some(map.next_value()?);
    Ok(true)
}

fn find_text<T: FieldValue>(name: &str, texts: &[(String, String)]) -> Option<Field<T>> {
    let mut found = texts.iter().filter(|(given, _)| given == name);
    let (_, text) = found.next()?;
    Some(match found.next() {
        None => Field::from_text(text),
        Some(_) => Field::Invalid("deve vir uma vez só".to_owned()),
    })
}

/// The three ways in which a [`FieldValue`] is a field differ in what happens when it is missing,
/// and in what is documented.
macro_rules! single_field {
    ($({$($bound:tt)+})? $ty:ty, $required:literal, $default:expr, |$checker:ident, $name:ident, $field:ident| $check:expr, |$value:ident| $written:expr) => {
        impl<T: FieldValue $(+ $($bound)+)?> Fields for $ty {
            type Raw = Option<Field<T>>;

            fn take<'de, A: MapAccess<'de>>(
                raw: &mut Self::Raw,
                name: &'static str,
                key: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                take_field(raw, name, key, map)
            }

            fn from_texts(name: &'static str, texts: &[(String, String)]) -> Self::Raw {
                find_text(name, texts)
            }

            fn check(raw: Self::Raw, $name: &'static str, $checker: &mut Checker) -> Option<Self> {
                let $field = raw.unwrap_or_default();
                $check
            }

            fn write<M: SerializeMap>(
                &self,
                name: &'static str,
                map: &mut M,
            ) -> Result<(), M::Error> {
                let $value = self;
                match $written {
                    Some(value) => map.serialize_entry(name, &Written(value)),
                    None => Ok(()),
                }
            }

            fn document(
                name: &'static str,
                description: String,
                documents: &mut Vec<FieldDocument>,
            ) {
                documents.push(FieldDocument {
                    name,
                    description,
                    schema: T::schema(),
                    component: T::component(),
                    required: $required,
                    default: $default,
                });
            }
        }
    };
}

single_field!(T, true, None, |checker, name, field| checker.required(name, field), |value| Some(
    value
));
single_field!(
    Option<T>,
    false,
    None,
    |checker, name, field| Some(checker.optional(name, field)),
    |value| value.as_ref()
);
single_field!(
    {Default} OrDefault<T>,
    false,
    serde_json::to_value(Written(&T::default())).ok(),
    |checker, name, field| Some(Self(checker.optional(name, field).unwrap_or_default())),
    |value| Some(&value.0)
);

impl<T: Fields> Fields for Object<T> {
    type Raw = Option<Field<T::Raw>>;

    fn take<'de, A: MapAccess<'de>>(
        raw: &mut Self::Raw,
        name: &'static str,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        let mut json: Option<&'de RawValue> = None;
        if raw.is_some() && key == name {
            return Err(A::Error::duplicate_field(name));
        }
        if !take_field(&mut json, name, key, map)? {
            return Ok(false);
        }
        *raw = Some(match json.map_or("null", RawValue::get) {
            "null" => Field::Missing,
            json => match read_object::<RawOf<T>>(json.as_bytes()) {
                Ok(RawOf(fields)) => Field::Value(fields),
                Err(_) => Field::Invalid("deve ser um objeto JSON válido".to_owned()),
            },
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

    /// No body or query has a nested object.
    fn document(_: &'static str, _: String, _: &mut Vec<FieldDocument>) {}
}

impl<T: Fields> Serialize for Object<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_object(&self.0, serializer)
    }
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

impl FieldDocument {
    /// The documents of every field of a set.
    #[must_use]
    pub fn of<T: Fields>() -> Vec<Self> {
        let mut documents = Vec::new();
        T::document("", String::new(), &mut documents);
        documents
    }

    /// Lines of `///`, as one text.
    #[must_use]
    pub fn description(lines: &[&str]) -> String {
        lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
    }

    /// The schema of an object that has these fields.
    #[must_use]
    pub fn object(documents: impl IntoIterator<Item = Self>) -> ObjectBuilder {
        let mut object = ObjectBuilder::new().schema_type(Type::Object);
        for field in documents {
            if field.required {
                object = object.required(field.name);
            }
            object = object.property(field.name, field.into_property());
        }
        object
    }

    /// The same field, which may be left out.
    pub(crate) fn into_optional(self) -> Self {
        Self { required: false, default: None, ..self }
    }

    fn into_property(self) -> RefOr<Schema> {
        let (optional, description) = (!self.required, Some(self.description));
        match self.schema {
            RefOr::T(Schema::Object(mut object)) => {
                object.description = description;
                object.default = self.default;
                if let (true, SchemaType::Type(schema_type)) = (optional, &object.schema_type) {
                    object.schema_type = SchemaType::Array(vec![schema_type.clone(), Type::Null]);
                }
                RefOr::T(Schema::Object(object))
            }
            RefOr::Ref(mut reference) if !optional => {
                reference.description = description.unwrap_or_default();
                RefOr::Ref(reference)
            }
            schema => {
                let null = ObjectBuilder::new().schema_type(Type::Null);
                OneOfBuilder::new().item(schema).item(null).description(description).into()
            }
        }
    }

    /// The query parameter that this field is.
    #[must_use]
    pub fn into_parameter(self) -> Parameter {
        let required = if self.required { Required::True } else { Required::False };
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(ParameterIn::Query)
            .description(Some(self.description))
            .required(required)
            .schema(Some(self.schema))
            .build()
    }

    /// The named schema that this field refers to.
    #[must_use]
    pub fn into_component(self) -> Option<(String, RefOr<Schema>)> {
        self.component
    }
}

/// Declares a struct whose fields are read, checked, written and documented as their types say.
/// `rules` may look at the fields as they came, and make one invalid that does not go with another.
/// `fields!(impl Type { … })` does the same for a struct that is declared elsewhere.
///
/// The `///` of what is used over HTTP are shown in `/docs`, and so are Portuguese.
#[macro_export]
macro_rules! fields {
    (
        $(#[doc = $doc:literal])*
        $(#[example($($example:tt)+)])?
        $vis:vis struct $name:ident {
            $($(#[doc = $field_doc:literal])* $field:ident: $ty:ty,)+
        }
        $(rules |$raw:ident| $rules:block)?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name {
            $($(#[doc = $field_doc])* $vis $field: $ty,)+
        }

        $crate::fields! {
            impl $name { $($(#[doc = $field_doc])* $field: $ty,)+ }
            $(rules |$raw| $rules)?
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::write_object(self, serializer)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let fields = $crate::FieldDocument::of::<Self>();
                $crate::FieldDocument::object(fields)
                    .description(Some($crate::FieldDocument::description(&[$($doc),*])))
                    $(.examples([serde_json::json!($($example)+)]))?
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn schemas(
                schemas: &mut Vec<(
                    String,
                    utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>,
                )>,
            ) {
                let fields = $crate::FieldDocument::of::<Self>().into_iter();
                schemas.extend(fields.filter_map($crate::FieldDocument::into_component));
            }
        }

        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                let fields = $crate::FieldDocument::of::<Self>().into_iter();
                fields.map($crate::FieldDocument::into_parameter).collect()
            }
        }
    };
    (
        impl $name:ty {
            $($(#[doc = $field_doc:literal])* $field:ident: $ty:ty,)+
        }
        $(rules |$raw:ident| $rules:block)?
    ) => {
        const _: () = {
            #[derive(Default)]
            pub struct Raw {
                $(pub $field: <$ty as $crate::Fields>::Raw,)+
            }

            impl $crate::Fields for $name {
                type Raw = Raw;

                fn take<'de, A: serde::de::MapAccess<'de>>(
                    raw: &mut Raw,
                    _: &'static str,
                    key: &str,
                    map: &mut A,
                ) -> Result<bool, A::Error> {
                    Ok($(<$ty as $crate::Fields>::take(
                        &mut raw.$field, stringify!($field), key, map
                    )?)||+)
                }

                fn from_texts(_: &'static str, texts: &[(String, String)]) -> Raw {
                    Raw {
                        $($field: <$ty as $crate::Fields>::from_texts(stringify!($field), texts),)+
                    }
                }

                fn check(
                    mut raw: Raw,
                    _: &'static str,
                    checker: &mut $crate::Checker,
                ) -> Option<Self> {
                    $({
                        let $raw = &mut raw;
                        $rules
                    })?
                    $(let $field = <$ty as $crate::Fields>::check(
                        std::mem::take(&mut raw.$field), stringify!($field), checker,
                    );)+
                    Some(Self { $($field: $field?,)+ })
                }

                fn write<M: serde::ser::SerializeMap>(
                    &self,
                    _: &'static str,
                    map: &mut M,
                ) -> Result<(), M::Error> {
                    $($crate::Fields::write(&self.$field, stringify!($field), map)?;)+
                    Ok(())
                }

                fn document(
                    _: &'static str,
                    _: String,
                    documents: &mut Vec<$crate::FieldDocument>,
                ) {
                    $(<$ty as $crate::Fields>::document(
                        stringify!($field),
                        $crate::FieldDocument::description(&[$($field_doc),*]),
                        documents,
                    );)+
                }
            }
        };
    };
}
