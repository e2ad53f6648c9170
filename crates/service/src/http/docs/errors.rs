//! The errors of an operation, each with its meaning and an answer of its own.

use protocol::{Codigo, ErrorReply};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

/// Adds an error to an operation, unless it documents that status itself. `codigos` are the codes
/// that are answered with the status of `like`, separated by commas.
pub(super) fn add(operation: &mut Operation, like: Codigo, codigos: &str) {
    let status = like.http_status().to_string();
    operation.responses.responses.entry(status).or_insert_with(|| {
        let error = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorReply")));
        let response = ResponseBuilder::new().description(codigos);
        response.content("application/json", error.build()).build().into()
    });
}

/// Replaces each list of codes by what they mean, and gives each an example.
pub(super) fn describe(operation: &mut Operation, example: impl Fn(Codigo) -> ErrorReply) {
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        let names = response.description.split(',').map(str::trim);
        let Some(codigos) = names.map(Codigo::from_name).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let meaning = |codigo: &Codigo| format!("`{codigo}`: {}", codigo.meaning());
        let meanings: Vec<_> = codigos.iter().map(meaning).collect();
        response.description = match meanings.as_slice() {
            [only] => only.clone(),
            several => format!("- {}", several.join("\n- ")),
        };
        let Some(RefOr::T(content)) = response.content.get_mut("application/json") else {
            continue;
        };
        for codigo in codigos {
            let value = serde_json::to_value(example(codigo)).ok();
            let name = codigo.to_string();
            let named = ExampleBuilder::new().summary(name.as_str()).value(value).build();
            content.examples.entry(name).or_insert(named.into());
        }
    }
}
