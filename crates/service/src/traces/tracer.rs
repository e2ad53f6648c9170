//! What one program makes its spans with.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{
    Link, SpanBuilder, SpanContext, TraceContextExt as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::export;
use super::parent::Parent;
use super::settings::TraceSettings;
use super::trace::Trace;

/// Traces cannot be exported as they are set up.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent to {endpoint}: {reason}")]
pub struct TraceError {
    endpoint: String,
    reason: String,
}

/// Makes and exports the spans of one program. Clones share it; the default is off.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<ActiveTracer>);

#[derive(Debug, Clone)]
struct ActiveTracer {
    provider: SdkTracerProvider,
    tracer: Arc<BoxedTracer>,
    /// A request is part of its sender's trace, which decides whether it is traced.
    by_parent: bool,
}

impl Tracer {
    /// Of the program that this field names. Must be called within a tokio runtime, which the spans
    /// are exported by.
    ///
    /// # Errors
    /// A variable that the exporter reads itself is wrong, or the machine has no root certificates for
    /// an `https` endpoint.
    pub fn start(
        settings: Option<&TraceSettings>,
        (id_field, id): (&'static str, &str),
    ) -> Result<Self, TraceError> {
        let Some(settings) = settings else { return Ok(Self::default()) };
        let processor =
            export::processor(&settings.endpoint, settings.headers.0.clone(), settings.batches)
                .map_err(|reason| TraceError {
                    endpoint: settings.endpoint.as_str().to_owned(),
                    reason,
                })?;
        let resource = Resource::builder_empty()
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_service_name(settings.service_name.clone())
            .with_attributes(
                ["service.instance.id", id_field].map(|key| KeyValue::new(key, id.to_owned())),
            )
            .with_attribute(KeyValue::new("service.version", crate::VERSION))
            .with_attributes(settings.attributes.0.clone());
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(settings.sampling.sampler())
            .with_resource(resource.build())
            .build();
        let tracer = Arc::new(BoxedTracer::new(Box::new(provider.tracer("postos"))));
        let by_parent = settings.sampling.by_parent;
        Ok(Self(Some(ActiveTracer { provider, tracer, by_parent })))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A span of this program for work that it was asked for; `None` if nothing is traced.
    pub(crate) fn begin(
        &self,
        parent: impl FnOnce() -> Parent,
        span: impl FnOnce() -> SpanBuilder,
    ) -> Option<Trace> {
        let ActiveTracer { tracer, by_parent, .. } = self.0.as_ref()?;
        let (context, span) = match parent() {
            Parent::Unsampled if *by_parent => return None,
            Parent::Remote(parent) if *by_parent => return self.continued(parent, span),
            // A trace of its own: a sampler by ratio decides by the id, which a sender could choose.
            Parent::Remote(parent) => {
                (Context::new(), span().with_links(vec![Link::with_context(parent)]))
            }
            Parent::None | Parent::Unsampled => (Context::new(), span()),
        };
        Some(Trace::begin(&context, tracer, span))
    }

    /// A span of this program in a trace that it is part of.
    pub(super) fn continued(
        &self,
        parent: SpanContext,
        span: impl FnOnce() -> SpanBuilder,
    ) -> Option<Trace> {
        let context = Context::new().with_remote_span_context(parent);
        Some(Trace::begin(&context, &self.0.as_ref()?.tracer, span()))
    }

    /// A place in a trace of this program whose span may have ended.
    pub fn at(&self, span: Option<&SpanContext>) -> Option<Trace> {
        Some(Trace::at(span?.clone(), &self.0.as_ref()?.tracer))
    }

    /// Exports the last spans, for at most `limit`. Spans that end later are dropped.
    pub async fn end(&self, limit: Duration) {
        let Some(ActiveTracer { provider, .. }) = self.0.clone() else { return };
        let ending = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(limit));
        if !ending.await.is_ok_and(|ended| ended.is_ok()) {
            tracing::warn!("the collector did not take the last spans in time");
        }
    }
}
