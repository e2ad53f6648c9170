//! A servidor's answer, or the reason for none, as an HTTP answer.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::{Codigo, ReplyCodigo, RequestId};
use service::{HttpError, RETRY_AFTER_SECONDS, name_request};

use crate::error::GatewayError;
use crate::gateway::Reply;

/// The answer to the request that has this id in the logs, here and at the servidor.
pub(super) fn answer(request_id: RequestId, outcome: Result<Reply, GatewayError>) -> Response {
    let reply = match outcome {
        Ok(reply) => reply,
        Err(error) => return HttpError::from(error).with_request_id(request_id).into_response(),
    };
    let status = reply.codigo.map_or(200, ReplyCodigo::http_status);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    // The servidor's JSON as it came.
    let mut response = (status, json, reply.body).into_response();
    name_request(&mut response, &request_id);
    if reply.codigo == Some(ReplyCodigo::Known(Codigo::Sobrecarregado)) {
        response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}
