//! The limit of requests in flight. A request whose body is on its way is not in flight, so that
//! callers that send slowly keep nobody else waiting.

use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use protocol::Codigo;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::answer::compression::{accepted, compress};
use crate::http::connection::refusal::Refusal;
use crate::http::health::is_probe;
use crate::http::{HttpError, HttpMetrics};

/// The permits of all requests.
pub(in crate::http) struct Limit {
    permits: Arc<Semaphore>,
    metrics: HttpMetrics,
}

impl Limit {
    pub(in crate::http) fn new(max: usize, metrics: HttpMetrics) -> Self {
        Self { permits: Arc::new(Semaphore::new(max)), metrics }
    }
}

/// The permit of one request.
#[derive(Clone)]
pub(in crate::http) struct InFlight {
    permits: Arc<Semaphore>,
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

/// Refuses a request beyond the limit. A request is in flight until its answer is compressed.
pub(in crate::http) async fn limit(
    Limit { permits, metrics }: &Limit,
    mut request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    if let Some(Refusal(error)) = request.extensions_mut().remove() {
        metrics.refused();
        return error.into_response();
    }
    // A probe must be answered under load too.
    if is_probe(request.uri().path()) {
        return next(request).await;
    }
    let Ok(permit) = Arc::clone(permits).try_acquire_owned() else {
        return HttpError::general(Codigo::Sobrecarregado).into_response();
    };
    let accepted = accepted(request.headers());
    if request.body().is_end_stream() {
        let response = compress(next(request).await, accepted).await;
        drop(permit);
        return response;
    }
    let permit = Arc::new(Mutex::new(Some(permit)));
    let in_flight = InFlight { permits: Arc::clone(permits), permit };
    request.extensions_mut().insert(in_flight.clone());
    let response = compress(next(request).await, accepted).await;
    drop(in_flight);
    response
}

impl InFlight {
    /// Gives the permit to others.
    pub(in crate::http) fn pause(&self) {
        self.permit.lock().take();
    }

    /// Takes a permit again.
    ///
    /// # Errors
    /// There is none.
    pub(in crate::http) fn resume(&self) -> Result<(), HttpError> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| HttpError::general(Codigo::Sobrecarregado))?;
        *self.permit.lock() = Some(permit);
        Ok(())
    }
}
