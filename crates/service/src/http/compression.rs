//! Compressed answers.

use std::convert::Infallible;
use std::future::ready;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, VARY};
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use protocol::Codigo;
use tokio::sync::Semaphore;
use tower::{ServiceExt as _, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::Compression;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _};

use super::HttpError;

/// Shorter answers fit into one packet anyway.
const MIN_LENGTH: usize = 1025;
/// Longer answers are compressed a piece at a time, between which others have their turn.
const LONG: usize = 64 * 1024;
/// Less than a millisecond's work.
const PIECE: usize = 32 * 1024;
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
    let (parts, body) = response.into_parts();
    let is_long = length > LONG;
    let _permit = if is_long { LONG_ANSWERS.acquire().await.ok() } else { None };
    let body = match to_bytes(body, usize::MAX).await {
        Ok(whole) if is_long => in_pieces(whole),
        Ok(whole) => whole.into(),
        Err(_) => return HttpError::general(Codigo::ErroInterno).into_response(),
    };
    let mut answer = Some(Response::from_parts(parts, body));
    let answered =
        service_fn(move |_| ready(Ok::<_, Infallible>(answer.take().unwrap_or_default())));
    let mut request = Request::new(());
    *request.headers_mut() = accepted;
    let Ok(compressed) = Compression::new(answered).quality(LEVEL).oneshot(request).await;
    let (mut compressed, body) = compressed.into_parts();
    let whole = to_bytes(Body::new(body), usize::MAX).await.unwrap_or_default();
    // Not 406 if the caller accepts none of them: what was asked for may be done already.
    compressed.status = status;
    Response::from_parts(compressed, whole.into())
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

/// The same body in pieces. Others have their turn before each.
fn in_pieces(whole: Bytes) -> Body {
    Body::from_stream(stream::unfold(whole, async |mut rest| {
        if rest.is_empty() {
            return None;
        }
        tokio::task::yield_now().await;
        let piece = rest.split_to(rest.len().min(PIECE));
        Some((Ok::<_, Infallible>(piece), rest))
    }))
}
