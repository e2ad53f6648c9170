//! One id and one log line for each request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use protocol::RequestId;
use tracing::{debug, info};

use super::HttpError;

/// Tells the caller which id its request has in the logs. A handler that gave the request
/// another id sets it itself.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts a new [`RequestId`] into the request's extensions, and logs how the request went.
pub(super) async fn log(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let request_id = RequestId::new();
    request.extensions_mut().insert(request_id.clone());
    let mut response = next.run(request).await;
    let request_id = identify(&mut response, request_id);
    let header = response.headers_mut().entry(X_REQUEST_ID);
    let header = header.or_insert_with(|| {
        HeaderValue::from_str(request_id.as_str()).unwrap_or(HeaderValue::from_static(""))
    });
    let request_id = header.to_str().unwrap_or_default().to_owned();
    let status = response.status().as_u16();
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    // What is asked for every few seconds, and the files of /docs, would drown the rest.
    match route.as_ref().map(MatchedPath::as_str) {
        Some("/healthz" | "/readyz") => debug!(%method, status, "probed"),
        Some(route) if route.starts_with("/docs") => debug!(%method, route, status, "documented"),
        route => {
            let route = route.unwrap_or("unknown");
            info!(request_id, %method, route, status, milliseconds, "answered");
        }
    }
    response
}

/// The id that an error names is the request's; an error that names none gets `new`.
fn identify(response: &mut Response, new: RequestId) -> RequestId {
    let Some(error) = response.extensions_mut().remove::<HttpError>() else {
        return new;
    };
    if let Some(named) = error.request_id() {
        return named.clone();
    }
    *response.body_mut() = error.with_request_id(new.clone()).into_response().into_body();
    response.headers_mut().remove(CONTENT_LENGTH);
    new
}
