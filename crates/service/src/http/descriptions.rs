//! What `/docs` says of fields and parameters, in the language of those who read it there. What
//! the code says of them is for those who read the code.

use std::collections::HashMap;

use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{OpenApi, RefOr};

/// Texts by schema (`Posto`), by field (`Posto.nome`) and by query parameter (`?limite`).
const TEXTS: &str = include_str!("descriptions.pt-BR.json");

/// Replaces the descriptions of schemas, their fields and query parameters. What has no text of
/// its own has none.
pub(super) fn translate(openapi: &mut OpenApi) {
    // A test has read it.
    let texts: HashMap<&str, &str> = serde_json::from_str(TEXTS).unwrap_or_default();
    let text = |key: &str| texts.get(key).map(|&text| text.to_owned());
    for item in openapi.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            operation.parameters.iter_mut().flatten().for_each(|parameter| {
                translate_parameter(parameter, &text);
            });
        }
    }
    let schemas = openapi.components.iter_mut().flat_map(|components| &mut components.schemas);
    for (name, schema) in schemas {
        translate_fields(name, schema, &text);
        describe(schema, text(name));
    }
}

fn translate_parameter(parameter: &mut RefOr<Parameter>, text: &dyn Fn(&str) -> Option<String>) {
    if let RefOr::T(parameter) = parameter
        && parameter.parameter_in == ParameterIn::Query
    {
        parameter.description = text(&format!("?{}", parameter.name));
    }
}

fn translate_fields(name: &str, schema: &mut RefOr<Schema>, text: &dyn Fn(&str) -> Option<String>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            for (field, schema) in &mut object.properties {
                describe(schema, text(&format!("{name}.{field}")));
            }
        }
        RefOr::T(Schema::AllOf(parts)) => {
            parts.items.iter_mut().for_each(|part| translate_fields(name, part, text));
        }
        _ => {}
    }
}

fn describe(schema: &mut RefOr<Schema>, text: Option<String>) {
    match schema {
        RefOr::Ref(reference) => reference.description = text.unwrap_or_default(),
        RefOr::T(Schema::Array(array)) => array.description = text,
        RefOr::T(Schema::Object(object)) => object.description = text,
        RefOr::T(Schema::OneOf(one_of)) => one_of.description = text,
        RefOr::T(Schema::AllOf(all_of)) => all_of.description = text,
        RefOr::T(Schema::AnyOf(any_of)) => any_of.description = text,
        // The library may learn of others.
        RefOr::T(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_a_text() {
        let texts: HashMap<&str, &str> = serde_json::from_str(TEXTS).expect("texts");
        assert!(texts.values().all(|text| text.ends_with('.')), "{texts:?}");
    }
}
