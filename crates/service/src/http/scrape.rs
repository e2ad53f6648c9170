//! `/metrics`, on an address of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::prometheus_text;
use protocol::Codigo;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::connection::serve::{self, ListenError};
use super::exchange::in_flight::{self, Limit};
use super::exchange::without_panic;
use super::{HttpError, HttpMetrics};
use crate::metrics::{METRICS_ADDR, Metrics};

/// Connections of scrapers. There is one Prometheus, or two.
const MAX_CONNECTIONS: usize = 16;
/// Scrapes that are answered at a time.
const MAX_SCRAPES: usize = 4;
/// How long a stop waits for a scrape.
const GRACE: Duration = Duration::from_millis(500);
const ONLY_METRICS: &str = "Aqui há somente GET /metrics.";

/// Listens on `METRICS_ADDR`, if it is set.
///
/// # Errors
/// The address cannot be used.
pub async fn listen_for_metrics(
    addr: Option<SocketAddr>,
) -> Result<Option<TcpListener>, ListenError> {
    let Some(addr) = addr else { return Ok(None) };
    let (listener, addr) = serve::listen(METRICS_ADDR.name, addr).await?;
    info!(%addr, "metrics are answered");
    Ok(Some(listener))
}

/// Answers scrapes until `stop`, if there is a listener.
pub async fn serve_metrics(
    listener: Option<TcpListener>,
    metrics: Metrics,
    stop: CancellationToken,
) {
    match listener {
        Some(listener) => {
            serve::serve_few(listener, router(metrics), stop, MAX_CONNECTIONS, GRACE).await;
        }
        None => stop.cancelled().await,
    }
}

fn router(metrics: Metrics) -> Router {
    // What scrapers do is not counted.
    let limit = Arc::new(Limit::new(MAX_SCRAPES, HttpMetrics::default()));
    let only = |codigo| HttpError::new(codigo, ONLY_METRICS);
    Router::new()
        .route("/metrics", get(scrape))
        .with_state(Arc::new(metrics))
        .fallback(async move || only(Codigo::RotaInexistente))
        .method_not_allowed_fallback(async move || only(Codigo::MetodoNaoPermitido))
        .layer(from_fn_with_state(limit, limited))
}

/// The answer to a scrape, if there are not too many.
async fn limited(State(limit): State<Arc<Limit>>, request: Request, next: Next) -> Response {
    in_flight::limit(&limit, request, async |request| without_panic(next.run(request)).await).await
}

async fn scrape(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], metrics.text().await)
}
