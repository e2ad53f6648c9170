//! The writer's queue, and which of its commands share a transaction (group commit).

use std::thread;
use std::time::Duration;

use opentelemetry::trace::SpanContext;
use tokio::sync::{mpsc, oneshot};

use super::recent_failures::DuplicateKey;
use crate::store::error::{StoreError, WriteError};
use crate::store::write_trace::BatchTimes;
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};

/// Commands in one transaction: enough to share an fsync, few enough that the first does not wait
/// long for the last.
const MAX_BATCH: usize = 512;
/// A batch lingers if it and the one before have at least so many commands together: then more
/// are probably about to arrive.
const LINGER_IF_AT_LEAST: usize = 8;
/// A batch of this size or more does not linger: each command's share of the transaction is small
/// already, and the callers in it send nothing more before they are answered.
const LINGER_IF_BELOW: usize = 16;
/// How long a batch waits for more: a transaction costs much, a further command in it little.
const LINGER: Duration = Duration::from_micros(500);

type Outcome<C> = Result<<C as WriteCommand>::Output, WriteError>;

/// A command of any type, in the queue or in a batch.
pub(in crate::store) trait Queued: Send {
    fn is_traced(&self) -> bool;
    /// Keeps when its batch was written, for its caller's trace.
    fn set_times(&mut self, times: BatchTimes);
    /// Applies the command and keeps its outcome.
    fn apply(&mut self, context: &mut WriteContext<'_>) -> Result<(), StoreError>;
    fn duplicate_key(&self) -> Option<DuplicateKey>;
    /// Sends the outcome to the caller; only after the commit.
    fn answer(self: Box<Self>);
    /// Tells the caller why the command has no outcome.
    fn fail(self: Box<Self>, error: WriteError);
}

/// The outcome, and when it was written if the caller's work is traced.
type Answer<C> = (Outcome<C>, Option<BatchTimes>);

struct Pending<C: WriteCommand> {
    command: C,
    trace: Option<SpanContext>,
    outcome: Option<Outcome<C>>,
    times: Option<BatchTimes>,
    caller: oneshot::Sender<Answer<C>>,
}

/// A command for the queue, and where its outcome will arrive.
pub(in crate::store) fn pending<C: WriteCommand>(
    command: C,
    trace: Option<SpanContext>,
) -> (Box<dyn Queued>, oneshot::Receiver<Answer<C>>) {
    let (caller, outcome) = oneshot::channel();
    (Box::new(Pending { command, trace, outcome: None, times: None, caller }), outcome)
}

impl<C: WriteCommand> Queued for Pending<C> {
    fn is_traced(&self) -> bool {
        self.trace.is_some()
    }

    fn set_times(&mut self, times: BatchTimes) {
        self.times = Some(times);
    }

    fn apply(&mut self, context: &mut WriteContext<'_>) -> Result<(), StoreError> {
        context.trace.clone_from(&self.trace);
        self.outcome = Some(match self.command.apply(context) {
            Ok(output) => Ok(output),
            Err(ApplyError::Refused(reason)) => Err(reason),
            Err(ApplyError::Failed(failure)) => return Err(failure),
        });
        Ok(())
    }

    fn duplicate_key(&self) -> Option<DuplicateKey> {
        self.command.duplicate_key()
    }

    fn answer(self: Box<Self>) {
        // A caller that stopped waiting needs no answer.
        let outcome = self.outcome.unwrap_or(Err(WriteError::Unavailable));
        let _ = self.caller.send((outcome, self.times));
    }

    fn fail(self: Box<Self>, error: WriteError) {
        let _ = self.caller.send((Err(error), self.times));
    }
}

/// The commands of one transaction.
pub(in crate::store::writer) type Batch = Vec<Box<dyn Queued>>;

/// The queue, taken in batches.
pub(in crate::store::writer) struct Batches {
    queue: mpsc::Receiver<Box<dyn Queued>>,
    last_len: usize,
}

impl Batches {
    pub(in crate::store::writer) fn new(queue: mpsc::Receiver<Box<dyn Queued>>) -> Self {
        Self { queue, last_len: 0 }
    }

    /// Waits for a command and takes all that are queued, in order of arrival; false when the
    /// queue is closed.
    pub(in crate::store::writer) fn next(&mut self, batch: &mut Batch) -> bool {
        let Some(first) = self.queue.blocking_recv() else { return false };
        batch.push(first);
        self.take_queued(batch);
        if self.last_len + batch.len() >= LINGER_IF_AT_LEAST && batch.len() < LINGER_IF_BELOW {
            thread::sleep(LINGER);
            self.take_queued(batch);
        }
        self.last_len = batch.len();
        true
    }

    fn take_queued(&mut self, batch: &mut Batch) {
        while batch.len() < MAX_BATCH
            && let Ok(queued) = self.queue.try_recv()
        {
            batch.push(queued);
        }
    }
}
