//! The HTTP surface that both programs share: one error shape, documentation, limits.

mod access;
mod descriptions;
mod docs;
mod error;
mod extract;
mod health;
mod query;
mod serve;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;

pub use docs::complete_document;
pub use error::{HttpError, RETRY_AFTER_SECONDS};
pub use extract::{Path, RawJson};
pub use health::Health;
pub use query::QueryParams;
pub use serve::{ListenError, listen, serve};

/// The longest body; the largest one of the contract is below 2 KiB.
const MAX_BODY: usize = 64 * 1024;

/// Gives a router what every router of ours has: `/docs` and `/openapi.json`, our error shape
/// for unknown routes, wrong methods and faults, a limit of body size, and one of requests in
/// flight beyond which the answer is `sobrecarregado`; and one log line for each request.
/// Handlers find the request's id as an `Extension<RequestId>`.
pub fn finish(router: Router, openapi: OpenApi, max_in_flight: usize) -> Router {
    let permits = Arc::new(Semaphore::new(max_in_flight));
    router
        .merge(docs::pages(openapi))
        .fallback(async || HttpError::unknown_route())
        .method_not_allowed_fallback(async || HttpError::wrong_method())
        // Together: a service is cloned for each request, and a layer of its own clones all below.
        .layer((
            middleware::from_fn(access::log),
            middleware::from_fn_with_state(permits, limit_in_flight),
            CatchPanicLayer::custom(|_| HttpError::internal().into_response()),
            DefaultBodyLimit::max(MAX_BODY),
        ))
}

fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}

async fn limit_in_flight(
    State(permits): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Response {
    // Whether a probe is answered must not depend on how much else is going on.
    if is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    match permits.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => HttpError::overloaded().into_response(),
    }
}
