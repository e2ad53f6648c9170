//! The headers of answers.

use protocol::Codigo;
use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Header, RefOr};

/// Adds to each answer the headers that such answers have.
pub(super) fn describe(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    let is_cached = responses.contains_key("304");
    for (status, response) in responses {
        let RefOr::T(response) = response else { continue };
        let mut add = |name: &str, header: Header| {
            response.headers.entry(name.to_owned()).or_insert(header.into());
        };
        let request_id = "O nome da troca no registro do programa.";
        let id = json!("0198c0de-7a1b-7000-8000-000000000001");
        add("X-Request-Id", header(Type::String, request_id, id));
        if is_cached && matches!(status.as_str(), "200" | "304") {
            let versao = "Versão da lista, para `If-None-Match`.";
            add("ETag", header(Type::String, versao, json!("W/\"5f0c1d\"")));
        }
        if *status == Codigo::NaoAutenticado.http_status().to_string() {
            let scheme = "Como um token é enviado.";
            add("WWW-Authenticate", header(Type::String, scheme, json!("Bearer")));
        }
        if *status == Codigo::RequisicoesDemais.http_status().to_string() {
            let seconds = "Em quantos segundos repetir.";
            add("Retry-After", header(Type::Integer, seconds, json!(3)));
        }
        if *status == Codigo::Sobrecarregado.http_status().to_string() {
            let seconds = "Com `sobrecarregado`: em quantos segundos repetir.";
            add("Retry-After", header(Type::Integer, seconds, json!(2)));
        }
    }
}

fn header(schema_type: Type, description: &str, example: Value) -> Header {
    let schema = ObjectBuilder::new().schema_type(schema_type).build();
    let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description));
    header.example(Some(example)).build()
}
