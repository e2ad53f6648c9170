//! The messages that are being handled: one task each, and a bounded number of them.

use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// Messages handled at the same time. The broker is asked to leave no more than this
/// unacknowledged, but Mosquitto 2.0.11 sends many more once it has a queue: those wait in the
/// inbox.
pub(crate) const MAX_TASKS: usize = 2048;

pub(super) struct Tasks {
    tracker: TaskTracker,
    permits: Arc<Semaphore>,
    /// The permit of the next task.
    next: Option<OwnedSemaphorePermit>,
}

impl Default for Tasks {
    fn default() -> Self {
        let permits = Arc::new(Semaphore::new(MAX_TASKS));
        Self { tracker: TaskTracker::new(), permits, next: None }
    }
}

impl Tasks {
    /// Waits until one more task may be spawned. Cancelling and calling it again loses nothing.
    pub(super) async fn ready(&mut self) {
        if self.next.is_none() {
            // `acquire_owned` fails only on a closed semaphore, and this one is never closed.
            self.next = Arc::clone(&self.permits).acquire_owned().await.ok();
        }
    }

    /// Spawns the task that [`ready`](Self::ready) waited for. It is polled once at once, which
    /// takes a command as far as the writer's queue: so changes are made in order of arrival.
    pub(super) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let permit = self.next.take();
        let mut work = Box::pin(async move {
            work.await;
            drop(permit);
        });
        if work.as_mut().now_or_never().is_none() {
            self.tracker.spawn(work);
        }
    }

    /// Waits until all tasks have ended.
    pub(super) async fn finish(self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
