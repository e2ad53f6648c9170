//! Which commands share a transaction.

use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

use super::super::command::Work;

/// The most commands one transaction carries: enough to share an fsync, few enough that the
/// first of them does not wait long for the last.
const MAX_BATCH: usize = 512;
/// So many in this batch and the one before, or more, are a sign that others are on their way.
const CROWD: usize = 8;
/// How long a batch then waits for them. A transaction costs much, and a command in it little.
const MOMENT: Duration = Duration::from_micros(500);
/// A batch of so many waits for nobody: their share of what a transaction costs is small already,
/// and while all callers wait for it none of them sends.
const ENOUGH: usize = 16;

/// The queue of the writer, taken in batches.
pub(super) struct Batches {
    queue: mpsc::Receiver<Work>,
    last: usize,
}

impl Batches {
    pub(super) fn of(queue: mpsc::Receiver<Work>) -> Self {
        Self { queue, last: 0 }
    }

    /// Waits for work and takes all there is, in order of arrival; false when there will be none
    /// any more.
    pub(super) fn next(&mut self, batch: &mut Vec<Work>) -> bool {
        let Some(first) = self.queue.blocking_recv() else { return false };
        batch.push(first);
        self.take_what_waits(batch);
        if self.last + batch.len() >= CROWD && batch.len() < ENOUGH {
            thread::sleep(MOMENT);
            self.take_what_waits(batch);
        }
        self.last = batch.len();
        true
    }

    fn take_what_waits(&mut self, batch: &mut Vec<Work>) {
        while batch.len() < MAX_BATCH
            && let Ok(work) = self.queue.try_recv()
        {
            batch.push(work);
        }
    }
}
