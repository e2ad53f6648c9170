//! Receiving the bytes of a body, and what its head says of their type.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, HttpBody as _};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request};
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use futures_util::future::poll_immediate;
use protocol::Codigo;

use crate::failpoints::{Bug, has};
use crate::http::HttpError;
use crate::http::connection::state::Connection;
use crate::http::exchange::in_flight::InFlight;

/// The media type that `Content-Type` names, and its parameters; empty if there is none.
pub(in crate::http) fn content_type(headers: &HeaderMap) -> (&str, &str) {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let declared = declared.unwrap_or_default();
    let (media_type, parameters) = declared.split_once(';').unwrap_or((declared, ""));
    (media_type.trim(), parameters)
}

/// Receives a body of at most `max` bytes within `limit`. While it is on its way, its connection may
/// be closed in favour of another, and the request is not in flight.
///
/// # Errors
/// The body is longer than its route allows, is not framed as HTTP says, or does not arrive in time:
/// `late` gets what happened to it, in Portuguese.
pub(in crate::http) async fn receive(
    mut request: Request,
    max: usize,
    limit: Duration,
    too_long: impl FnOnce() -> HttpError,
    late: impl FnOnce(&str) -> HttpError,
) -> Result<Bytes, HttpError> {
    if request.body().size_hint().lower() > max as u64 {
        return Err(too_long());
    }
    DefaultBodyLimit::max(max).apply(&mut request);
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    let in_flight = request.extensions().get::<InFlight>().cloned();
    let limit = if has(Bug::EndlessWaits) { Duration::MAX } else { limit };
    let mut body = pin!(tokio::time::timeout(limit, Bytes::from_request(request, &())));
    // It mostly arrives with the head.
    let body = if let Some(body) = poll_immediate(&mut body).await {
        body
    } else {
        if let Some(connection) = &connection {
            connection.wait_for_body();
        }
        in_flight.iter().for_each(InFlight::pause);
        let body = body.await;
        if let Some(connection) = &connection {
            connection.begin_answer();
        }
        in_flight.iter().try_for_each(InFlight::resume)?;
        body
    };
    match body {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(too_long())
        }
        Ok(Err(_)) => {
            // What follows on the connection is not the beginning of a request.
            if let Some(connection) = &connection {
                connection.note_sending();
            }
            Err(broken())
        }
        Err(_) => Err(late(&format!("não chegou em {} segundos", limit.as_secs()))),
    }
}

fn broken() -> HttpError {
    let mensagem = "O corpo não chegou inteiro, ou não está em partes como Transfer-Encoding: chunked \
                    manda.";
    let error = HttpError::new(Codigo::RequisicaoMalformada, mensagem);
    error.with_header(CONNECTION, HeaderValue::from_static("close"))
}
