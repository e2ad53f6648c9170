//! The trace that a task works for.

use std::sync::Arc;

use futures_util::future::Either;
use opentelemetry::context::FutureExt as _;
use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{SpanBuilder, SpanContext, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use protocol::{ReplyCodigo, RequestId};

/// A place in a trace: a span, and what makes further ones. Spans that begin here are its children.
#[derive(Debug, Clone)]
pub struct Trace(Context);

impl Trace {
    /// Of the task that asks, if it is traced.
    pub fn current() -> Option<Self> {
        Context::map_current(|context| context.has_active_span().then(|| Self(context.clone())))
    }

    /// A span of its own, whose parent is that of `context`.
    pub(super) fn begin(context: &Context, tracer: &Arc<BoxedTracer>, span: SpanBuilder) -> Self {
        let begun = tracer.build_with_context(span, context);
        Self(context.with_value(Arc::clone(tracer)).with_span(begun))
    }

    pub(super) fn at(span: SpanContext, tracer: &Arc<BoxedTracer>) -> Self {
        Self(Context::new().with_value(Arc::clone(tracer)).with_remote_span_context(span))
    }

    /// A child, which is a place in the trace too. It is not named if it is not exported.
    pub fn child(&self, name: impl FnOnce() -> String) -> Self {
        match self.tracer() {
            Some(tracer) if self.is_sampled() => {
                let span = tracer.build_with_context(SpanBuilder::from_name(name()), &self.0);
                Self(self.0.with_span(span))
            }
            _ => self.clone(),
        }
    }

    /// A child without children. One that is not exported has an id and nothing else.
    pub(super) fn leaf(&self, span: impl FnOnce() -> SpanBuilder) -> Option<BoxedSpan> {
        let span = if self.is_sampled() { span() } else { SpanBuilder::default() };
        Some(self.tracer()?.build_with_context(span, &self.0))
    }

    /// No sampler exports a part of a trace that it has not chosen.
    fn is_sampled(&self) -> bool {
        self.0.span().span_context().is_sampled()
    }

    fn tracer(&self) -> Option<&Arc<BoxedTracer>> {
        self.0.get()
    }

    /// Adds an attribute to the span.
    pub(crate) fn set(&self, attribute: KeyValue) {
        self.0.span().set_attribute(attribute);
    }

    pub fn set_request_id(&self, request_id: &RequestId) {
        self.set(KeyValue::new("request_id", request_id.as_str().to_owned()));
    }

    pub fn set_server_id(&self, server_id: &str) {
        self.set(KeyValue::new("server_id", server_id.to_owned()));
    }

    /// The code of the error that the work ended with. As of an HTTP status, only what is no caller's
    /// fault makes the span a failed one.
    pub fn set_codigo(&self, codigo: ReplyCodigo) {
        self.set(KeyValue::new("codigo", codigo.to_string()));
        if codigo.http_status() >= 500 {
            self.set(KeyValue::new("error.type", codigo.to_string()));
            self.0.span().set_status(Status::error(""));
        }
    }

    pub(crate) fn set_failed(&self) {
        self.0.span().set_status(Status::error(""));
    }

    /// Ends the span, also where other tasks still have this place in the trace.
    pub fn end(&self) {
        self.0.span().end();
    }
}

/// Has work done in a trace, if there is one: `Trace::current` is this one meanwhile.
pub fn in_trace<F: Future>(
    trace: Option<&Trace>,
    work: F,
) -> impl Future<Output = F::Output> + use<F> {
    match trace {
        Some(trace) => Either::Left(work.with_context(trace.0.clone())),
        None => Either::Right(work),
    }
}

/// The id of the current trace, if its spans are exported.
pub(crate) fn sampled_id() -> Option<String> {
    Context::map_current(|context| {
        if !context.has_active_span() {
            return None;
        }
        let span = context.span();
        let found = span.span_context();
        found.is_sampled().then(|| found.trace_id().to_string())
    })
}
