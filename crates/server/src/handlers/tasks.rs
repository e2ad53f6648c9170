//! The messages being worked on.

use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// The most messages worked on at once. The broker is asked for no more than this either, but
/// Mosquitto 2.0.11 leaves many more unacknowledged once it has a queue; they wait in the inbox.
const MOST: usize = 2048;

/// Tasks, one a message, never more than [`MOST`].
pub(super) struct InHand {
    tasks: TaskTracker,
    room: Arc<Semaphore>,
    next: Option<OwnedSemaphorePermit>,
}

impl Default for InHand {
    fn default() -> Self {
        Self { tasks: TaskTracker::new(), room: Arc::new(Semaphore::new(MOST)), next: None }
    }
}

impl InHand {
    /// Waits until there is room for one more.
    pub(super) async fn room(&mut self) {
        if self.next.is_none() {
            // It fails only for a semaphore that is closed, which this one never is.
            self.next = Arc::clone(&self.room).acquire_owned().await.ok();
        }
    }

    /// Works on a message, in the room that was waited for. Its first step is made at once, which
    /// for a change is as far as the writer's queue: so changes are made in order of arrival.
    pub(super) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let room = self.next.take();
        let mut work = Box::pin(async move {
            work.await;
            drop(room);
        });
        if work.as_mut().now_or_never().is_none() {
            self.tasks.spawn(work);
        }
    }

    /// Waits until all are done.
    pub(super) async fn finish(self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
