//! What the writer shares with the handles of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use domain::Moment;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::commit::recent_failures::RecentFailures;
use super::commit::stopping::Stopping;
use crate::metrics::StoreMetrics;
use crate::store::progress::Progress;

/// What the store's handles see of the writer.
#[derive(Clone)]
pub(in crate::store) struct WriterState {
    /// The last write succeeded.
    pub(in crate::store) is_writable: Arc<AtomicBool>,
    /// Why the latest write that failed did so.
    pub(in crate::store) failure: Arc<Mutex<Option<String>>>,
    /// A commit has failed, and a restart may still find it in the WAL.
    pub(in crate::store) in_doubt: Arc<AtomicBool>,
    pub(in crate::store) recent_failures: RecentFailures,
    pub(in crate::store) progress: Progress,
    /// Commands that were given to the queue, and how many of them were answered.
    pub(in crate::store) queued: Arc<AtomicU64>,
    pub(in crate::store) answered: watch::Sender<u64>,
    pub(in crate::store) metrics: Arc<StoreMetrics>,
    pub(in crate::store) stopping: Stopping,
}

impl WriterState {
    /// Makes the state of a writer that begins.
    pub(in crate::store) fn begin(now: Moment, metrics: Arc<StoreMetrics>) -> Self {
        Self {
            is_writable: Arc::new(AtomicBool::new(true)),
            failure: Arc::default(),
            in_doubt: Arc::default(),
            recent_failures: RecentFailures::default(),
            progress: Progress::begin(now),
            queued: Arc::default(),
            answered: watch::Sender::default(),
            metrics,
            stopping: Stopping::default(),
        }
    }

    pub(in crate::store) fn count_answered(&self, commands: usize) {
        self.answered.send_modify(|answered| *answered += commands as u64);
    }
}
