//! The bound on how often one caller may ask. Who that is, and what it may, the program knows.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::HttpError;
use super::health::is_probe;

/// Counts a request with these extensions and headers, and may keep there who calls; an error is how long its caller must wait.
pub type CallerLimit =
    Arc<dyn Fn(&mut Extensions, &HeaderMap) -> Result<(), Duration> + Send + Sync>;

/// Refuses a request beyond the limit, before anything of its body is read. Probes and OPTIONS do
/// not count.
pub(super) async fn limit(
    State(limit): State<CallerLimit>,
    mut request: Request,
    next: Next,
) -> Response {
    if is_probe(request.uri().path()) || request.method() == Method::OPTIONS {
        return next.run(request).await;
    }
    let mut extensions = std::mem::take(request.extensions_mut());
    let counted = limit(&mut extensions, request.headers());
    *request.extensions_mut() = extensions;
    match counted {
        Ok(()) => next.run(request).await,
        Err(wait) => HttpError::too_many(wait).into_response(),
    }
}
