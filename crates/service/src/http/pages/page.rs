//! An answer that is a page, and JSON inside of one.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::Language;
use crate::http::answer::security_headers::{CROSS_ORIGIN_OPENER_POLICY, PERMISSIONS_POLICY};

/// The page may ask where its reader is.
const OWN_POSITION: HeaderValue =
    HeaderValue::from_static("camera=(), geolocation=(self), microphone=(), payment=(), usb=()");

/// The one script that is written into each page, before all that the page loads: it loads again what
/// could not be loaded. In a file of its own it could be what is missing.
pub const LOAD_AGAIN: &str = include_str!("load_again.js");

/// How long a page may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageCache {
    /// It is asked for again each time it is opened.
    Revalidated,
    /// It is about a person, and kept nowhere.
    Never,
}

/// The headers of the pages of one program.
#[derive(Debug, Clone)]
pub struct PageHeaders {
    policy: HeaderValue,
    referrer: HeaderValue,
}

impl PageHeaders {
    /// Pages run only [`LOAD_AGAIN`] and what the program itself serves. They load nothing else but
    /// pictures from `pictures`, an origin, if there is one. An origin that cannot be written into a
    /// header is left out.
    pub fn new(pictures: Option<&str>) -> Self {
        let fits = |origin: &&str| {
            origin.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/[]".contains(&byte))
        };
        let pictures = pictures.filter(fits);
        // With no-referrer, browsers send `Origin: null` with the page's own forms. Those who serve
        // pictures of maps want to know which site shows them; they learn no path.
        let referrer = HeaderValue::from_static(match pictures {
            Some(_) => "strict-origin-when-cross-origin",
            None => "same-origin",
        });
        let own = "'self' data:";
        let pictures = pictures.map_or(own.to_owned(), |origin| format!("{own} {origin}"));
        let written = STANDARD.encode(Sha256::digest(LOAD_AGAIN));
        let policy = format!(
            "default-src 'none'; script-src 'self' 'sha256-{written}'; style-src 'self'; img-src {pictures}; \
             connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
             form-action 'self'; frame-ancestors 'none'"
        );
        let none = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        Self { policy: HeaderValue::from_str(&policy).unwrap_or(none), referrer }
    }

    /// The answer that this page is.
    pub fn answer(
        &self,
        status: StatusCode,
        html: String,
        language: Language,
        cache: PageCache,
    ) -> Response {
        let mut response = (status, html).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(PERMISSIONS_POLICY, OWN_POSITION);
        headers.insert(REFERRER_POLICY, self.referrer.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-language"));
        let cache = match cache {
            PageCache::Revalidated => "no-cache",
            PageCache::Never => "no-store",
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        response
    }
}

/// JSON that ends no `script` element that it is written into: of the syntax of HTML, nothing but `<`
/// does that, or begins a comment in it.
pub fn json_in_page(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(pictures: Option<&str>, cache: PageCache) -> Response {
        let headers = PageHeaders::new(pictures);
        headers.answer(StatusCode::OK, "<p>é</p>".to_owned(), Language::Portuguese, cache)
    }

    #[test]
    fn a_page_runs_and_loads_nothing_that_is_not_its_own() {
        let response = page(None, PageCache::Revalidated);
        let header = |name| response.headers()[name].to_str().expect("a text");
        let (scripts, others) = header("content-security-policy")
            .strip_prefix("default-src 'none'; script-src 'self' 'sha256-")
            .and_then(|rest| rest.split_once("'; "))
            .expect("its scripts");
        assert_eq!(scripts.len(), 44, "SHA-256 in base64");
        assert_eq!(
            others,
            "style-src 'self'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; \
             worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        );
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        assert_eq!(header("content-language"), "pt-BR");
        assert_eq!(header("cache-control"), "no-cache");
        assert_eq!(header("vary"), "accept-language");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert!(header("permissions-policy").contains("geolocation=(self)"));
        let about_a_person = page(None, PageCache::Never);
        assert_eq!(about_a_person.headers()[CACHE_CONTROL], "no-store");
    }

    #[test]
    fn pictures_may_come_from_one_more_origin() {
        for (pictures, sources) in [
            ("https://tile.example.com", "img-src 'self' data: https://tile.example.com;"),
            ("http://[::1]:8080", "img-src 'self' data: http://[::1]:8080;"),
            ("https://a; script-src *", "img-src 'self' data:;"),
            ("https://a *", "img-src 'self' data:;"),
        ] {
            let response = page(Some(pictures), PageCache::Never);
            let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().expect("a text");
            assert!(policy.contains(sources), "{policy}");
            let referrer = match sources.contains("http") {
                true => "strict-origin-when-cross-origin",
                false => "same-origin",
            };
            assert_eq!(response.headers()[REFERRER_POLICY], referrer, "{pictures}");
        }
    }

    #[test]
    fn texts_do_not_end_the_script_that_they_are_in() {
        assert_eq!(json_in_page(r#"{"a":"</script>"}"#), r#"{"a":"\u003c/script>"}"#);
    }
}
