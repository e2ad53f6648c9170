//! One id and one log line for each request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use protocol::RequestId;
use tracing::{debug, info};

/// The id of a request in the logs.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static REQUEST_ID: RequestId;
}

/// The id of the request that is being answered.
pub(super) fn current_request_id() -> Option<RequestId> {
    REQUEST_ID.try_with(Clone::clone).ok()
}

/// Tells the caller the id of its request, unless the response has one already.
pub fn name_request(response: &mut Response, request_id: &RequestId) {
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        response.headers_mut().entry(X_REQUEST_ID).or_insert(value);
    }
}

/// Gives the request an id, which handlers find as an `Extension<RequestId>` and errors name, and
/// logs how it was answered.
pub(super) async fn log(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let request_id = RequestId::new();
    request.extensions_mut().insert(request_id.clone());
    let mut response = REQUEST_ID.scope(request_id.clone(), next.run(request)).await;
    name_request(&mut response, &request_id);
    let request_id = response.headers().get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    let request_id = request_id.unwrap_or_default();
    let status = response.status().as_u16();
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    // Probes come every few seconds, and /docs has many files.
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
