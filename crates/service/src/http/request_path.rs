//! One spelling for each path.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// Pages that are typed with a slash at the end. What a page loads is relative to its address: that of
/// /docs is the one with the slash, that of the painel the one without, to which it leads.
const FOLDERS: &[&str] = &["/docs/", "/painel/"];

/// Removes what callers put into a path by joining it carelessly: doubled slashes and one at the
/// end. Everything after this sees the same path: routes, limits, log. What is percent-encoded
/// stays, so `%2F` and `%2E` are never separators.
pub(super) fn normalize(uri: &mut Uri) {
    let path = uri.path();
    if !path.contains("//") && (!path.ends_with('/') || path.len() == 1) {
        return;
    }
    let mut plain = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !part.is_empty()) {
        plain.push('/');
        plain.push_str(part);
    }
    if path.ends_with('/') && FOLDERS.iter().any(|folder| folder.strip_suffix('/') == Some(&plain))
        || plain.is_empty()
    {
        plain.push('/');
    }
    if let Some(query) = uri.query() {
        plain.push('?');
        plain.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(plain).ok();
    if let Ok(plain) = Uri::from_parts(parts) {
        *uri = plain;
    }
}
