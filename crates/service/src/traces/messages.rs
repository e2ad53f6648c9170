//! Spans of messages, named by OpenTelemetry's conventions for messaging.

use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{SpanBuilder, SpanKind};
use protocol::{RequestId, topics};

use super::parent::Parent;
use super::trace::Trace;
use super::tracer::Tracer;

/// What a span says about a message.
#[derive(Debug, Clone, Copy)]
pub struct SpanMessage<'a> {
    /// The path of its kind without ids, as `postos/reserva`: spans of one name are compared.
    pub kind: &'a str,
    pub topic: &'a str,
    pub request_id: Option<&'a RequestId>,
}

/// How a message arrived.
#[derive(Debug, Clone, Copy)]
pub struct MessageArrival<'a> {
    /// The user property that came with it.
    pub traceparent: Option<&'a str>,
    /// `None`: now.
    pub at: Option<SystemTime>,
}

impl SpanMessage<'_> {
    /// Of a message that arrived `at` this time.
    fn span_since(self, at: Option<SystemTime>, operation: &'static str) -> SpanBuilder {
        let span = self.span(operation, SpanKind::Consumer);
        at.into_iter().fold(span, SpanBuilder::with_start_time)
    }

    fn span(self, operation: &'static str, kind: SpanKind) -> SpanBuilder {
        let mut attributes = vec![
            KeyValue::new("messaging.system", "mqtt"),
            KeyValue::new("messaging.operation.name", operation),
            KeyValue::new("messaging.destination.name", topics::loggable(self.topic).into_owned()),
        ];
        if let Some(request_id) = self.request_id {
            attributes.push(KeyValue::new("request_id", request_id.as_str().to_owned()));
        }
        let name = format!("{operation} {}", self.kind);
        SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes)
    }
}

impl Trace {
    /// Of a message that is handed to the bus now, until the broker has it.
    pub fn publish(&self, message: SpanMessage<'_>) -> Option<BoxedSpan> {
        self.leaf(|| message.span("publish", SpanKind::Producer))
    }
}

impl Tracer {
    /// Of the work that a message asks for, from its arrival on.
    pub fn process(&self, message: SpanMessage<'_>, arrival: MessageArrival<'_>) -> Option<Trace> {
        let parent = || Parent::of_message(arrival.traceparent);
        self.begin(parent, || message.span_since(arrival.at, "process"))
    }

    /// Of an answer, from its arrival until now. Without the trace that it is part of, it has none.
    pub fn receive(&self, message: SpanMessage<'_>, arrival: MessageArrival<'_>) {
        let Parent::Remote(parent) = Parent::of_message(arrival.traceparent) else { return };
        let received = self.continued(parent, || message.span_since(arrival.at, "receive"));
        if let Some(received) = received {
            received.end();
        }
    }
}
