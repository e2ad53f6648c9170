//! Bodies, paths and queries, refused in the one error shape.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{self, FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use futures_util::future::poll_immediate;
use protocol::{BadMessage, Codigo, FieldError, Fields, Scalar, read_parameters};
use serde::de::DeserializeOwned;

use super::HttpError;
use super::connection::Connection;
use super::in_flight::InFlight;

/// How long a body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(10);

/// The bytes of a body that is declared as JSON and not too long.
pub struct RawJson(pub Bytes);

/// The parameters in the path of a route, none of which is checked further.
pub struct Path<T>(pub T);

/// The parameters of a route, in its path or in the query, as declared with [`protocol::fields!`].
/// Others are wrong.
pub struct Params<T>(pub T);

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
            return Err(HttpError::general(Codigo::TipoNaoSuportado));
        }
        let incomplete = |reason: &str| Err(BadMessage::NotJson(reason.to_owned()).into());
        let connection = request.extensions().get::<Arc<Connection>>().cloned();
        let in_flight = request.extensions().get::<InFlight>().cloned();
        let mut body = pin!(tokio::time::timeout(BODY_LIMIT, Bytes::from_request(request, state)));
        // It mostly arrives with the head.
        let body = if let Some(body) = poll_immediate(&mut body).await {
            body
        } else {
            if let Some(connection) = &connection {
                connection.wait_for_body();
            }
            in_flight.iter().for_each(InFlight::pause);
            let body = body.await;
            if let Some(connection) = &connection {
                connection.begin_answer();
            }
            in_flight.iter().try_for_each(InFlight::resume)?;
            body
        };
        match body {
            Ok(Ok(body)) => Ok(Self(body)),
            Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(HttpError::general(Codigo::CorpoGrandeDemais))
            }
            // The connection broke, or the body is not framed as HTTP says.
            Ok(Err(_)) => incomplete("não chegou inteiro"),
            Err(_) => incomplete("não chegou em 10 segundos"),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let read = extract::Path::from_request_parts(parts, state).await;
        read.map(|extract::Path(path)| Self(path)).map_err(|rejection| wrong_path(&rejection))
    }
}

impl<S: Send + Sync, T: Fields> FromRequestParts<S> for Params<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let path = extract::Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let path = match path {
            Ok(extract::Path(path)) => path,
            // The route has none.
            Err(PathRejection::MissingPathParams(_)) => Vec::new(),
            Err(rejection) => return Err(wrong_path(&rejection)),
        };
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(query) = query.map_err(|_| wrong_query())?;
        Ok(Self(read_parameters(&query, &path)?))
    }
}

pub(super) fn wrong_query() -> HttpError {
    wrong_field("query", "deve ser nome=valor&nome=valor, em UTF-8".to_owned())
}

fn wrong_path(rejection: &PathRejection) -> HttpError {
    let PathRejection::FailedToDeserializePathParams(error) = rejection else {
        return HttpError::general(Codigo::ErroInterno);
    };
    let (campo, value) = match error.kind() {
        ErrorKind::InvalidUtf8InPathParam { key } => {
            return wrong_field(key, "deve ser texto em UTF-8".to_owned());
        }
        ErrorKind::ParseErrorAtKey { key, value, .. } => (key.as_str(), value.as_str()),
        ErrorKind::ParseErrorAtIndex { value, .. } | ErrorKind::ParseError { value, .. } => {
            ("id", value.as_str())
        }
        _ => ("id", ""),
    };
    // A path names one thing in one way: digits alone.
    let wrong = Scalar::Untyped(value).integer().err();
    let digits = || "deve ser um número inteiro, escrito só com algarismos".to_owned();
    wrong_field(campo, wrong.map_or_else(digits, |wrong| wrong.0))
}

fn wrong_field(campo: &str, mensagem: String) -> HttpError {
    BadMessage::Fields(vec![FieldError { campo: campo.to_owned(), mensagem }]).into()
}
