//! The HTTP surface that both programs share: one error shape, documentation, limits.

mod access;
mod access_control;
mod answer_body;
#[cfg(test)]
mod answer_tests;
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
mod metrics;
mod pages;
mod rate_limit;
mod receive;
mod refusal;
mod request_body;
mod request_path;
mod scrape;
mod security_headers;
mod serve;
mod socket;
mod streams;
#[cfg(test)]
mod tests;
mod traced;
mod unexpected;
#[cfg(test)]
mod wire_tests;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{self, from_fn_with_state};
use axum::response::IntoResponse;
use protocol::Codigo;
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use utoipa::openapi::OpenApi;

pub use access::LogFields;
pub use access_control::{Access, Caller, MAX_TOKEN, Role, Routes, Token, Tokens, operators_only};
pub use body_parts::body_of_parts;
pub use caller::{CallerKey, Endpoints, PROXIES_CONFIAVEIS, TrustedProxies, caller_ip};
pub use caller_limit::CallerLimit;
pub use cors::{CORS_ORIGENS, CorsOrigins};
pub use docs::{accept_token, complete_document, require_token};
pub use error::{HttpError, RETRY_AFTER_SECONDS, both};
pub use etag::{ETag, tagged, tagged_json};
pub use extract::{Params, Path};
pub use file_body::read_file;
pub use health::Health;
use in_flight::Limit;
use json_body::MAX_BODY;
pub use json_body::RawJson;
pub use metrics::HttpMetrics;
pub use pages::{
    Asset, Assets, ErrorPage, Language, PageCache, PageForm, PageHeaders, PageRoutes, Refused,
    json_in_page,
};
pub use rate_limit::RateLimit;
pub use scrape::{listen_for_metrics, serve_metrics};
pub use serve::{ListenError, listen, serve};
pub use streams::{StreamCaller, StreamPermit, Streams};
pub use traced::trace_requests;

/// What only some programs have.
#[derive(Default)]
pub struct Extras {
    /// What each caller may ask.
    pub limit: Option<CallerLimit>,
    pub pages: Option<PageRoutes>,
}

/// Gives the routes what both programs have: a guard before the protected ones; `/docs` and
/// `/openapi.json`; the one error shape for unknown routes, wrong methods and faults; a limit of
/// body size, and one of requests in flight, beyond which the answer is `sobrecarregado`; compressed
/// answers; one name and one log line for each exchange; CORS, which answers
/// preflights before anything else counts or logs them.
pub fn finish(
    routes: Routes,
    openapi: OpenApi,
    max_in_flight: usize,
    cors: &CorsOrigins,
    access: Access,
    metrics: HttpMetrics,
    Extras { limit, pages }: Extras,
) -> Router {
    let in_flight = Limit::new(max_in_flight, metrics.clone());
    let documented = unexpected::Documented::new(&openapi);
    let expected = middleware::map_request_with_state(documented, unexpected::refuse);
    let own_pages = matches!(access, Access::OwnPages);
    let own_pages = own_pages.then(|| middleware::from_fn(access_control::only_own_pages));
    // The guard is the last: who may not pass learns nothing else of a request.
    let guard = from_fn_with_state(access, access_control::guard);
    let Routes { public, mut protected } = routes;
    if protected.has_routes() {
        protected = protected.route_layer(expected.clone()).route_layer(guard.clone());
    }
    let public = public.merge(docs::pages(&openapi)).route_layer(expected);
    let layered = |routes: Router, cors: Option<CorsLayer>, error_page: Option<ErrorPage>| {
        routes
            .method_not_allowed_fallback(async || HttpError::general(Codigo::MetodoNaoPermitido))
            // One layer: a service is cloned for each request, and each layer clones what is below it.
            .layer((
                option_layer(cors),
                from_fn_with_state(metrics.clone(), access::log),
                option_layer(error_page.map(|page| from_fn_with_state(page, pages::show_errors))),
                option_layer(
                    limit.clone().map(|limit| from_fn_with_state(limit, caller_limit::limit)),
                ),
                from_fn_with_state(in_flight.clone(), in_flight::limit),
                CatchPanicLayer::custom(|_| {
                    HttpError::general(Codigo::ErroInterno).into_response()
                }),
                DefaultBodyLimit::max(MAX_BODY),
                option_layer(own_pages.clone()),
            ))
    };
    let unknown = async || HttpError::general(Codigo::RotaInexistente);
    let finished = layered(public.merge(protected).fallback(unknown), cors.layer(), None);
    let Some(PageRoutes { public, mut protected, error_page }) = pages else { return finished };
    if protected.has_routes() {
        let read_form = from_fn_with_state(limit.clone(), pages::read_form);
        protected = protected.route_layer(guard).route_layer(read_form);
    }
    // Pages of other origins use the API, and neither these pages nor their files. An answer that does
    // not vary by origin is in the cache of a browser for all that it loads.
    finished.merge(layered(public.merge(protected), None, error_page))
}
