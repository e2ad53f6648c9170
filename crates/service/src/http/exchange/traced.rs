//! A span for each request, named by OpenTelemetry's conventions for HTTP. It has no path: a placa may
//! be in one.

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind};

use super::access_log::name_of;
use crate::http::health::is_probe;
use crate::http::pages::is_file;
use crate::traces::{Parent, Tracer, in_trace};

/// Traces the requests of these routes, if traces are on: without them no layer is added.
pub fn trace_requests(router: Router, tracer: &Tracer) -> Router {
    if !tracer.is_on() {
        return router;
    }
    router.layer(from_fn_with_state(tracer.clone(), trace))
}

async fn trace(State(tracer): State<Tracer>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    if !is_traced(request.method(), route) {
        return next.run(request).await;
    }
    let span = || span(name_of(request.method()), route);
    let Some(trace) = tracer.begin(|| Parent::of_headers(request.headers()), span) else {
        return next.run(request).await;
    };
    let response = in_trace(Some(&trace), next.run(request)).await;
    let status = response.status().as_u16();
    trace.set(KeyValue::new("http.response.status_code", i64::from(status)));
    if status >= 500 {
        trace.set(KeyValue::new("error.type", status.to_string()));
        trace.set_failed();
    }
    trace.end();
    response
}

/// Probes come every few seconds, pages of other origins ask before they call, and pages have many
/// files.
fn is_traced(method: &Method, route: Option<&str>) -> bool {
    let is_frequent = |route| is_probe(route) || is_file(route);
    method != Method::OPTIONS && !route.is_some_and(is_frequent)
}

fn span(method: &'static str, route: Option<&str>) -> SpanBuilder {
    let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    let mut attributes = vec![
        KeyValue::new("http.request.method", if method == "other" { "_OTHER" } else { method }),
        KeyValue::new("url.scheme", "http"),
    ];
    attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
    SpanBuilder::from_name(name).with_kind(SpanKind::Server).with_attributes(attributes)
}
