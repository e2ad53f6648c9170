//! The header `Idempotency-Key`: a repeat with the same key has no second effect.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use protocol::{AppId, BadMessage, FieldError, KeyedCall, RequestId, ServerId};
use service::failpoints::{Bug, has};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// A shorter one may be guessed, and with it the `request_id` of the reserva.
const MIN_KEY: usize = 16;
const MAX_KEY: usize = 255;

/// The key of a request, if it has one.
pub(super) struct Key<'a>(Option<&'a str>);

/// The values of `Idempotency-Key` alone: an argument of all headers would copy them.
pub(super) struct KeyHeaders(Vec<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for KeyHeaders {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(IDEMPOTENCY_KEY).iter().cloned().collect()))
    }
}

impl KeyHeaders {
    /// # Errors
    /// There are several, or one that is none.
    pub(super) fn key(&self) -> Result<Key<'_>, BadMessage> {
        match self.0.as_slice() {
            [] => Ok(Key(None)),
            [key] => Key::read(key.to_str().unwrap_or_default()),
            _ => Err(wrong()),
        }
    }
}

/// The header as the document shows it. It has no example: Swagger UI would send that with every
/// request, so that all of them were one, under a key that everybody knows.
pub(super) struct KeyHeader;

impl IntoParams for KeyHeader {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![parameter()]
    }
}

fn parameter() -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    let schema = schema.min_length(Some(MIN_KEY)).max_length(Some(MAX_KEY));
    let description =
        "Torna a repetição segura. Um valor aleatório, novo para cada pedido: um UUID";
    ParameterBuilder::new()
        .name(IDEMPOTENCY_KEY)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn wrong() -> BadMessage {
    BadMessage::Fields(vec![FieldError {
        campo: IDEMPOTENCY_KEY.to_owned(),
        mensagem: format!(
            "deve vir uma vez só, com {MIN_KEY} a {MAX_KEY} caracteres ASCII visíveis; use um valor \
             aleatório, como um UUID"
        ),
    }])
}

impl<'a> Key<'a> {
    /// The key that a form has, if it has one. Together with what was typed into the form it stands for
    /// a request: a browser that goes back shows the form with its old key, and what is typed then is
    /// another request.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn of(text: &'a str) -> Result<Self, BadMessage> {
        if text.is_empty() { Ok(Self(None)) } else { Self::read(text) }
    }

    fn read(text: &'a str) -> Result<Self, BadMessage> {
        let text = text.trim();
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let min = if has(Bug::ShortKeys) { 1 } else { MIN_KEY };
        let is_right = (min..=MAX_KEY).contains(&text.len()) && visible;
        if is_right { Ok(Self(Some(text))) } else { Err(wrong()) }
    }

    /// The id that it stands for, by which the servidor recognises a repeat through whichever
    /// gateway it comes; without a key a new one.
    pub(super) fn request_id(
        &self,
        app: Option<&AppId>,
        call: KeyedCall,
        server_id: &ServerId,
    ) -> RequestId {
        let app = app.map(AppId::as_str);
        let id = |key| RequestId::from_idempotency_key(app, call, server_id, key);
        self.0.map_or_else(RequestId::new, id)
    }

    /// The id that it stands for together with what was typed.
    pub(super) fn request_id_of_form(
        &self,
        app: Option<&AppId>,
        call: KeyedCall,
        server_id: &ServerId,
        typed: &str,
    ) -> RequestId {
        let key = self.0.map(|key| format!("{key}\n{typed}"));
        Key(key.as_deref()).request_id(app, call, server_id)
    }
}
