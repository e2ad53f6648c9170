//! A collector of traces that takes OTLP over HTTP, and can be as ill as real ones are at times.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, status::StatusCode as SpanStatus};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::eventually;

/// What it does with what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// It answers 500.
    Failing,
    /// It reads and never answers.
    Silent,
    /// It answers success, and that it has refused some.
    Refusing,
}

#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    /// Empty if it has none.
    pub(crate) parent: String,
    /// Nanoseconds since 1970.
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attributes: BTreeMap<String, String>,
    /// Of the program that it is of.
    pub(crate) resource: BTreeMap<String, String>,
    pub(crate) has_failed: bool,
    /// Ids of other traces and of spans in them.
    pub(crate) links: Vec<(String, String)>,
    /// Names and times.
    pub(crate) events: Vec<(String, u64)>,
}

impl Span {
    /// `service.name` and `service.instance.id`.
    pub(crate) fn program(&self) -> (&str, &str) {
        (&self.resource["service.name"], &self.resource["service.instance.id"])
    }

    pub(crate) fn is_within(&self, other: &Self) -> bool {
        other.start <= self.start && self.end <= other.end
    }
}

struct Shared {
    health: Mutex<Health>,
    requests: Mutex<usize>,
    spans: Mutex<Vec<Span>>,
}

pub(crate) struct Collector {
    port: u16,
    shared: Arc<Shared>,
    _serving: AbortOnDropHandle<()>,
}

impl Collector {
    pub(crate) async fn start(health: Health) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            health: Mutex::new(health),
            requests: Mutex::default(),
            spans: Mutex::default(),
        });
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&shared));
        let serving = async { axum::serve(listener, router).await.expect("it serves") };
        Self { port, shared, _serving: AbortOnDropHandle::new(tokio::spawn(serving)) }
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn become_(&self, health: Health) {
        *self.shared.health.lock() = health;
    }

    /// How many batches it was sent.
    pub(crate) fn requests(&self) -> usize {
        *self.shared.requests.lock()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.shared.spans.lock().clone()
    }

    pub(crate) fn trace(&self, trace_id: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.trace_id == trace_id).collect()
    }

    /// Waits until a trace has so many spans of so many names, and returns all that it has then.
    pub(crate) async fn wait_for(&self, trace_id: &str, expected: &[(&str, usize)]) -> Vec<Span> {
        let is_complete = |spans: &[Span]| {
            let count = |name| spans.iter().filter(|span| span.name == name).count();
            expected.iter().all(|(name, number)| count(*name) >= *number)
        };
        eventually(&format!("the spans of trace {trace_id}"), async || {
            is_complete(&self.trace(trace_id))
        })
        .await;
        self.trace(trace_id)
    }
}

async fn take(State(shared): State<Arc<Shared>>, body: Bytes) -> (StatusCode, Vec<u8>) {
    *shared.requests.lock() += 1;
    let health = *shared.health.lock();
    match health {
        Health::Well => {}
        Health::Failing => return (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
        Health::Silent => std::future::pending().await,
        Health::Refusing => {
            let error_message = "too many\nspans".to_owned();
            let partial_success =
                Some(ExportTracePartialSuccess { rejected_spans: 1, error_message });
            let answer = ExportTraceServiceResponse { partial_success };
            return (StatusCode::OK, answer.encode_to_vec());
        }
    }
    let request = ExportTraceServiceRequest::decode(body).expect("an OTLP request");
    let mut spans = shared.spans.lock();
    for of_resource in request.resource_spans {
        let resource = attributes(of_resource.resource.expect("a resource").attributes);
        for of_scope in of_resource.scope_spans {
            spans.extend(of_scope.spans.into_iter().map(|span| read(span, &resource)));
        }
    }
    (StatusCode::OK, Vec::new())
}

fn read(span: OtlpSpan, resource: &BTreeMap<String, String>) -> Span {
    let failed = SpanStatus::Error as i32;
    let links = span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id)));
    Span {
        name: span.name,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        resource: resource.clone(),
        links: links.collect(),
        has_failed: span.status.is_some_and(|status| status.code == failed),
        events: span.events.into_iter().map(|one| (one.name, one.time_unix_nano)).collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value| match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => panic!("unexpected value {other:?}"),
    };
    let pairs = pairs.into_iter().map(|pair| {
        let value = pair.value.and_then(|value| value.value).expect("a value");
        (pair.key, text(value))
    });
    pairs.collect()
}
