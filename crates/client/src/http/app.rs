//! The app that calls, where gateways ask for tokens.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use protocol::AppId;
use service::Caller;

/// `None` where everybody may call.
pub(super) struct App(pub(super) Option<AppId>);

impl<S: Sync> FromRequestParts<S> for App {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let caller = parts.extensions.get::<Caller>();
        Ok(Self(caller.and_then(|caller| caller.name.parse().ok())))
    }
}
