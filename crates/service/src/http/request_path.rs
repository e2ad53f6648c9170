//! One spelling for each path.

use axum::http::header::LOCATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};

/// Pages that are typed with a slash at the end. What a page loads is relative to its address: that of
/// /docs is the one with the slash, that of the others the one without, to which it leads.
const FOLDERS: &[&str] = &["/docs/", "/painel/", "/posto/", "/reserva/"];

/// Removes what callers put into a path by joining it carelessly: doubled slashes and one at the
/// end. Everything after this sees the same path: routes, limits, log. What is percent-encoded
/// stays, so `%2F` and `%2E` are never separators.
///
/// Returns how many slashes it has removed at the end.
pub(super) fn normalize(uri: &mut Uri) -> usize {
    let path = uri.path();
    if !path.contains("//") && (!path.ends_with('/') || path.len() == 1) {
        return 0;
    }
    let typed = trailing_slashes(path);
    let mut plain = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !part.is_empty()) {
        plain.push('/');
        plain.push_str(part);
    }
    let is_folder = FOLDERS.iter().any(|folder| folder.strip_suffix('/') == Some(&plain));
    if typed > 0 && is_folder || plain.is_empty() {
        plain.push('/');
    }
    let removed = typed - trailing_slashes(&plain);
    if let Some(query) = uri.query() {
        plain.push('?');
        plain.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(plain).ok();
    if let Ok(plain) = Uri::from_parts(parts) {
        *uri = plain;
    }
    removed
}

fn trailing_slashes(path: &str) -> usize {
    path.len() - path.trim_end_matches('/').len()
}

/// Makes a relative `Location` right for the caller, whose path has had so many slashes more at its end.
pub(super) fn relate_location(headers: &mut HeaderMap, removed: usize) {
    let Some(Ok(location)) = headers.get(LOCATION).map(HeaderValue::to_str) else { return };
    let from_typed = "../".repeat(removed) + location;
    if let Ok(location) = HeaderValue::from_str(&from_typed) {
        headers.insert(LOCATION, location);
    }
}

/// The route of a page with a slash at its end, which leads to that page.
pub fn without_slash<S: Clone + Send + Sync + 'static>(page: &'static str) -> MethodRouter<S> {
    get(async move |uri: Uri| -> Response {
        let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
        let address = format!("../{page}{query}");
        (StatusCode::PERMANENT_REDIRECT, [(LOCATION, address)]).into_response()
    })
}
