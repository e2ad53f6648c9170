//! What is wrong with the part of a request that its route does not take, as an extension of the
//! request: the extractor of the other part names all wrong fields together.

use axum::http::Extensions;

use crate::http::HttpError;

/// There is a query, and the route takes a body alone.
#[derive(Clone)]
pub(in crate::http) struct WrongQuery(pub(in crate::http) HttpError);

/// There is a body, and the route takes a query alone.
#[derive(Clone)]
pub(in crate::http) struct WrongBody(pub(in crate::http) HttpError);

/// # Errors
/// There is a query that the route does not take.
pub(in crate::http) fn no_query(extensions: &mut Extensions) -> Result<(), HttpError> {
    extensions.remove().map_or(Ok(()), |WrongQuery(wrong)| Err(wrong))
}

/// # Errors
/// There is a body that the route does not take.
pub(in crate::http) fn no_body(extensions: &mut Extensions) -> Result<(), HttpError> {
    extensions.remove().map_or(Ok(()), |WrongBody(wrong)| Err(wrong))
}
