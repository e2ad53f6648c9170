//! The token of a request.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// Longer than any token that the programs make.
const MAX_TOKEN: usize = 512;

/// What follows `Bearer` in the one `Authorization` header of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let is_token = (1..=MAX_TOKEN).contains(&token.len()) && !token.contains([' ', '\t']);
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
}
