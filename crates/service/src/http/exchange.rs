//! What every request passes on the way to its route, and every answer on the way back. One layer: a
//! service is cloned for each request, each layer clones what is below it, and boxes its future.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use protocol::Codigo;

use super::in_flight::{self, Limit};
use super::{CallerLimit, ErrorPage, HttpError, HttpMetrics};
use super::{access, access_control, caller_limit, pages};

/// The parts of a program in this.
pub(super) struct Exchange {
    pub(super) metrics: HttpMetrics,
    pub(super) limit: Option<CallerLimit>,
    pub(super) in_flight: Arc<Limit>,
    /// For refusals of routes that are pages.
    pub(super) error_page: Option<ErrorPage>,
    pub(super) only_own_pages: bool,
}

/// Logs and counts the exchange, refuses what is beyond a limit, and answers faults as errors.
pub(super) async fn exchange(
    State(parts): State<Arc<Exchange>>,
    request: Request,
    next: Next,
) -> Response {
    let Exchange { metrics, limit, in_flight, error_page, only_own_pages } = &*parts;
    let answered = async |request| {
        if *only_own_pages && let Err(error) = access_control::check_own_page(&request) {
            return error.into_response();
        }
        answer(request, next).await
    };
    let within_all = async |request| in_flight::limit(in_flight, request, answered).await;
    let within_own = async |request| caller_limit::limit(limit.as_ref(), request, within_all).await;
    let shown = async |request| pages::show_errors(error_page.as_ref(), request, within_own).await;
    access::log(metrics, request, shown).await
}

/// The answer of the route; `erro_interno` if it panics.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answer.unwrap_or_else(|_| HttpError::general(Codigo::ErroInterno).into_response())
}
