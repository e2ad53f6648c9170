//! Who may call what. Every route is either public or protected, and the routes of the second kind
//! are reached only through [`guard`]: no handler looks at a token.

mod attempts;
mod credentials;
mod own_pages;
mod roles;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use protocol::Codigo;

pub use credentials::MAX_TOKEN;
pub use own_pages::is_page_of_this_machine;
pub(super) use own_pages::{FETCH_SITE, check_own_page, foreign_page};
pub use roles::{Caller, Role};
pub(in crate::http) use tokens::forget_found;
pub use tokens::{Token, Tokens, missing_token};

use super::HttpError;
use super::exchange::access_log::CalledBy;

/// The name of every caller where no tokens are asked for; an audit has it too.
pub const ANYBODY: &str = "aberto";

/// The routes of a program.
pub struct Routes {
    pub public: Router,
    pub protected: Router,
}

/// Who may pass to the protected routes.
#[derive(Clone)]
pub enum Access {
    Everybody,
    /// Callers with one of these.
    Tokens(Arc<Tokens>),
    /// Programs, and in browsers the program's own pages. This holds for the public routes too.
    OwnPages,
}

impl Access {
    /// Which caller it is.
    ///
    /// # Errors
    /// It may not pass.
    fn admit(&self, request: &mut Request) -> Result<Option<Caller>, HttpError> {
        match self {
            Self::Everybody => Ok(None),
            Self::Tokens(tokens) => tokens.admit(request).map(Some),
            Self::OwnPages => Ok(Some(Caller { name: ANYBODY.to_owned(), role: Role::Operador })),
        }
    }
}

/// Lets a request pass to its route, if its caller may.
pub(super) async fn guard(
    access: &Access,
    mut request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let caller = match access.admit(&mut request) {
        Ok(None) => return next(request).await,
        Ok(Some(caller)) => caller,
        Err(error) => return error.into_response(),
    };
    let called_by = CalledBy(caller.name.clone());
    let mut response = match caller.role {
        Role::Leitura if !request.method().is_safe() => forbidden(),
        _ => {
            request.extensions_mut().insert(caller);
            next(request).await
        }
    };
    response.extensions_mut().insert(called_by);
    response
}

fn forbidden() -> Response {
    let mensagem =
        "Este token tem o papel leitura, e esta chamada precisa de um com o papel operador.";
    HttpError::new(Codigo::NaoAutorizado, mensagem).into_response()
}

/// For protected routes that only an operator may call, also to read.
pub async fn operators_only(request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        Some(Caller { role: Role::Leitura | Role::App, .. }) => forbidden(),
        _ => next.run(request).await,
    }
}
