//! What a request must fulfil before it reaches its route: a caller who may pass, and nothing that the
//! route does not take. It is behind the match of the route, so no spelling of a path leads past it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::http::request::unexpected::Documented;
use crate::http::{Access, access_control};

pub(in crate::http) struct Gate {
    pub(in crate::http) access: Access,
    pub(in crate::http) documented: Documented,
}

/// Lets a request pass to its route. Who may not pass learns nothing else of a request.
pub(in crate::http) async fn gate(
    State(parts): State<Arc<Gate>>,
    request: Request,
    next: Next,
) -> Response {
    let expected = async |request| match parts.documented.check(request).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    access_control::guard(&parts.access, request, expected).await
}
