//! Exporting spans in batches, by a thread of its own. What becomes of them is logged when it changes,
//! and never for each batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry_otlp::{
    ExporterBuildError, RetryPolicy, SpanExporter as OtlpExporter, WithExportConfig as _,
    WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};
use parking_lot::Mutex;
use tracing::{info, warn};

use super::collector::{Collector, LastProblem, Problem};
use super::settings::{Batches, Endpoint, MAX_QUEUE};

/// A refusal so long after the one before it is logged as a first one.
const REFUSALS_END: Duration = Duration::from_secs(600);

/// Spans so far.
#[derive(Debug, Default)]
struct Counts {
    ended: AtomicU64,
    /// Given to the exporter.
    taken: AtomicU64,
    /// Known to be dropped.
    dropped: AtomicU64,
}

/// Spans that the collector has refused, since it began to.
#[derive(Debug, Default)]
struct Refusals {
    spans: u64,
    /// As the log has said.
    in_log: u64,
    latest: Option<Instant>,
}

/// A processor that never waits, and what it exports with.
pub(super) fn processor(
    endpoint: &Endpoint,
    headers: HeaderMap,
    batches: Batches,
) -> Result<impl SpanProcessor + 'static, String> {
    let counts = Arc::new(Counts::default());
    let problem = LastProblem::default();
    let exporter = exporter(endpoint, headers, &problem)?;
    let exporter = ReportingExporter {
        exporter,
        endpoint: endpoint.as_str().to_owned(),
        counts: Arc::clone(&counts),
        problem,
        reported: Mutex::default(),
        refusals: Mutex::default(),
        program: tracing::Span::current(),
    };
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(MAX_QUEUE)
        .with_max_export_batch_size(batches.size)
        .with_scheduled_delay(batches.delay)
        .build();
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    Ok(CountingProcessor { processor, counts })
}

/// What cannot be sent is dropped: a retry would hold up what comes after it.
fn exporter(
    endpoint: &Endpoint,
    headers: HeaderMap,
    problem: &LastProblem,
) -> Result<OtlpExporter, String> {
    let builder = || {
        let builder = OtlpExporter::builder().with_http().with_endpoint(endpoint.as_str());
        builder.with_retry_policy(RetryPolicy::disabled())
    };
    let problem = Arc::clone(problem);
    let built = if endpoint.is_tls() {
        let collector = Collector::tls(headers, problem).map_err(|error| error.to_string())?;
        builder().with_http_client(collector).build()
    } else {
        builder().with_http_client(Collector::plain(headers, problem)).build()
    };
    built.map_err(|error: ExporterBuildError| error.to_string())
}

/// Counts the spans that end: the processor drops those beyond its queue and reports nothing.
#[derive(Debug)]
struct CountingProcessor {
    processor: BatchSpanProcessor,
    counts: Arc<Counts>,
}

impl SpanProcessor for CountingProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.processor.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.counts.ended.fetch_add(1, Relaxed);
        self.processor.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processor.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.processor.set_resource(resource);
    }
}

#[derive(Debug)]
struct ReportingExporter<E> {
    exporter: E,
    endpoint: String,
    counts: Arc<Counts>,
    problem: LastProblem,
    /// Why the latest batch was not exported, as the log says.
    reported: Mutex<Option<String>>,
    refusals: Mutex<Refusals>,
    /// The log says which of several programs in one process it is.
    program: tracing::Span,
}

impl<E: SpanExporter> SpanExporter for ReportingExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let taken = self.counts.taken.fetch_add(batch.len() as u64, Relaxed) + batch.len() as u64;
        let outcome = self.exporter.export(batch).await;
        self.program.in_scope(|| {
            self.report(outcome.as_ref().err());
            self.report_dropped(taken);
        });
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E> ReportingExporter<E> {
    fn report(&self, error: Option<&OTelSdkError>) {
        let problem = self.problem.lock().take();
        let unanswered = match problem {
            // The others of them were taken, but this is no time to say so.
            Some(Problem::Refused { spans, reason }) => return self.report_refused(spans, &reason),
            Some(Problem::Unanswered(reason)) => Some(reason),
            None => None,
        };
        let reason = error.map(|error| match error {
            OTelSdkError::InternalFailure(reason) => unanswered.unwrap_or_else(|| reason.clone()),
            other => other.to_string(),
        });
        let mut reported = self.reported.lock();
        if *reported == reason {
            return;
        }
        let endpoint = &self.endpoint;
        match &reason {
            Some(reason) => warn!(endpoint, reason, "traces are lost: the collector takes none"),
            None => info!(endpoint, "the collector takes traces again"),
        }
        *reported = reason;
    }

    /// Says it the first time, and then when there are twice as many: a collector may refuse some spans
    /// of each batch. After a while without a refusal the next is a first one.
    fn report_refused(&self, spans: u64, reason: &str) {
        let mut refusals = self.refusals.lock();
        if refusals.latest.is_none_or(|latest| latest.elapsed() > REFUSALS_END) {
            *refusals = Refusals::default();
        }
        refusals.latest = Some(Instant::now());
        refusals.spans += spans;
        let spans = refusals.spans;
        if spans >= 2 * refusals.in_log {
            refusals.in_log = spans;
            let endpoint = &self.endpoint;
            warn!(endpoint, spans, reason, "traces are lost: the collector refuses spans");
        }
    }

    /// More have ended than were exported and fit in the queue.
    fn report_dropped(&self, taken: u64) {
        let Counts { ended, dropped, .. } = &*self.counts;
        let known = dropped.load(Relaxed);
        let missing = ended.load(Relaxed).saturating_sub(taken + known + MAX_QUEUE as u64);
        // Then again when there are twice as many, so that a steady overload does not fill the log.
        if missing > known {
            dropped.store(known + missing, Relaxed);
            let spans = known + missing;
            warn!(spans, "spans were dropped: they end faster than they can be exported");
        }
    }
}
