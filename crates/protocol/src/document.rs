//! Sets of fields in the OpenAPI documents.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{
    AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr, Required};

/// A schema that documents refer to by name.
pub type Component = (String, RefOr<Schema>);

/// The documentation of one field.
pub struct FieldDocument {
    pub name: &'static str,
    pub(crate) description: String,
    pub(crate) schema: RefOr<Schema>,
    pub(crate) component: Option<&'static str>,
    pub(crate) required: bool,
    /// Of one that is not required.
    pub(crate) takes_null: bool,
    pub(crate) default: Option<serde_json::Value>,
}

impl FieldDocument {
    /// Lines of `///`, as one text.
    pub fn description(lines: &[&str]) -> String {
        lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
    }

    /// The schema of an object that has these fields.
    pub fn object(documents: impl IntoIterator<Item = Self>) -> ObjectBuilder {
        let closed = Some(AdditionalProperties::FreeForm(false));
        let mut object =
            ObjectBuilder::new().schema_type(Type::Object).additional_properties(closed);
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

    /// Its schema where it is used: whole, or a reference by name.
    fn used_schema(component: Option<&str>, schema: RefOr<Schema>) -> RefOr<Schema> {
        component.map_or(schema, |name| Ref::from_schema_name(name).into())
    }

    fn into_property(self) -> RefOr<Schema> {
        let optional = !self.required && self.takes_null;
        match Self::used_schema(self.component, self.schema) {
            RefOr::T(Schema::Object(mut object)) => {
                object.description = Some(self.description);
                object.default = self.default;
                if let (true, SchemaType::Type(schema_type)) = (optional, &object.schema_type) {
                    object.schema_type = SchemaType::Array(vec![schema_type.clone(), Type::Null]);
                }
                RefOr::T(Schema::Object(object))
            }
            RefOr::Ref(mut reference) if !optional => {
                reference.description = self.description;
                RefOr::Ref(reference)
            }
            schema => {
                let null = ObjectBuilder::new().schema_type(Type::Null);
                let either = OneOfBuilder::new().item(schema).item(null);
                either.description(Some(self.description)).into()
            }
        }
    }

    /// The query parameter that this field is.
    pub fn into_parameter(self) -> Parameter {
        // Not by its name: there a list of words may be open, and here it is not.
        let mut schema = self.schema;
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.default = self.default;
        }
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(ParameterIn::Query)
            .description(Some(self.description))
            .required(if self.required { Required::True } else { Required::False })
            .schema(Some(schema))
            .build()
    }

    /// The named schema that this field refers to.
    pub fn into_component(self) -> Option<Component> {
        Some((self.component?.to_owned(), self.schema))
    }
}
