//! Which operations need a token.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi};

use super::errors;
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

/// The same of a document whose operations need a token only where the program has been set so.
pub fn accept_token(openapi: &mut OpenApi) {
    for (_, operation) in openapi.paths.paths.values_mut().flat_map(operations) {
        let token = SecurityRequirement::new(TOKEN, [""; 0]);
        operation.security = Some(vec![SecurityRequirement::default(), token]);
    }
}

/// Says of every operation that a program without tokens refuses pages of other origins there.
pub fn refuse_foreign_pages(openapi: &mut OpenApi) {
    for (_, operation) in openapi.paths.paths.values_mut().flat_map(operations) {
        let needs_token = needs_token(operation);
        errors::add_foreign_page(operation, needs_token);
    }
}

/// Whether a token is looked at.
pub(super) fn takes_token(operation: &Operation) -> bool {
    operation.security.as_ref().is_some_and(|security| !security.is_empty())
}

/// Whether there is no way without a token.
pub(super) fn needs_token(operation: &Operation) -> bool {
    let without = SecurityRequirement::default();
    takes_token(operation) && operation.security.iter().flatten().all(|way| *way != without)
}

/// Says of every other operation that it needs none, and what a token is where one is taken.
pub(super) fn describe(openapi: &mut OpenApi) {
    let mut is_taken = false;
    for (_, operation) in openapi.paths.paths.values_mut().flat_map(operations) {
        operation.security.get_or_insert_default();
        is_taken |= takes_token(operation);
    }
    openapi.security = Some(Vec::new());
    if is_taken {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.description = Some("`Authorization: Bearer TOKEN`".to_owned());
        let components = openapi.components.get_or_insert_with(Components::new);
        components.add_security_scheme(TOKEN, SecurityScheme::Http(http));
    }
}
