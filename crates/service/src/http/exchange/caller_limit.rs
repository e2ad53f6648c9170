//! The bound on how often one caller may ask. Who that is, and what it may, the program knows.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};

use crate::http::HttpError;
use crate::http::health::is_probe;
use crate::http::pages::is_asset;

/// Counts a request with these headers, and may keep in its extensions who calls; an error is how
/// long the caller must wait.
pub type CallerLimit =
    Arc<dyn Fn(&mut Extensions, &HeaderMap) -> Result<(), Duration> + Send + Sync>;

/// Refuses a request beyond the limit, before anything of its body is read. Probes, OPTIONS and the
/// files of pages do not count: a first view loads some thirty, which cost nothing.
pub(in crate::http) async fn limit(
    limit: Option<&CallerLimit>,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let path = request.uri().path();
    let counts = !(is_probe(path) || is_asset(path) || request.method() == Method::OPTIONS);
    let Some(limit) = limit.filter(|_| counts) else { return next(request).await };
    let (mut head, body) = request.into_parts();
    match limit(&mut head.extensions, &head.headers) {
        Ok(()) => next(Request::from_parts(head, body)).await,
        Err(wait) => HttpError::too_many(wait).into_response(),
    }
}
