//! Traces: which work one request causes in both programs, and how long each part of it takes
//! (OpenTelemetry). Off unless an endpoint is set: then there is no tracer, and a span is never made.
//!
//! Each program has its own [`Tracer`]. Where a request enters a program, [`Tracer`] begins a [`Trace`];
//! the work runs [`in_trace`], and code below adds spans to [`Trace::current`]. A span says what is done
//! and how it ends. It has ids and codes, and never a placa, a token or a body.

mod collector;
mod export;
mod messages;
mod parent;
mod sampling;
mod settings;
mod trace;
mod tracer;

pub use messages::{MessageArrival, SpanMessage};
pub(crate) use parent::Parent;
pub use settings::{
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE, OTEL_BSP_SCHEDULE_DELAY, OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_HEADERS, OTEL_RESOURCE_ATTRIBUTES, OTEL_SDK_DISABLED,
    OTEL_SERVICE_NAME, OTEL_TRACES_EXPORTER, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG,
    TraceSettings,
};
pub(crate) use trace::sampled_id;
pub use trace::{Trace, in_trace};
pub use tracer::{TraceError, Tracer};
