//! What is wrong with the part of a request that its route does not take, as an extension of the
//! request: the extractor of the other part names all wrong fields together.

use axum::http::Extensions;

use super::HttpError;

/// There is a query, and the route takes a body alone.
#[derive(Clone)]
pub(super) struct WrongQuery(pub(super) HttpError);

/// There is a body, and the route takes a query alone.
#[derive(Clone)]
pub(super) struct WrongBody(pub(super) HttpError);

/// # Errors
/// There is a query that the route does not take.
pub(super) fn no_query(extensions: &mut Extensions) -> Result<(), HttpError> {
    extensions.remove().map_or(Ok(()), |WrongQuery(wrong)| Err(wrong))
}

/// # Errors
/// There is a body that the route does not take.
pub(super) fn no_body(extensions: &mut Extensions) -> Result<(), HttpError> {
    extensions.remove().map_or(Ok(()), |WrongBody(wrong)| Err(wrong))
}
