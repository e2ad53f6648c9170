//! Compressed answers.

use std::convert::Infallible;
use std::future::ready;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use protocol::Codigo;
use tokio::sync::Semaphore;
use tower::{ServiceExt as _, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::Compression;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _};

use crate::http::HttpError;

/// Shorter answers fit into one packet anyway.
const MIN_LENGTH: u64 = 1025;
/// Longer answers are compressed on a thread of their own: that takes milliseconds, for which a
/// worker thread would keep other requests waiting.
const MAX_SHORT_ANSWER: u64 = 64 * 1024;
/// How many of these at a time: each needs memory, and more would be no faster.
static LONG_ANSWERS: Semaphore = Semaphore::const_new(4);
/// Of gzip and of br. Higher levels take more time than sending the longer answer.
const LEVEL: CompressionLevel = CompressionLevel::Precise(2);

/// The `Accept-Encoding` of a request, if it has one.
pub(in crate::http) fn accepted(headers: &HeaderMap) -> Option<HeaderMap> {
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
pub(in crate::http) async fn compress(
    mut response: Response,
    accepted: Option<HeaderMap>,
) -> Response {
    // Unknown for an answer that is made while it is read.
    let length = response.body().size_hint().exact().unwrap_or_default();
    if length < MIN_LENGTH {
        return response;
    }
    if response.headers().contains_key(CONTENT_ENCODING)
        || !DefaultPredicate::new().should_compress(&response)
    {
        return response;
    }
    let Some(accepted) = accepted else {
        vary_by_encoding(response.headers_mut());
        return response;
    };
    // Few answers are compressed, and the future of every request is as long as its longest part.
    Box::pin(compress_whole(response, length, accepted)).await
}

async fn compress_whole(response: Response, length: u64, accepted: HeaderMap) -> Response {
    let (parts, body) = response.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else {
        return HttpError::general(Codigo::ErroInterno).into_response();
    };
    let response = Response::from_parts(parts, whole.into());
    if length <= MAX_SHORT_ANSWER {
        return run(response, accepted);
    }
    let permit = LONG_ANSWERS.acquire().await;
    let work = move || {
        let response = run(response, accepted);
        drop(permit);
        response
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| HttpError::general(Codigo::ErroInterno).into_response())
}

fn vary_by_encoding(headers: &mut HeaderMap) {
    if headers.get_all(VARY).iter().all(|names| names != "accept-encoding") {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// Compresses an answer whose body is complete.
fn run(response: Response, accepted: HeaderMap) -> Response {
    let status = response.status();
    let mut response = Some(response);
    let answered =
        service_fn(move |_| ready(Ok::<_, Infallible>(response.take().unwrap_or_default())));
    let mut request = Request::new(());
    *request.headers_mut() = accepted;
    let compressed = async {
        let Ok(compressed) = Compression::new(answered).quality(LEVEL).oneshot(request).await;
        let (mut parts, body) = compressed.into_parts();
        // Not 406 if the caller accepts none of them: what was asked for may be done already.
        parts.status = status;
        to_bytes(Body::new(body), usize::MAX)
            .await
            .map(|body| Response::from_parts(parts, body.into()))
    };
    match compressed.now_or_never() {
        Some(Ok(compressed)) => compressed,
        _ => HttpError::general(Codigo::ErroInterno).into_response(),
    }
}
