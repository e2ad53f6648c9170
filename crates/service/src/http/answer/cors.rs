//! Which pages of other origins may call the API.

use std::str::FromStr;
use std::time::Duration;

use axum::http::header::{CONTENT_DISPOSITION, ETAG, LOCATION, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::failpoints::{Bug, has};
use crate::http::exchange::access_log::X_REQUEST_ID;
use crate::settings::{InvalidValue, Setting, list_items};
use crate::web_origin::WebOrigin;

pub const CORS_ORIGENS: Setting = Setting {
    name: "CORS_ORIGENS",
    default: Some("*"),
    should_be: "*, nothing, or origins separated by commas, for example https://app.example.com",
    about: "origins whose pages may read the answers; empty: none",
};

const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// How long a browser may keep the answer to a preflight; Chrome takes no more than two hours.
const MAX_AGE: Duration = Duration::from_secs(7200);

/// The origins that are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    None,
    Any,
    Only(Vec<HeaderValue>),
}

impl FromStr for CorsOrigins {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let origins: Vec<&str> = list_items(text).collect();
        match origins[..] {
            [] => Ok(Self::None),
            ["*"] => Ok(Self::Any),
            _ => origins.into_iter().map(origin).collect::<Result<_, _>>().map(Self::Only),
        }
    }
}

fn origin(text: &str) -> Result<HeaderValue, InvalidValue> {
    let origin: WebOrigin = text.parse()?;
    origin.as_str().try_into().map_err(|_| InvalidValue)
}

impl CorsOrigins {
    /// Answers preflights, and tells browsers which pages may read an answer. Never with
    /// credentials: a page sends its token itself.
    pub(in crate::http) fn layer(&self) -> Option<CorsLayer> {
        let origins = match self {
            Self::None => return None,
            Self::Any => AllowOrigin::any(),
            // The header then does not depend on the request, so answers to unreadable ones have it too.
            Self::Only(origins) => match origins.as_slice() {
                [origin] => AllowOrigin::exact(origin.clone()),
                origins => AllowOrigin::list(origins.iter().cloned()),
            },
        };
        let layer = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(METHODS)
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([X_REQUEST_ID, RETRY_AFTER, ETAG, LOCATION, CONTENT_DISPOSITION])
            .max_age(MAX_AGE)
            .vary([ORIGIN]);
        if has(Bug::SharedCredentials) {
            let everyone = layer.allow_origin(AllowOrigin::mirror_request());
            return Some(everyone.allow_credentials(true));
        }
        Some(layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        let only = |origins: &[&'static str]| {
            Ok(CorsOrigins::Only(origins.iter().map(|one| HeaderValue::from_static(one)).collect()))
        };
        for (text, read) in [
            ("", Ok(CorsOrigins::None)),
            ("*", Ok(CorsOrigins::Any)),
            ("https://app.example.com", only(&["https://app.example.com"])),
            ("HTTPS://App.example.com:443", only(&["https://app.example.com"])),
            (
                "http://localhost:5173, http://127.0.0.1:80",
                only(&["http://localhost:5173", "http://127.0.0.1"]),
            ),
            ("http://[::1]:8080 http://[::1]", only(&["http://[::1]:8080", "http://[::1]"])),
            ("http://[0:0:0:0:0:0:0:1]:5173", only(&["http://[::1]:5173"])),
            ("https://a\r\nhttps://b\r\n", only(&["https://a", "https://b"])),
            ("capacitor://localhost,", only(&["capacitor://localhost"])),
            ("https://app.example.com/", Err(InvalidValue)),
            ("https://app.example.com/page", Err(InvalidValue)),
            ("app.example.com", Err(InvalidValue)),
            ("https://", Err(InvalidValue)),
            ("https://a:65536", Err(InvalidValue)),
            ("https://*.example.com", Err(InvalidValue)),
            ("https://a, *", Err(InvalidValue)),
            ("https://é.com", Err(InvalidValue)),
            ("null", Err(InvalidValue)),
        ] {
            assert_eq!(text.parse(), read, "{text}");
        }
    }
}
