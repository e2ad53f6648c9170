//! What the pages of both programs share: their files, the headers of a page, the language.

mod assets;
mod language;
mod page;

pub use assets::{Asset, Assets};
pub use language::Language;
pub use page::{PageCache, PageHeaders};

/// Whether this is the route of files that pages load, or of `/docs`, which has many too.
pub(super) fn is_file(route: &str) -> bool {
    route.starts_with("/docs") || route.starts_with("/static/")
}
