//! Query parameters and bodies on routes that take none. Those of other routes are checked where
//! they are read.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest as _, MatchedPath, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method};
use protocol::{read_body, read_parameters};
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use super::extract::query_of;
use super::health::is_probe;
use super::{HttpError, RawJson};

/// What an operation takes, as its documentation says.
struct Takes {
    method: Method,
    query: bool,
    body: bool,
}

/// The operations of each documented path. Pages and files have no documentation and take anything.
#[derive(Clone)]
pub(super) struct Documented(Arc<HashMap<String, Vec<Takes>>>);

impl Documented {
    pub(super) fn new(openapi: &OpenApi) -> Self {
        let paths = openapi.paths.paths.iter().filter(|(path, _)| !takes_anything(path));
        Self(Arc::new(paths.map(|(path, item)| (path.clone(), operations(path, item))).collect()))
    }

    /// Refuses what the route of the request does not take.
    ///
    /// # Errors
    /// There is a parameter, or a body that says something.
    pub(super) async fn refuse(&self, request: Request) -> Result<Request, HttpError> {
        let path = request.extensions().get::<MatchedPath>();
        let operations = path.and_then(|path| self.0.get(path.as_str()));
        let mut operations = operations.into_iter().flatten();
        let Some(takes) = operations.find(|takes| takes.method == request.method()) else {
            return Ok(request);
        };
        if !takes.query && request.uri().query().is_some() {
            read_parameters::<()>(&query_of(request.uri())?, &[])?;
        }
        if takes.body || request.body().is_end_stream() {
            Ok(request)
        } else {
            // A body where none belongs is rare, and a future is as long as its longest part.
            Box::pin(without_body(request)).await
        }
    }
}

/// Browsers and load balancers add parameters of their own to a page and to a probe.
pub(super) fn takes_anything(path: &str) -> bool {
    path == "/" || path == "/painel" || is_probe(path)
}

fn operations(path: &str, item: &PathItem) -> Vec<Takes> {
    // A handler declares all its parameters as those of a query; the path says which it has itself.
    let is_in_path = |name: &str| path.contains(&format!("{{{name}}}"));
    let operations = [
        (Method::GET, &item.get),
        (Method::HEAD, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
    ];
    let takes = |(method, operation): (Method, &Option<Operation>)| {
        let operation = operation.as_ref()?;
        let query = operation.parameters.iter().flatten().any(|parameter| match parameter {
            RefOr::T(parameter) => {
                parameter.parameter_in == ParameterIn::Query && !is_in_path(&parameter.name)
            }
            RefOr::Ref(_) => true,
        });
        // A body of a GET has no meaning, so it is ignored.
        let body = operation.request_body.is_some() || method.is_safe();
        Some(Takes { method, query, body })
    };
    operations.into_iter().filter_map(takes).collect()
}

/// The request without its body. Many programs send `{}` with every POST, and some call it a text.
async fn without_body(mut request: Request) -> Result<Request, HttpError> {
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, json);
    let (parts, body) = request.into_parts();
    let RawJson(body) =
        RawJson::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    // `null` is how some write that there is none.
    if !matches!(body.trim_ascii(), b"" | b"null") {
        read_body::<()>(&body)?;
    }
    Ok(Request::from_parts(parts, Body::empty()))
}
