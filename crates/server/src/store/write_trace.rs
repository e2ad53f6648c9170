//! The spans of a write in the trace of its caller: the wait in the queue, the transaction that it
//! shares with other commands, and the commit.
//!
//! They are made by the caller, after its answer: the writer only notes the times.

use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue};

use super::error::WriteError;

/// When a batch was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchTimes {
    pub(super) commands: usize,
    /// When it was taken from the queue.
    pub(super) taken: SystemTime,
    pub(super) commit_began: Option<SystemTime>,
    pub(super) ended: SystemTime,
}

/// A command's place in the trace of its caller.
pub(super) struct WriteTrace {
    context: Context,
    queued: SystemTime,
}

impl WriteTrace {
    /// Of a command that is queued now, if its caller is traced.
    pub(super) fn current() -> Option<Self> {
        let context = Context::map_current(|context| {
            let is_traced = context.has_active_span() && context.span().span_context().is_sampled();
            is_traced.then(|| context.clone())
        })?;
        Some(Self { context, queued: SystemTime::now() })
    }

    pub(super) fn span_context(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    pub(super) fn add_spans(&self, times: BatchTimes, error: Option<&WriteError>) {
        let BatchTimes { commands, taken, commit_began, ended } = times;
        let Some(tracer) = self.context.get::<Arc<BoxedTracer>>() else { return };
        let begin = |name, at, parent: &Context| {
            tracer.build_with_context(SpanBuilder::from_name(name).with_start_time(at), parent)
        };
        begin("queue", self.queued, &self.context).end_with_timestamp(taken);
        let mut transaction: BoxedSpan = begin("transaction", taken, &self.context);
        transaction.set_attribute(KeyValue::new("db.system.name", "sqlite"));
        let commands = i64::try_from(commands).unwrap_or(i64::MAX);
        transaction.set_attribute(KeyValue::new("db.operation.batch.size", commands));
        if let Some(WriteError::Unavailable | WriteError::InDoubt) = error {
            transaction.set_status(Status::error("it was not written"));
        }
        if let Some(commit_began) = commit_began {
            let parent = transaction.span_context().clone();
            let parent = self.context.with_remote_span_context(parent);
            begin("commit", commit_began, &parent).end_with_timestamp(ended);
        }
        transaction.end_with_timestamp(ended);
    }
}
