//! Paths and queries, refused in the one error shape.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{self, FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use protocol::{BadMessage, Codigo, FieldError, Fields, Scalar, read_parameters};
use serde::de::DeserializeOwned;

use super::wrong_parts::no_body;
use crate::http::{HttpError, both_parts};

/// The parameters in the path of a route, none of which is checked further.
pub struct Path<T>(pub T);

/// The parameters of a route, in its path or in the query, as declared with [`protocol::fields!`].
/// Others are wrong.
pub struct Params<T>(pub T);

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
        let body = no_body(&mut parts.extensions);
        let read = query_of(&parts.uri).and_then(|query| Ok(read_parameters(&query, &path)?));
        both_parts(read, body).map(|(parameters, ())| Self(parameters))
    }
}

/// The parameters of a query, as texts.
///
/// # Errors
/// They are not in UTF-8. `Query` alone would put other characters in place of what is not.
pub(in crate::http) fn query_of(uri: &Uri) -> Result<Vec<(String, String)>, HttpError> {
    let is_utf8 = percent_decode_str(uri.query().unwrap_or_default()).decode_utf8().is_ok();
    let query = Query::try_from_uri(uri).ok().filter(|_| is_utf8);
    let wrong = || wrong_field("query", "deve ser nome=valor&nome=valor, em UTF-8".to_owned());
    query.map(|Query(texts)| texts).ok_or_else(wrong)
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
    BadMessage::Fields(vec![FieldError::new(campo, mensagem)]).into()
}
