//! Who changes something, for the audit.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use protocol::Codigo;
use service::{Caller, HttpError};

use crate::store::Author;

/// The caller of a protected route.
pub(super) struct By(pub(super) Author);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        let caller = parts.extensions.get::<Caller>();
        // A route that is not protected has none.
        let missing = || HttpError::new(Codigo::ErroInterno, "Erro interno.");
        caller.map(|caller| Self(Author::Caller(caller.name.clone()))).ok_or_else(missing)
    }
}
