//! What is around every page.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use service::{HttpError, Language, PageCache};
use tracing::error;

use super::setup::{Module, Pages};
use super::texts::PageTexts;
use crate::error::GatewayError;

/// What the layout shows.
pub(super) struct Frame<'a> {
    pub(super) language: Language,
    /// Where the files are that the page loads.
    pub(super) assets: String,
    /// `None` of a page without a script.
    pub(super) module: Option<&'a Module>,
    /// Whether the page must ask for a token.
    pub(super) tokens: bool,
    /// Who cannot be reached. The modules replace these by what is so later.
    pub(super) outages: Vec<String>,
    pub(super) notices: Vec<String>,
    /// The texts of the modules, as JSON that can be inside of a script element.
    pub(super) script: &'a str,
}

impl Pages {
    pub(super) fn frame<'a>(&'a self, module: Option<&'a Module>, language: Language) -> Frame<'a> {
        Frame {
            language,
            assets: self.assets.path(),
            module,
            tokens: self.has_tokens,
            outages: Vec::new(),
            notices: Vec::new(),
            script: &self.texts(language).script,
        }
    }

    pub(super) fn page_texts(&self, language: Language) -> &PageTexts {
        &self.texts(language).page
    }

    /// The answer that this page is.
    pub(super) fn answer(
        &self,
        status: StatusCode,
        page: &impl Template,
        language: Language,
        cache: PageCache,
    ) -> Response {
        match page.render() {
            Ok(html) => self.headers.answer(status, html, language, cache),
            Err(error) => {
                error!(%error, "a page cannot be written");
                HttpError::from(GatewayError::Internal).into_response()
            }
        }
    }
}
