//! The access log: one id and one log line for each request and its answer.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;
use opentelemetry::KeyValue;
use protocol::{ReplyCodigo, RequestId, ServerId};
use tracing::field::display;
use tracing::{debug, info};

use super::metrics::{HttpMetrics, Route};
use crate::failpoints::{Bug, has};
use crate::http::health::is_probe;
use crate::http::pages::is_file;
use crate::traces::Trace;

/// The name of an exchange in the logs of all that it passes through.
pub(in crate::http) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_LENGTH: usize = 128;

/// What the log line of an answer contains besides its status: an extension of the response.
#[derive(Debug, Clone, Default)]
pub struct LogFields {
    /// Of the command that was sent. It is the right to ask about it and to change it, so it is never
    /// the name of the exchange, which callers choose and proxies log.
    pub request_id: Option<RequestId>,
    /// The servidor that the command is for, where this program is another.
    pub server_id: Option<ServerId>,
    /// Of an error.
    pub codigo: Option<ReplyCodigo>,
}

/// Who called: an extension of the response where it is known.
#[derive(Clone)]
pub(in crate::http) struct CalledBy(pub(in crate::http) String);

/// The caller's name for the exchange, if it has given one that can be logged and answered: 1 to 128
/// ASCII letters, digits and `-_.:/+=~@`.
fn named_by_caller(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut names = headers.get_all(X_REQUEST_ID).iter();
    let name = names.next().filter(|_| names.next().is_none())?;
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=~@".contains(byte);
    let fits = (1..=MAX_LENGTH).contains(&name.len()) || has(Bug::LongNames);
    let is_valid = fits && name.as_bytes().iter().all(is_allowed);
    is_valid.then(|| name.clone())
}

/// Writes into the span of the request what its log line says.
fn note(x_request_id: &str, fields: &LogFields) {
    let Some(trace) = Trace::current() else { return };
    trace.set(KeyValue::new("x_request_id", x_request_id.to_owned()));
    fields.request_id.iter().for_each(|id| trace.set_request_id(id));
    fields.server_id.iter().for_each(|id| trace.set_server_id(id.as_str()));
    fields.codigo.into_iter().for_each(|codigo| trace.set_codigo(codigo));
}

/// What the log says of a method: a caller can send anything as one.
pub(in crate::http) fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "other",
    }
}

/// With microseconds as decimals.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Names the exchange, in the answer too, and logs and counts how it was answered.
pub(in crate::http) async fn log(
    metrics: &HttpMetrics,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let answering = metrics.begin();
    let started = Instant::now();
    if has(Bug::LoggedHeaders) {
        info!(headers = ?request.headers(), "asked");
    }
    let method = name_of(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let named = named_by_caller(request.headers())
        .or_else(|| HeaderValue::from_str(RequestId::new().as_str()).ok());
    let mut response = next(request).await;
    drop(answering);
    let x_request_id = named.as_ref().and_then(|name| name.to_str().ok()).unwrap_or_default();
    let status = response.status().as_u16();
    let duration = started.elapsed();
    let duration_ms = milliseconds(duration);
    let fields: LogFields = response.extensions_mut().remove().unwrap_or_default();
    note(x_request_id, &fields);
    let LogFields { request_id, server_id, codigo } = fields;
    metrics.answered(Route(route.clone()), method, status, codigo, duration);
    let quem = response.extensions_mut().remove().map(|CalledBy(name)| name);
    let (codigo, server_id) = (codigo.map(display), server_id.map(display));
    let request_id = request_id.as_ref().map(display);
    // Probes come every few seconds, and pages have many files.
    match route.as_ref().map(MatchedPath::as_str) {
        Some(route) if is_probe(route) => {
            debug!(x_request_id, method, route, status, codigo, duration_ms, "probed");
        }
        Some(route) if is_file(route) => {
            debug!(x_request_id, method, route, status, codigo, duration_ms, "sent a file");
        }
        route => {
            let route = route.unwrap_or("unknown");
            info!(
                x_request_id,
                request_id, server_id, quem, method, route, status, codigo, duration_ms, "answered"
            );
        }
    }
    if let Some(name) = named {
        response.headers_mut().insert(X_REQUEST_ID, name);
    }
    response
}
