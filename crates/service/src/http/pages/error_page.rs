//! Refusals of pages, which people read.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::FieldError;
use serde::Deserialize;

use super::Language;

/// What a refusal says to a person, whatever its `codigo`: that of a newer servidor may be unknown.
#[derive(Debug, Deserialize)]
pub struct RefusalText {
    pub mensagem: String,
    #[serde(default)]
    pub campos: Vec<FieldError>,
}

/// Makes a page of a refusal.
pub(in crate::http) type ErrorPage =
    Arc<dyn Fn(Language, StatusCode, &RefusalText) -> Response + Send + Sync>;

/// Answers a page, if there is one, in place of each refusal in the one error shape, where a browser
/// asks for a page. Status and headers stay, and what is logged and counted of it.
pub(in crate::http) async fn show_errors(
    page: Option<&ErrorPage>,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let page = page.filter(|_| takes_pages(request.headers()));
    let Some(page) = page else { return next(request).await };
    let language = Language::of(request.headers());
    let response = next(request).await;
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|of| of == "application/json");
    if response.status().as_u16() < 400 || !is_json {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Ok(refused) = serde_json::from_slice(&body) else {
        // The answer to HEAD, or one that is long enough to be compressed.
        return Response::from_parts(head, body.into());
    };
    let (shown, page) = page(language, head.status, &refused).into_parts();
    head.headers.remove(CONTENT_LENGTH);
    for (name, value) in &shown.headers {
        head.headers.insert(name, value.clone());
    }
    Response::from_parts(head, page)
}

/// Whether a request is for a page that is shown: browsers then name its type.
fn takes_pages(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT).iter().filter_map(|list| list.to_str().ok());
    let mut ranges = lists.flat_map(|list| list.split(',')).map(|range| range.split(';').next());
    ranges.any(|range| range.is_some_and(|range| range.trim().eq_ignore_ascii_case("text/html")))
}
