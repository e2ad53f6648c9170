//! JSON bodies: what is declared about them, and their bytes.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use protocol::{BadMessage, Codigo, Fields, read_body};

use super::body_text::{is_readable, to_utf8};
use super::content_coding::{Coding, Undecodable};
use super::receive::{content_type, receive};
use super::wrong_parts::no_query;
use crate::http::{HttpError, both_parts};

/// The longest body. The largest that a route needs is below 2 KiB.
pub(in crate::http) const MAX_BODY: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(10);

/// A body that is declared as JSON and not too long. Its text is in UTF-8 and without a byte order
/// mark, however it was coded.
pub struct JsonBody {
    text: Bytes,
    /// An error if there is a query and the route takes none.
    query: Result<(), HttpError>,
}

impl JsonBody {
    /// The fields of the body.
    ///
    /// # Errors
    /// Not a JSON object, or wrong fields: all of them are named, and the parameters of a query that
    /// the route does not take.
    pub fn read<T: Fields>(self) -> Result<T, HttpError> {
        self.read_by(read_body)
    }

    /// The same, for fields that have a reader of their own.
    ///
    /// # Errors
    /// What [`Self::read`] has, and what the reader finds.
    pub fn read_by<T>(
        self,
        reader: impl FnOnce(&[u8]) -> Result<T, BadMessage>,
    ) -> Result<T, HttpError> {
        both_parts(self.query, reader(&self.text)).map(|((), fields)| fields)
    }

    /// Whether it is empty or `null`.
    pub(in crate::http) fn is_nothing(&self) -> bool {
        matches!(self.text.trim_ascii(), b"" | b"null")
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = HttpError;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, HttpError> {
        let query = no_query(request.extensions_mut());
        match text_of_body(request).await {
            Ok(text) => Ok(Self { text, query }),
            Err(wrong) => both_parts(query, Err(wrong)).map(|((), body)| body),
        }
    }
}

async fn text_of_body(request: Request) -> Result<Bytes, HttpError> {
    // A body is refused by its head before it is asked for with `100 Continue`.
    let declared = DeclaredBody::of(request.headers())?;
    let too_long = || HttpError::general(Codigo::CorpoGrandeDemais);
    let coded = receive(request, MAX_BODY, BODY_LIMIT, too_long, not_json).await?;
    let plain = declared.coding.decode(coded, MAX_BODY).map_err(|error| match error {
        Undecodable::TooLong => too_long(),
        Undecodable::Other(coding) => not_json(&format!("o corpo não está em {coding}")),
        Undecodable::Damaged(coding) => {
            not_json(&format!("o corpo em {coding} está incompleto ou danificado"))
        }
    })?;
    to_utf8(plain, declared.charset.as_deref()).map_err(|reason| not_json(&reason))
}

fn not_json(reason: &str) -> HttpError {
    BadMessage::NotJson(reason.to_owned()).into()
}

/// What the head says of the body.
struct DeclaredBody {
    coding: Coding,
    charset: Option<String>,
}

impl DeclaredBody {
    /// # Errors
    /// It is declared as something that is not read.
    fn of(headers: &HeaderMap) -> Result<Self, HttpError> {
        let (media_type, parameters) = content_type(headers);
        if !is_json(media_type) {
            return Err(HttpError::general(Codigo::TipoNaoSuportado));
        }
        let charset = parameters.split(';').find_map(charset).map(str::to_ascii_lowercase);
        if let Some(charset) = charset.as_deref().filter(|charset| !is_readable(charset)) {
            let shown: String = charset.chars().take(40).collect();
            let mensagem = format!("O charset {shown:?} não é lido. Envie o corpo em UTF-8.");
            return Err(HttpError::new(Codigo::TipoNaoSuportado, mensagem));
        }
        let coding = Coding::declared(headers)?;
        Ok(Self { coding, charset })
    }
}

/// Whether it names JSON. A type must be given, and none of those that a page of another origin may
/// send without a preflight is JSON, so that CORS decides about every body.
fn is_json(media_type: &str) -> bool {
    let Some((kind, subtype)) = media_type.split_once('/') else {
        return false;
    };
    let (kind, subtype) = (kind.to_ascii_lowercase(), subtype.to_ascii_lowercase());
    match kind.as_str() {
        "application" => subtype == "json" || subtype.ends_with("+json"),
        "text" => subtype == "json",
        _ => false,
    }
}

/// The charset that a parameter of `Content-Type` names.
fn charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim().trim_matches(['"', '\'']).trim();
    (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
}
