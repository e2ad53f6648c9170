//! What a browser shows and runs without a network.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use service::{Language, PageCache};

use super::frame::Frame;
use super::setup::Pages;
use super::texts::PageTexts;

/// The service worker, which has the path of the assets in place of this.
const WORKER: &str = include_str!("../../../pages/sw.js");
const ASSETS_PATH: &str = "ASSETS_PATH";

#[derive(Template)]
#[template(path = "offline.html")]
struct Offline<'a> {
    texts: &'a PageTexts,
    frame: Frame<'a>,
}

pub(super) async fn show(State(pages): State<Arc<Pages>>, language: Language) -> Response {
    let page = Offline {
        texts: pages.page_texts(language),
        frame: pages.frame(Some(&pages.offline_module), language),
    };
    pages.answer(StatusCode::OK, &page, language, PageCache::Revalidated)
}

/// The service worker. It is of the root, because a worker controls only what is below it.
pub(super) async fn worker(State(pages): State<Arc<Pages>>) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        // What the worker itself fetches.
        (CONTENT_SECURITY_POLICY, "default-src 'none'; script-src 'self'; connect-src 'self'"),
    ];
    (headers, WORKER.replacen(ASSETS_PATH, &pages.assets.path(), 1)).into_response()
}
