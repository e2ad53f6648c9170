//! The HTTP surface that both programs share: one error shape, documentation, limits.

mod access;
mod answer_body;
#[cfg(test)]
mod answer_tests;
mod bearer;
mod body_parts;
#[cfg(test)]
mod body_tests;
mod body_text;
mod caller;
mod caller_limit;
mod compression;
mod connection;
mod connections;
mod content_coding;
mod cors;
mod docs;
mod error;
mod etag;
mod extract;
mod file_body;
mod head_check;
mod health;
mod in_flight;
mod json_body;
mod linger;
mod rate_limit;
mod receive;
mod refusal;
mod request_body;
mod request_path;
mod security_headers;
mod serve;
mod socket;
#[cfg(test)]
mod tests;
mod unexpected;
#[cfg(test)]
mod wire_tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{self, from_fn_with_state};
use axum::response::IntoResponse;
use protocol::Codigo;
use tokio::sync::Semaphore;
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;

pub use access::LogFields;
pub use bearer::bearer;
pub use body_parts::body_of_parts;
pub use caller::{CallerKey, Endpoints, PROXIES_CONFIAVEIS, TrustedProxies, caller_ip};
pub use caller_limit::CallerLimit;
pub use cors::{CORS_ORIGENS, CorsOrigins};
pub use docs::complete_document;
pub use error::{HttpError, RETRY_AFTER_SECONDS};
pub use etag::{ETag, tagged, tagged_json};
pub use extract::{Params, Path};
pub use file_body::read_file;
pub use health::Health;
use json_body::MAX_BODY;
pub use json_body::RawJson;
pub use rate_limit::RateLimit;
pub use serve::{ListenError, listen, serve};

/// Gives a router what both programs have: `/docs` and `/openapi.json`; the one error shape for
/// unknown routes, wrong methods and faults; a limit of body size, and one of requests in flight,
/// beyond which the answer is `sobrecarregado`; a limit of what each caller may ask; compressed answers; one name and one log line for
/// each exchange; headers for browsers; CORS, which answers preflights before anything else counts or logs them.
pub fn finish(
    router: Router,
    openapi: OpenApi,
    max_in_flight: usize,
    cors: &CorsOrigins,
    limit: Option<CallerLimit>,
) -> Router {
    let permits = Arc::new(Semaphore::new(max_in_flight));
    let documented = unexpected::Documented::new(&openapi);
    router
        .merge(docs::pages(&openapi))
        .fallback(async || HttpError::general(Codigo::RotaInexistente))
        .method_not_allowed_fallback(async || HttpError::general(Codigo::MetodoNaoPermitido))
        // One layer: a service is cloned for each request, and each layer clones what is below it.
        .layer((
            middleware::map_response(async |response| security_headers::add(response)),
            option_layer(cors.layer()),
            middleware::from_fn(access::log),
            option_layer(limit.map(|limit| from_fn_with_state(limit, caller_limit::limit))),
            from_fn_with_state(permits, in_flight::limit),
            CatchPanicLayer::custom(|_| HttpError::general(Codigo::ErroInterno).into_response()),
            DefaultBodyLimit::max(MAX_BODY),
            middleware::map_request_with_state(documented, unexpected::refuse),
        ))
}
