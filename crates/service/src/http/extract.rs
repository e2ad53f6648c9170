//! Bodies and paths, with refusals in our error shape.

use axum::body::Bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use protocol::{BadMessage, FieldError};
use serde::de::DeserializeOwned;

use super::HttpError;

/// How long a body may take to come; meanwhile it holds one of the places for requests.
const BODY_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// The bytes of a body that is declared as JSON and not too long.
pub struct RawJson(pub Bytes);

/// Parts of the path.
pub struct Path<T>(pub T);

fn is_json(request: &Request) -> bool {
    let declared = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    let Some((kind, subtype)) = essence.split_once('/') else {
        return false;
    };
    let subtype = subtype.to_ascii_lowercase();
    kind.eq_ignore_ascii_case("application") && (subtype == "json" || subtype.ends_with("+json"))
}

impl<S: Send + Sync> FromRequest<S> for RawJson {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        if !is_json(&request) {
            return Err(HttpError::not_json_type());
        }
        let body = tokio::time::timeout(BODY_LIMIT, Bytes::from_request(request, state)).await;
        match body.map_err(|_| HttpError::slow_body())? {
            Ok(body) => Ok(Self(body)),
            Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))) => {
                Err(HttpError::body_too_large())
            }
            Err(_) => Err(HttpError::broken_body()),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(path)) => Ok(Self(path)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                Err(wrong_segment(error.kind()))
            }
            Err(_) => Err(HttpError::internal()),
        }
    }
}

fn wrong_segment(kind: &ErrorKind) -> HttpError {
    let value = match kind {
        ErrorKind::ParseErrorAtKey { value, .. }
        | ErrorKind::ParseErrorAtIndex { value, .. }
        | ErrorKind::ParseError { value, .. } => value.as_str(),
        _ => "",
    };
    let campo = match kind {
        ErrorKind::ParseErrorAtKey { key, .. } | ErrorKind::InvalidUtf8InPathParam { key } => key,
        _ => "id",
    };
    let mensagem = match kind {
        ErrorKind::InvalidUtf8InPathParam { .. } => "deve ser texto em UTF-8".to_owned(),
        _ => format!("deve ser um número inteiro, mas veio {value:?}"),
    };
    BadMessage::Fields(vec![FieldError { campo: campo.to_owned(), mensagem }]).into()
}
