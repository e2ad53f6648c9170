//! Compressed answers.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::pin::pin;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, VARY};
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::response::Response;
use tokio::sync::Semaphore;
use tower::{ServiceExt as _, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _};
use tower_http::compression::{Compression, CompressionBody};

/// Shorter answers fit into one packet anyway.
const MIN_LENGTH: usize = 1025;
/// Longer answers are compressed a piece at a time, between which others have their turn.
const LONG: usize = 64 * 1024;
/// How many of these at a time: each needs memory, and more would be no faster.
static LONG_ANSWERS: Semaphore = Semaphore::const_new(4);
/// Of gzip and of br, whose scales are alike here: in the time of the higher levels the answer has
/// long arrived.
const LEVEL: CompressionLevel = CompressionLevel::Precise(2);

/// The `Accept-Encoding` of a request, if it has one.
pub(super) fn accepted(headers: &HeaderMap) -> Option<HeaderMap> {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let mut accepted = HeaderMap::new();
    for value in headers.get_all(ACCEPT_ENCODING) {
        accepted.append(ACCEPT_ENCODING, value.clone());
    }
    Some(accepted)
}

/// Compresses an answer if that is worth it, and the caller accepts it. The whole answer at once,
/// so that a caller who reads slowly holds no compressor, and the length is known.
pub(super) async fn compress(mut response: Response, accepted: Option<HeaderMap>) -> Response {
    let Some(length) = length(&response).filter(|length| *length >= MIN_LENGTH) else {
        return response;
    };
    if response.headers().contains_key(CONTENT_ENCODING)
        || !DefaultPredicate::new().should_compress(&response)
    {
        return response;
    }
    let Some(accepted) = accepted.filter(|_| !response.body().is_end_stream()) else {
        response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
        return response;
    };
    let status = response.status();
    let mut request = Request::new(());
    *request.headers_mut() = accepted;
    let mut response = Some(response);
    let answered =
        service_fn(move |_| ready(Ok::<_, Infallible>(response.take().unwrap_or_default())));
    let Ok(compressed) = Compression::new(answered).quality(LEVEL).oneshot(request).await;
    let (mut parts, body) = compressed.into_parts();
    // Not 406 if it accepts nothing that there is: what was asked for may be done already.
    parts.status = status;
    if !parts.headers.contains_key(CONTENT_ENCODING) {
        return Response::from_parts(parts, Body::new(body));
    }
    let body = collect(body, length).await;
    Response::from_parts(parts, body)
}

/// How long the answer to a GET is. Unknown for one that is made while it is read.
fn length(response: &Response) -> Option<usize> {
    let declared = || response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    match response.body().size_hint().exact() {
        // That of an answer to HEAD.
        Some(0) => declared(),
        exact => exact.and_then(|length| usize::try_from(length).ok()),
    }
}

async fn collect(body: CompressionBody<Body>, length: usize) -> Body {
    let is_long = length > LONG;
    let _permit = if is_long { LONG_ANSWERS.acquire().await.ok() } else { None };
    let mut whole = Vec::with_capacity(length / 4);
    let mut body = pin!(body);
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        match frame {
            Ok(frame) => whole.extend_from_slice(frame.data_ref().map_or(&[], Bytes::as_ref)),
            // Breaks the connection, as the body itself would.
            Err(error) => {
                return Body::from_stream(futures_util::stream::once(ready(Err::<Bytes, _>(
                    error,
                ))));
            }
        }
        if is_long {
            tokio::task::yield_now().await;
        }
    }
    whole.into()
}
