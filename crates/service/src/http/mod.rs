//! The HTTP surface that both programs share: one error shape, documentation, limits.

mod access_control;
mod answer;
mod connection;
mod docs;
mod exchange;
mod health;
mod pages;
mod request;
mod scrape;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use protocol::Codigo;
use tower::util::option_layer;
use tower_http::cors::CorsLayer;

pub use access_control::{
    ANYBODY, Access, Caller, MAX_TOKEN, Role, Routes, Token, Tokens, is_page_of_this_machine,
    missing_token, operators_only,
};
pub use answer::body_parts::body_of_parts;
pub use answer::cors::{CORS_ORIGENS, CorsOrigins};
pub use answer::error::{HttpError, RETRY_AFTER_SECONDS, both_parts, status_of};
pub use answer::etag::{ETag, answer_with_etag, json_with_etag};
pub use connection::serve::{ListenError, listen, serve};
pub use connection::streams::{StreamCaller, StreamPermit, Streams};
pub use docs::{
    Documentation, accept_token, complete_document, refuse_foreign_pages, require_token,
};
pub use exchange::access_log::LogFields;
pub use exchange::caller::{CallerKey, PROXIES_CONFIAVEIS, TrustedProxies, caller_ip};
pub use exchange::caller_limit::CallerLimit;
use exchange::gate::{Gate, gate};
use exchange::in_flight::Limit;
pub use exchange::metrics::HttpMetrics;
pub use exchange::rate_limit::RateLimit;
pub use exchange::traced::trace_requests;
use exchange::{Exchange, exchange};
pub use health::Health;
use pages::ErrorPage;
pub use pages::{
    Asset, Assets, LOAD_AGAIN, Language, PageCache, PageForm, PageHeaders, PageRoutes, RefusalText,
    json_in_page,
};
pub use request::extract::{Params, Path};
pub use request::file_body::{no_file_of, read_file, too_long_file};
pub use request::json_body::JsonBody;
pub use request::path::without_slash;
use request::unexpected::Documented;
pub use scrape::{listen_for_metrics, serve_metrics};

/// Layers that only some programs have.
#[derive(Default)]
pub struct OptionalLayers {
    /// What each caller may ask.
    pub limit: Option<CallerLimit>,
    pub pages: Option<PageRoutes>,
}

/// Gives the routes what both programs have: a guard before the protected ones; `/docs` and
/// `/openapi.json`; the one error shape for unknown routes, wrong methods and faults; a limit of
/// requests in flight, beyond which the answer is `sobrecarregado`; compressed answers; one name and
/// one log line for each exchange; CORS, which answers preflights before anything else counts or logs
/// them. A handler reads its body by [`JsonBody`] or [`read_file`], which bound its size.
pub fn build_router(
    routes: Routes,
    documentation: &Documentation,
    max_in_flight: usize,
    cors: &CorsOrigins,
    access: Access,
    metrics: HttpMetrics,
    OptionalLayers { limit, pages }: OptionalLayers,
) -> Router {
    let in_flight = Arc::new(Limit::new(max_in_flight, metrics.clone()));
    let documented = Documented::new(&documentation.operations);
    let only_own_pages = matches!(access, Access::OwnPages);
    let gate_for = |access| {
        let documented = documented.clone();
        from_fn_with_state(Arc::new(Gate { access, documented }), gate)
    };
    let Routes { public, mut protected } = routes;
    if protected.has_routes() {
        protected = protected.route_layer(gate_for(access.clone()));
    }
    let public = public.merge(docs::pages(documentation)).route_layer(gate_for(Access::Everybody));
    let layered = |routes: Router, cors: Option<CorsLayer>, error_page: Option<ErrorPage>| {
        let (metrics, limit, in_flight) = (metrics.clone(), limit.clone(), Arc::clone(&in_flight));
        let parts = Exchange { metrics, limit, in_flight, error_page, only_own_pages };
        let parts = Arc::new(parts);
        routes
            .method_not_allowed_fallback(async || HttpError::general(Codigo::MetodoNaoPermitido))
            .layer((option_layer(cors), from_fn_with_state(parts, exchange)))
    };
    let unknown = async || HttpError::general(Codigo::RotaInexistente);
    let finished = layered(public.merge(protected).fallback(unknown), cors.layer(), None);
    let Some(PageRoutes { public, mut protected, error_page }) = pages else { return finished };
    if protected.has_routes() {
        let read_form = from_fn_with_state(limit.clone(), pages::read_form);
        protected = protected.route_layer(gate_for(access)).route_layer(read_form);
    }
    // Pages of other origins use the API, and neither these pages nor their files. An answer that does
    // not vary by origin is in the cache of a browser for all that it loads.
    finished.merge(layered(public.merge(protected), None, error_page))
}
