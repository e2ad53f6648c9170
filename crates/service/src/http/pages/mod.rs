//! What the pages of both programs share: their files and forms, the headers of a page, the language,
//! refusals that people read.

mod assets;
mod error_page;
mod form;
mod language;
mod number_format;
mod page;

use axum::Router;

pub use assets::{Asset, Assets};
pub use error_page::RefusalText;
pub(super) use error_page::{ErrorPage, show_errors};
pub use form::PageForm;
pub(super) use form::read_form;
pub use language::Language;
pub use page::{LOAD_AGAIN, PageCache, PageHeaders, json_in_page};

/// The pages of a program and their files, which are for no page of another origin.
pub struct PageRoutes {
    pub public: Router,
    /// Forms are read before the guard, because a token may be in one.
    pub protected: Router,
    /// `None`: refusals are in the one error shape.
    pub error_page: Option<ErrorPage>,
}

/// Whether this is the path of a file that pages load, or its route.
pub(super) fn is_asset(path: &str) -> bool {
    path.starts_with("/static/") || path == "/sw.js"
}

/// Whether this is the route of such files, or of `/docs`, which has many too.
pub(super) fn is_file(route: &str) -> bool {
    route.starts_with("/docs") || is_asset(route)
}
