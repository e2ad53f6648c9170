//! Adds to a document what holds for every call.

use std::collections::BTreeMap;

use protocol::{Codigo, ErrorReply, open_enum};
use utoipa::openapi::info::{ContactBuilder, LicenseBuilder};
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{OpenApi, RefOr, Required, ServerBuilder};

use super::operations::{Kind, operations};
use super::{errors, examples, headers, invalid, security};
use crate::http::health::is_probe;
use crate::http::request::unexpected::takes_anything;

/// Completes a document: where it is served, and for each operation its parameters' places and
/// examples, its errors and its headers. An operation names the codes of a status in the
/// description of that response, separated by commas; each becomes an example. `unavailable` are
/// the codes of a 503; `own` is an answer of this program, or of the operation with this id, where it
/// differs from [`Codigo::example`]. The document must have the schema `ErrorReply`.
pub fn complete_document(
    openapi: &mut OpenApi,
    unavailable: &str,
    own: impl Fn(&str, Codigo) -> Option<ErrorReply>,
) {
    complete_info(openapi);
    security::describe(openapi);
    for (path, item) in &mut openapi.paths.paths {
        for (kind, operation) in operations(item) {
            complete_parameters(path, kind, operation);
            add_errors(path, kind, operation, unavailable);
            let invalid = invalid::example(operation, openapi.components.as_ref());
            let operation_id = operation.operation_id.clone().unwrap_or_default();
            errors::describe(operation, |codigo| match codigo {
                Codigo::RequisicaoInvalida => invalid.clone(),
                _ => own(&operation_id, codigo).unwrap_or_else(|| codigo.example()),
            });
            headers::describe(operation);
        }
    }
    open_enums(openapi);
}

/// What any call may send, which is no parameter of each: generated programs would ask for it.
const HEADERS: &str = "Toda chamada aceita o cabeçalho `X-Request-Id`, o nome da troca no registro, uma \
    vez e com 1 a 128 caracteres `A-Z a-z 0-9 - _ . : / + = ~ @`; se não vem, ou vem outro, o programa \
    faz um, e a resposta o traz. Onde os traces estão ligados, aceita também `traceparent`.";

fn complete_info(openapi: &mut OpenApi) {
    let description = openapi.info.description.get_or_insert_default();
    *description = format!("{description}\n\n{HEADERS}").trim_start().to_owned();
    // Relative to the document.
    let server = ServerBuilder::new().url(".").description(Some("Este programa"));
    openapi.servers = Some(vec![server.build()]);
    let contact = ContactBuilder::new().name(Some("Suíte de postos de carregamento"));
    openapi.info.contact = Some(contact.build());
    // The choice of two licences has no page of its own, so the link is to the first.
    let license = LicenseBuilder::new().name("MIT ou Apache-2.0");
    let license = license.url(Some("https://spdx.org/licenses/MIT.html"));
    openapi.info.license = Some(license.build());
}

fn complete_parameters(path: &str, kind: Kind, operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if path.contains(&format!("{{{}}}", parameter.name)) {
            parameter.parameter_in = ParameterIn::Path;
        }
        if parameter.required == Required::True {
            let example = examples::of_parameter(path, &parameter.name, kind);
            *parameter = ParameterBuilder::from(parameter.clone()).example(example).build();
        }
    }
}

/// The errors that all such calls have, unless a call documents that status itself.
fn add_errors(path: &str, kind: Kind, operation: &mut Operation, unavailable: &str) {
    let mut add = |like: Codigo, codigos: &str| errors::add(operation, like, codigos);
    if kind != Kind::Read {
        add(Codigo::TempoEsgotado, "tempo_esgotado");
    }
    add(Codigo::ErroInterno, "erro_interno");
    if !is_probe(path) {
        add(Codigo::Sobrecarregado, unavailable);
    }
    // A body that is not asked for is looked at too.
    if kind != Kind::Read {
        errors::add(operation, Codigo::CorpoGrandeDemais, "corpo_grande_demais");
        errors::add(operation, Codigo::TipoNaoSuportado, "tipo_nao_suportado");
    }
    if security::needs_token(operation) {
        errors::add(operation, Codigo::NaoAutorizado, "nao_autorizado");
    }
    if security::takes_token(operation) {
        errors::add(operation, Codigo::NaoAutenticado, "nao_autenticado");
        errors::add(operation, Codigo::RequisicoesDemais, "requisicoes_demais");
    }
    if !takes_anything(path) {
        errors::add(operation, Codigo::RequisicaoInvalida, "requisicao_invalida");
    }
}

/// Lists of words are open in answers. In a body they are not: there a program knows all of them.
fn open_enums(openapi: &mut OpenApi) {
    let Some(components) = &mut openapi.components else { return };
    let sent = sent_schemas(&openapi.paths.paths, &components.schemas);
    for (name, schema) in &mut components.schemas {
        if !sent.contains(name) {
            open_enum(schema);
        }
    }
}

/// The names of the schemas that bodies of requests refer to, directly or through others.
fn sent_schemas<'a>(
    paths: impl IntoIterator<Item = (&'a String, &'a PathItem)>,
    schemas: &BTreeMap<String, RefOr<Schema>>,
) -> Vec<String> {
    let bodies = paths.into_iter().flat_map(|(_, item)| {
        [&item.put, &item.post, &item.delete, &item.patch].map(|operation| {
            operation.as_ref().and_then(|operation| operation.request_body.as_ref())
        })
    });
    let mut texts: Vec<_> = bodies.flatten().map(serde_json::to_string).collect();
    let mut sent = Vec::new();
    while let Some(text) = texts.pop() {
        let Ok(text) = text else { continue };
        for (name, schema) in schemas {
            if !sent.contains(name) && text.contains(&format!("\"#/components/schemas/{name}\"")) {
                sent.push(name.clone());
                texts.push(serde_json::to_string(schema));
            }
        }
    }
    sent
}
