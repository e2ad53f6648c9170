//! Refusals and faults as a page.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use protocol::FieldError;
use service::{Language, PageCache, RefusalText};

use super::frame::Frame;
use super::setup::Pages;
use super::texts::{ErrorTexts, PageTexts};

#[derive(Template)]
#[template(path = "error.html")]
struct Error<'a> {
    texts: &'a PageTexts,
    frame: Frame<'a>,
    title: &'a str,
    mensagem: &'a str,
    campos: &'a [FieldError],
}

pub(super) fn page(
    pages: &Pages,
    language: Language,
    status: StatusCode,
    refused: &RefusalText,
) -> Response {
    let texts = pages.page_texts(language);
    // These may pass by themselves, and the page is then shown.
    let passes = matches!(status.as_u16(), 503 | 504);
    let page = Error {
        texts,
        frame: pages.frame(passes.then_some(&pages.error_module), language),
        title: title(status, &texts.error),
        mensagem: &refused.mensagem,
        campos: &refused.campos,
    };
    pages.answer(status, &page, language, PageCache::Never)
}

fn title(status: StatusCode, texts: &ErrorTexts) -> &str {
    match status.as_u16() {
        401 | 403 => &texts.unauthorized,
        404 => &texts.not_found,
        409 => &texts.refused,
        429 => &texts.too_many,
        503 => &texts.unavailable,
        504 => &texts.late,
        400..500 => &texts.invalid,
        _ => &texts.fault,
    }
}
