//! A servidor's answer, or the reason for none, as an HTTP answer.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::{Codigo, ReplyCodigo, RequestId, ServerId};
use service::{HttpError, LogFields, RETRY_AFTER_SECONDS, status_of};
use utoipa::IntoResponses;
use utoipa::openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder};

use crate::error::GatewayError;
use crate::gateway::Reply;

/// Answers mostly have at most so many headers in the end. Their map then does not grow.
const HEADERS: usize = 12;

/// What every call is answered that sends a command, if the command does not reach its servidor or no
/// reply comes.
pub(super) struct CommandErrors;

impl IntoResponses for CommandErrors {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        [
            (503, "servidor_indisponivel, broker_indisponivel, sobrecarregado"),
            (504, "tempo_esgotado"),
        ]
        .into_iter()
        .map(|(status, codigos)| {
            let error = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorReply")));
            let response = ResponseBuilder::new().description(codigos);
            let response = response.content("application/json", error.build()).build();
            (status.to_string(), response.into())
        })
        .collect()
    }
}

/// The answer to the command that has this id in the logs, here and at the servidor.
pub(super) fn answer(
    request_id: RequestId,
    server_id: ServerId,
    outcome: Result<Reply, GatewayError>,
) -> Response {
    let (response, codigo) = match outcome {
        Ok(reply) => {
            let codigo = reply.codigo;
            (passed_on(reply), codigo)
        }
        Err(error) => {
            let codigo = Some(ReplyCodigo::Known(error.codigo()));
            let error = HttpError::from(error).with_request_id(request_id.clone());
            (error.into_response(), codigo)
        }
    };
    with_log_fields(response, request_id, server_id, codigo)
}

/// What the log line of an answer says of its command.
pub(super) fn with_log_fields(
    mut response: Response,
    request_id: RequestId,
    server_id: ServerId,
    codigo: Option<ReplyCodigo>,
) -> Response {
    let (request_id, server_id) = (Some(request_id), Some(server_id));
    response.extensions_mut().insert(LogFields { request_id, server_id, codigo });
    response
}

fn passed_on(reply: Reply) -> Response {
    let status = reply.codigo.map_or(StatusCode::OK, status_of);
    // The servidor's JSON as it came.
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = status;
    *response.headers_mut() = HeaderMap::with_capacity(HEADERS);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    add_retry_after(&mut response, reply.codigo);
    response
}

/// Says when a call may be repeated that was refused because there was too much to do.
pub(super) fn add_retry_after(response: &mut Response, codigo: Option<ReplyCodigo>) {
    if codigo == Some(ReplyCodigo::Known(Codigo::Sobrecarregado)) {
        response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
}
