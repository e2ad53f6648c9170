//! A servidor's answer, or the reason for none, as an HTTP answer.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::{Codigo, RequestId};
use service::{HttpError, RETRY_AFTER_SECONDS};

use crate::error::GatewayError;
use crate::gateway::Reply;

/// The answer to the request that is `request_id` in the logs, here and at the servidor.
pub(super) fn answer(request_id: RequestId, outcome: Result<Reply, GatewayError>) -> Response {
    let header = HeaderValue::from_str(request_id.as_str());
    let mut response = match outcome {
        Ok(reply) => pass_on(reply),
        Err(error) => HttpError::from(error).with_request_id(request_id).into_response(),
    };
    if let Ok(header) = header {
        response.headers_mut().insert("x-request-id", header);
    }
    response
}

/// The servidor's JSON goes out as it came in.
fn pass_on(reply: Reply) -> Response {
    let status = reply.codigo.map_or(200, Codigo::http_status);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut response = (status, json, reply.body).into_response();
    if reply.codigo == Some(Codigo::Sobrecarregado) {
        response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}
