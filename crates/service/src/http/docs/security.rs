//! Which operations need a token.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi};

use super::operations::operations;

/// As the Authorize button shows it.
const TOKEN: &str = "token";

/// Says of every operation of a document that it needs a token: a document of protected routes
/// only, before it is merged with that of public ones.
pub fn require_token(openapi: &mut OpenApi) {
    for (_, operation) in openapi.paths.paths.values_mut().flat_map(operations) {
        operation.security = Some(vec![SecurityRequirement::new(TOKEN, [""; 0])]);
    }
}

pub(super) fn needs_token(operation: &Operation) -> bool {
    operation.security.as_ref().is_some_and(|security| !security.is_empty())
}

/// Says of every other operation that it needs none, and what a token is where one is needed.
pub(super) fn describe(openapi: &mut OpenApi) {
    let mut is_needed = false;
    for (_, operation) in openapi.paths.paths.values_mut().flat_map(operations) {
        operation.security.get_or_insert_default();
        is_needed |= needs_token(operation);
    }
    openapi.security = Some(Vec::new());
    if is_needed {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.description = Some("`Authorization: Bearer TOKEN`".to_owned());
        let components = openapi.components.get_or_insert_with(Components::new);
        components.add_security_scheme(TOKEN, SecurityScheme::Http(http));
    }
}
