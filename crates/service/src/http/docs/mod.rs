//! `/docs`, `/openapi.json` and `/asyncapi.json`.
//!
//! Nothing here is an absolute URL, so that all of it works behind a reverse proxy that serves a
//! program under a prefix.

mod complete;
mod errors;
mod examples;
mod headers;
mod invalid;
mod operations;
mod security;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use protocol::Codigo;
use serde::Serialize;
use tokio::task::spawn_blocking;
use tracing::error;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

pub use complete::complete_document;
pub use security::{accept_token, refuse_foreign_pages, require_token};

use super::HttpError;
use super::answer::security_headers::of_docs;

/// As the page sees it, which is one level below.
const OPENAPI: &str = "../openapi.json";

/// The documentation of a program's routes.
pub struct Documentation {
    /// The operations as their handlers declare them, with which requests are compared.
    pub operations: OpenApi,
    /// Makes `/openapi.json`, which takes some MiB of memory for a moment.
    pub document: fn() -> OpenApi,
}

/// The routes of the documents and of the page that shows one.
pub(super) fn pages(documentation: &Documentation) -> Router {
    // A token is not kept: it would stay in the browser, in clear, after its user has gone.
    let config = Arc::new(Config::new([OPENAPI]).persist_authorization(false));
    let title: Arc<str> = documentation.operations.info.title.as_str().into();
    let page = move |path: Option<Path<String>>| {
        let path = path.map_or_else(String::new, |Path(path)| path);
        let (config, title) = (Arc::clone(&config), Arc::clone(&title));
        async move { file(&path, config, &title) }
    };
    Router::new()
        .route("/openapi.json", document(documentation.document))
        .route("/asyncapi.json", document(protocol::asyncapi))
        .route("/docs", get(async || (StatusCode::SEE_OTHER, [(LOCATION, "docs/")])))
        .route("/docs/", get(page.clone()))
        .route("/docs/{*path}", get(page))
}

/// A document, made when it is first asked for, because most programs are never asked, and kept.
fn document<T: Serialize + 'static>(make: fn() -> T) -> MethodRouter {
    let kept: Arc<OnceLock<Option<Bytes>>> = Arc::default();
    get(async move || {
        let json = match kept.get() {
            Some(json) => json.clone(),
            // To make it takes some 20 ms, in which a worker thread would answer nobody. The document is
            // kept even if this request ends before.
            None => spawn_blocking(move || kept.get_or_init(|| written(&make())).clone())
                .await
                .unwrap_or_default(),
        };
        let json = json.ok_or_else(|| HttpError::general(Codigo::ErroInterno))?;
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
        Ok::<_, HttpError>((headers, json))
    })
}

fn written(document: &impl Serialize) -> Option<Bytes> {
    let json = serde_json::to_vec(document);
    let json = json.inspect_err(|error| error!(%error, "a document cannot be written as JSON"));
    json.ok().map(Bytes::from)
}

/// A file of Swagger UI.
fn file(path: &str, config: Arc<Config<'static>>, title: &str) -> Response {
    let found = match utoipa_swagger_ui::serve(path, config) {
        Ok(Some(found)) => found,
        Ok(None) => return HttpError::general(Codigo::RotaInexistente).into_response(),
        Err(_) => return HttpError::general(Codigo::ErroInterno).into_response(),
    };
    let bytes = match found.bytes {
        Cow::Borrowed(page) if found.content_type == "text/html" && !found.gzpipped => {
            Bytes::from(in_portuguese(&String::from_utf8_lossy(page), title))
        }
        Cow::Borrowed(file) => Bytes::from_static(file),
        Cow::Owned(file) => Bytes::from(file),
    };
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::from_str(&found.content_type) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if found.gzpipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if found.content_type == "text/html" {
        of_docs(&mut response);
    }
    response
}

/// What browsers and screen readers learn from the page itself: its language and its title.
fn in_portuguese(page: &str, title: &str) -> String {
    let page = page.replace("<html lang=\"en\">", "<html lang=\"pt-BR\">");
    page.replace("<title>Swagger UI</title>", &format!("<title>{title}</title>"))
}
