//! The declaration of a set of fields.

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
                let fields = $crate::field_documents::<Self>();
                $crate::FieldDocument::object(fields)
                    .description(Some($crate::FieldDocument::description(&[$($doc),*])))
                    $(.examples([serde_json::json!($($example)+)]))?
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn schemas(schemas: &mut Vec<$crate::Component>) {
                let fields = $crate::field_documents::<Self>().into_iter();
                schemas.extend(fields.filter_map($crate::FieldDocument::into_component));
            }
        }

        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                let fields = $crate::field_documents::<Self>().into_iter();
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
                    $(if <$ty as $crate::Fields>::take(
                        &mut raw.$field, stringify!($field), key, map,
                    )? {
                        return Ok(true);
                    })+
                    Ok(false)
                }

                fn from_texts(_: &'static str, texts: &[(String, String)]) -> Raw {
                    Raw {
                        $($field: <$ty as $crate::Fields>::from_texts(stringify!($field), texts),)+
                    }
                }

                fn names(
                    raw: &Raw,
                    _: &'static str,
                    known: &mut Vec<$crate::KnownField>,
                ) {
                    $(<$ty as $crate::Fields>::names(&raw.$field, stringify!($field), known);)+
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
