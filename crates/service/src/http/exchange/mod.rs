//! What every request passes on the way to its route, and every answer on the way back. One layer: a
//! service is cloned for each request, and each layer clones what is below it and boxes its future.

pub(in crate::http) mod access_log;
pub(in crate::http) mod caller;
pub(in crate::http) mod caller_limit;
pub(in crate::http) mod gate;
pub(in crate::http) mod in_flight;
pub(in crate::http) mod metrics;
pub(in crate::http) mod rate_limit;
pub(in crate::http) mod traced;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use protocol::Codigo;

use self::in_flight::Limit;
use crate::http::{CallerLimit, ErrorPage, HttpError, HttpMetrics, access_control, pages};

/// What the layer needs of its program.
pub(in crate::http) struct Exchange {
    pub(in crate::http) metrics: HttpMetrics,
    pub(in crate::http) limit: Option<CallerLimit>,
    pub(in crate::http) in_flight: Arc<Limit>,
    /// For refusals of routes that are pages.
    pub(in crate::http) error_page: Option<ErrorPage>,
    pub(in crate::http) only_own_pages: bool,
}

/// Logs and counts the exchange, refuses what is beyond a limit, and answers faults as errors.
pub(in crate::http) async fn exchange(
    State(parts): State<Arc<Exchange>>,
    request: Request,
    next: Next,
) -> Response {
    let Exchange { metrics, limit, in_flight, error_page, only_own_pages } = &*parts;
    let answered = async |request| {
        let answer = async {
            if *only_own_pages && let Err(error) = access_control::check_own_page(&request) {
                return error.into_response();
            }
            next.run(request).await
        };
        without_panic(answer).await
    };
    let within_all = async |request| in_flight::limit(in_flight, request, answered).await;
    let within_own = async |request| caller_limit::limit(limit.as_ref(), request, within_all).await;
    let shown = async |request| pages::show_errors(error_page.as_ref(), request, within_own).await;
    access_log::log(metrics, request, shown).await
}

/// This answer; `erro_interno` if making it panics.
pub(in crate::http) async fn without_panic(answer: impl Future<Output = Response>) -> Response {
    let answer = AssertUnwindSafe(answer).catch_unwind().await;
    answer.unwrap_or_else(|_| HttpError::general(Codigo::ErroInterno).into_response())
}
