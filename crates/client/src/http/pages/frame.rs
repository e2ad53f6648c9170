//! What is around every page.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use protocol::Codigo;
use service::{HttpError, Language, PageCache};
use tracing::error;

use super::setup::Pages;
use super::texts::PageTexts;

/// What the layout shows.
pub(super) struct Frame<'a> {
    pub(super) language: Language,
    /// Where the files are that the page loads.
    pub(super) assets: String,
    /// Whether the page must ask for a token.
    pub(super) tokens: bool,
    pub(super) notices: Vec<String>,
    /// The texts of the modules, as JSON that can be inside of a script element.
    pub(super) script: &'a str,
}

impl Pages {
    pub(super) fn frame(&self, language: Language) -> Frame<'_> {
        Frame {
            language,
            assets: self.assets.path(),
            tokens: self.has_tokens,
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
                HttpError::new(
                    Codigo::ErroInterno,
                    "Erro interno. O registro do serviço tem a causa.",
                )
                .into_response()
            }
        }
    }
}
