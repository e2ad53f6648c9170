//! Query parameters and bodies on routes that take none. Those of other routes are checked where
//! they are read. Where a route takes one of the two, its extractor names what is wrong with the
//! other too.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest as _, MatchedPath, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Uri};
use protocol::read_parameters;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use super::extract::query_of;
use super::wrong_parts::{WrongBody, WrongQuery};
use crate::http::health::is_probe;
use crate::http::{HttpError, JsonBody, both_parts};

/// What an operation takes, as its documentation says.
struct Takes {
    method: Method,
    query: bool,
    body: bool,
    /// The body is read as [`JsonBody`].
    json: bool,
}

/// The operations of each documented path. Pages and files have no documentation and take anything.
#[derive(Clone)]
pub(in crate::http) struct Documented(Arc<HashMap<String, Vec<Takes>>>);

impl Documented {
    pub(in crate::http) fn new(openapi: &OpenApi) -> Self {
        let paths = openapi.paths.paths.iter().filter(|(path, _)| !takes_anything(path));
        Self(Arc::new(paths.map(|(path, item)| (path.clone(), operations(path, item))).collect()))
    }

    /// Refuses a query and a body that the route does not take. Where the route takes one of the two,
    /// its extractor refuses the request, because only it knows what else is wrong.
    ///
    /// # Errors
    /// There is a parameter, or a body that is not empty, and no extractor refuses it.
    pub(in crate::http) async fn check(&self, mut request: Request) -> Result<Request, HttpError> {
        let path = request.extensions().get::<MatchedPath>();
        let operations = path.and_then(|path| self.0.get(path.as_str()));
        let mut operations = operations.into_iter().flatten();
        let Some(takes) = operations.find(|takes| takes.method == request.method()) else {
            return Ok(request);
        };
        let query = if takes.query { Ok(()) } else { without_query(request.uri()) };
        if !takes.body && !request.body().is_end_stream() {
            let (mut parts, body) = request.into_parts();
            // A body where none belongs is rare, and a future is as long as its longest part.
            match Box::pin(without_body(&parts, body)).await {
                Err(wrong) if takes.query && wrong.has_fields() => {
                    parts.extensions.insert(WrongBody(wrong));
                }
                read => {
                    both_parts(query.clone(), read)?;
                }
            }
            request = Request::from_parts(parts, Body::empty());
        }
        match query {
            Err(wrong) if takes.json => {
                request.extensions_mut().insert(WrongQuery(wrong));
            }
            read => read?,
        }
        Ok(request)
    }
}

/// Browsers and load balancers add parameters of their own to a page and to a probe.
pub(in crate::http) fn takes_anything(path: &str) -> bool {
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
        let json = match &operation.request_body {
            Some(RefOr::T(body)) => body.content.contains_key("application/json"),
            Some(RefOr::Ref(_)) | None => false,
        };
        Some(Takes { method, query, body, json })
    };
    operations.into_iter().filter_map(takes).collect()
}

fn without_query(uri: &Uri) -> Result<(), HttpError> {
    if uri.query().is_some() {
        read_parameters::<()>(&query_of(uri)?, &[])?;
    }
    Ok(())
}

/// Many programs send `{}` with every POST, and some call it a text.
async fn without_body(parts: &Parts, body: Body) -> Result<(), HttpError> {
    let mut parts = parts.clone();
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = JsonBody::from_request(Request::from_parts(parts, body), &()).await?;
    // `null` is how some write that there is none.
    if body.is_nothing() { Ok(()) } else { body.read::<()>() }
}
