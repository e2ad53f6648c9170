//! The errors of an operation, each with its meaning and an answer of its own.

use protocol::{Codigo, ErrorReply};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

use crate::http::access_control::foreign_page;

/// Adds a refusal that a program without tokens has on all of its routes, to an operation that may
/// answer the same code for another reason.
pub(super) fn add_foreign_page(operation: &mut Operation, needs_token: bool) {
    let (refusal, codigo) = (foreign_page(), Codigo::NaoAutorizado);
    let open = "se o programa está aberto (`ADMIN_ABERTO=sim`, `cargo run`), quem chama é uma \
                página de outra origem, ou `Host` não é `localhost` nem o endereço dele";
    let mut description = format!("`{codigo}`: {open}");
    let mut examples = vec![(codigo.to_string(), refusal.clone())];
    if needs_token {
        description = format!("- `{codigo}`: {}\n- {description}", codigo.meaning());
        examples =
            vec![(codigo.to_string(), codigo.example()), (format!("{codigo}_aberto"), refusal)];
    }
    let examples = examples.iter().map(|(name, reply)| (name.as_str(), example(name, reply)));
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorReply")));
    let content = content.examples_from_iter(examples).build();
    let response = ResponseBuilder::new().description(description);
    let response = response.content("application/json", content).build();
    let status = codigo.http_status().to_string();
    operation.responses.responses.insert(status, response.into());
}

fn example(name: &str, reply: &ErrorReply) -> Example {
    ExampleBuilder::new().summary(name).value(serde_json::to_value(reply).ok()).build()
}

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
pub(super) fn describe(operation: &mut Operation, reply_of: impl Fn(Codigo) -> ErrorReply) {
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
            let name = codigo.to_string();
            let named = example(&name, &reply_of(codigo));
            content.examples.entry(name).or_insert(named.into());
        }
    }
}
