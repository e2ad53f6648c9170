//! An answer to a request that is wrong, for each operation with a field of its own.

use protocol::{BadMessage, Codigo, ErrorReply, FieldError};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::{Components, RefOr, Required};

/// A parameter that no operation has.
const UNKNOWN: &str = "x";

/// What `requisicao_invalida` says of this operation.
pub(super) fn example(operation: &Operation, components: Option<&Components>) -> ErrorReply {
    let (campo, mensagem) = wrong_field(operation, components);
    let wrong = FieldError::new(&campo, mensagem);
    let mut reply = Codigo::RequisicaoInvalida.example();
    let bad = BadMessage::Fields(vec![wrong]);
    reply.mensagem = bad.to_string();
    reply.campos = bad.campos();
    reply
}

/// A field that is missing if there is a required one, else one that is wrong in another way.
fn wrong_field(operation: &Operation, components: Option<&Components>) -> (String, &'static str) {
    let parameters: Vec<_> = operation.parameters.iter().flatten().filter_map(inline).collect();
    let queried = |parameter: &&&Parameter| parameter.parameter_in == ParameterIn::Query;
    let required = |parameter: &&&Parameter| parameter.required == Required::True;
    if let Some(parameter) = parameters.iter().filter(queried).find(required) {
        return (parameter.name.clone(), "é obrigatório");
    }
    if let Some(name) = required_in_body(operation, components) {
        return (name, "é obrigatório");
    }
    let in_path = parameters.iter().find(|one| one.parameter_in == ParameterIn::Path);
    if let Some(parameter) = in_path {
        let mensagem = match is_integer(parameter) {
            true => "deve ser um número inteiro, mas veio \"x\"",
            false => "deve ser texto em UTF-8",
        };
        return (parameter.name.clone(), mensagem);
    }
    match parameters.iter().find(queried) {
        Some(optional) => (optional.name.clone(), "deve vir uma vez só"),
        None => (UNKNOWN.to_owned(), "não existe"),
    }
}

fn inline<T>(value: &RefOr<T>) -> Option<&T> {
    match value {
        RefOr::T(value) => Some(value),
        RefOr::Ref(_) => None,
    }
}

fn is_integer(parameter: &Parameter) -> bool {
    let integer = SchemaType::Type(Type::Integer);
    matches!(&parameter.schema, Some(RefOr::T(Schema::Object(object))) if object.schema_type == integer)
}

fn required_in_body(operation: &Operation, components: Option<&Components>) -> Option<String> {
    let body = inline(operation.request_body.as_ref()?)?;
    let content = inline(body.content.values().next()?)?;
    let Some(RefOr::Ref(reference)) = &content.schema else { return None };
    let name = reference.ref_location.rsplit('/').next()?;
    let Schema::Object(object) = inline(components?.schemas.get(name)?)? else { return None };
    object.required.first().cloned()
}
