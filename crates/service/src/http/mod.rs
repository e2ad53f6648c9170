//! The HTTP surface that both programs share: one error shape, documentation, limits.

mod access;
mod answer_body;
mod connection;
mod connections;
mod docs;
mod error;
mod extract;
mod health;
mod in_flight;
mod serve;
mod socket;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::IntoResponse;
use protocol::Codigo;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;

pub use access::name_request;
pub use docs::complete_document;
pub use error::{HttpError, RETRY_AFTER_SECONDS};
pub use extract::{Params, Path, RawJson};
pub use health::Health;
pub use serve::{ListenError, listen, serve};

/// The longest body. The largest that a route needs is below 2 KiB.
const MAX_BODY: usize = 64 * 1024;

/// Gives a router what both programs have: `/docs` and `/openapi.json`; the one error shape for
/// unknown routes, wrong methods and faults; a limit of body size, and one of requests in flight,
/// beyond which the answer is `sobrecarregado`; one id and one log line for each request.
pub fn finish(router: Router, openapi: OpenApi, max_in_flight: usize) -> Router {
    let permits = Arc::new(Semaphore::new(max_in_flight));
    router
        .merge(docs::pages(&openapi))
        .fallback(async || HttpError::general(Codigo::RotaInexistente))
        .method_not_allowed_fallback(async || HttpError::general(Codigo::MetodoNaoPermitido))
        // One layer: a service is cloned for each request, and each layer clones what is below it.
        .layer((
            middleware::from_fn(access::log),
            middleware::from_fn_with_state(permits, in_flight::limit),
            CatchPanicLayer::custom(|_| HttpError::general(Codigo::ErroInterno).into_response()),
            DefaultBodyLimit::max(MAX_BODY),
        ))
}
