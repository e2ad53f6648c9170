//! Answers that need not be sent again to a caller who has them.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::Codigo;
use serde::Serialize;
use tracing::error;
use twox_hash::XxHash3_128;

use crate::http::HttpError;

/// Names the content of an answer: the same content has the same tag, at any program and after any
/// restart.
///
/// Weak: the answers differ in their `request_id`, and may be compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(HeaderValue);

impl ETag {
    /// The tag of this content, its parts one after the other. The hash is XXH3 with 128 bits: two
    /// contents have the same by chance once in 2^128. Only the operator whose list it is could
    /// make two such on purpose, and that operator could as well publish a false list.
    pub fn of(content: &[&[u8]]) -> Self {
        let mut hash = XxHash3_128::new();
        content.iter().for_each(|part| hash.write(part));
        let text = format!("W/\"{:032x}\"", hash.finish_128());
        // Hexadecimal digits are valid in a header.
        Self(HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("W/\"\"")))
    }

    /// Whether the caller has this content, by its `If-None-Match`.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let asked = || headers.get_all(IF_NONE_MATCH).iter().map(HeaderValue::as_bytes);
        let (_, own) = split_tag(self.0.as_bytes()).unwrap_or_default();
        asked().any(|list| list.trim_ascii() == b"*")
            || asked().flat_map(Tags).any(|tag| tag == own)
    }
}

/// The opaque parts of a list of tags, of weak ones and strong ones alike, as far as it is a list.
///
/// The crate `headers`, which has this too, needs more of `httpdate` than our patch of it has.
struct Tags<'a>(&'a [u8]);

impl<'a> Iterator for Tags<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|byte| !b" \t,".contains(byte))?;
        let (rest, tag) = split_tag(&self.0[start..])?;
        self.0 = rest;
        Some(tag)
    }
}

/// What follows the first tag of a list, and the opaque part of that.
fn split_tag(list: &[u8]) -> Option<(&[u8], &[u8])> {
    let quoted = list.strip_prefix(b"W/").unwrap_or(list).strip_prefix(b"\"")?;
    let end = quoted.iter().position(|byte| *byte == b'"')?;
    Some((&quoted[end + 1..], &quoted[..end]))
}

/// What can be written as JSON, with the tag of that.
pub fn json_with_etag(headers: &HeaderMap, content: &impl Serialize) -> Response {
    match serde_json::to_vec(content) {
        Ok(json) => answer_with_etag(headers, &ETag::of(&[&json]), || json.into()),
        Err(error) => {
            error!(%error, "an answer cannot be written as JSON");
            HttpError::general(Codigo::ErroInterno).into_response()
        }
    }
}

/// A JSON answer with its tag; `304` without the body if the caller has it. The caller must ask
/// again each time.
pub fn answer_with_etag(headers: &HeaderMap, etag: &ETag, body: impl FnOnce() -> Body) -> Response {
    let mut response = if etag.is_known(headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (json, body()).into_response()
    };
    let answered = response.headers_mut();
    answered.insert(ETAG, etag.0.clone());
    answered.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answered.insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_of_the_content_alone() {
        let etag = ETag::of(&[br#"{"id":5}"#]);
        assert_eq!(etag, ETag::of(&[br#"{"id":"#, b"5}"]));
        assert_ne!(etag, ETag::of(&[br#"{"id":6}"#]));
        // As any program of any version must have it.
        assert_eq!(ETag::of(&[]).0, "W/\"99aa06d3014798d86001c324468d497f\"");
    }

    /// `If-None-Match`, in one header or several, where `T` stands for the tag without `W/`.
    #[test]
    fn a_caller_says_what_it_has() {
        let etag = ETag::of(&[b"[]"]);
        let strong = etag.0.to_str().expect("a text").trim_start_matches("W/").to_owned();
        for (asked, known) in [
            (&[][..], false),
            (&["W/T"], true),
            (&["T"], true),
            (&["*"], true),
            (&[" * "], true),
            (&["\"a\", W/T"], true),
            (&["\"a\",W/\"b\" , T,"], true),
            (&["\"a\"", "W/T"], true),
            (&["W/T", "\"a\""], true),
            (&["\"a, b\", T"], true),
            (&["W/\"a\""], false),
            (&["\"a\"", "\"b\""], false),
            (&[""], false),
            (&["w/T"], false),
            (&["nonsense"], false),
            (&["nonsense, T"], false),
            (&["\"T"], false),
            (&["T,\t W/\"\u{e9}\""], true),
        ] {
            let mut headers = HeaderMap::new();
            for value in asked {
                let value = value.replace('T', &strong).parse().expect("a header");
                headers.append(IF_NONE_MATCH, value);
            }
            let response = answer_with_etag(&headers, &etag, || Body::from("{}"));
            let status = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
            assert_eq!(response.status(), status, "{asked:?}");
            let content_type = response.headers().contains_key(CONTENT_TYPE);
            assert_eq!(content_type, !known, "{asked:?}");
            for (name, value) in [
                (ETAG, etag.0.to_str().expect("a text")),
                (CACHE_CONTROL, "no-cache"),
                (VARY, "accept-encoding"),
            ] {
                assert_eq!(response.headers()[&name], value, "{asked:?}");
            }
        }
    }
}
