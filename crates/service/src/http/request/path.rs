//! One spelling for each path.

use axum::http::header::LOCATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};

/// Pages that are typed with a slash at the end. What a page loads is relative to its address: that of
/// /docs is the one with the slash, that of the others the one without, to which it leads.
const FOLDERS: &[&str] = &["/docs/", "/offline/", "/painel/", "/posto/", "/reserva/"];

/// Removes what callers put into a path by joining it carelessly: doubled slashes and one at the
/// end. Everything after this sees the same path: routes, limits, log. What is percent-encoded
/// stays, so `%2F` and `%2E` are never separators.
///
/// Returns how many slashes it has removed at the end.
pub(in crate::http) fn normalize<B>(request: &mut Request<B>) -> usize {
    let path = request.uri().path();
    if !path.contains("//") && (!path.ends_with('/') || path.len() == 1) {
        return 0;
    }
    let slashes = trailing_slashes(path);
    let mut plain = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !part.is_empty()) {
        plain.push('/');
        plain.push_str(part);
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_folder =
        is_read && FOLDERS.iter().any(|folder| folder.strip_suffix('/') == Some(&plain));
    if slashes > 0 && is_folder || plain.is_empty() {
        plain.push('/');
    }
    let removed = slashes - trailing_slashes(&plain);
    if let Some(query) = request.uri().query() {
        plain.push('?');
        plain.push_str(query);
    }
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(plain).ok();
    if let Ok(plain) = Uri::from_parts(parts) {
        *request.uri_mut() = plain;
    }
    removed
}

fn trailing_slashes(path: &str) -> usize {
    path.len() - path.trim_end_matches('/').len()
}

/// Makes a relative `Location` right for a caller whose path had `removed` more slashes at its end. All
/// that the programs answer are relative.
pub(in crate::http) fn restore_location(headers: &mut HeaderMap, removed: usize) {
    let Some(location) = headers.get(LOCATION) else { return };
    let as_typed = [b"../".repeat(removed).as_slice(), location.as_bytes()].concat();
    if let Ok(location) = HeaderValue::from_bytes(&as_typed) {
        headers.insert(LOCATION, location);
    }
}

/// The route of a page with a slash at its end, which leads to the page without.
pub fn without_slash<S: Clone + Send + Sync + 'static>() -> MethodRouter<S> {
    get(async |uri: Uri| -> Response {
        let page = uri.path().trim_matches('/');
        let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
        let address = format!("../{page}{query}");
        (StatusCode::PERMANENT_REDIRECT, [(LOCATION, address)]).into_response()
    })
}
