//! The messages that are being handled: one task each, and a bounded number of them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// Messages handled at the same time. The broker is asked to leave no more than this
/// unacknowledged, but Mosquitto 2.0.11 sends many more once it has a queue: those wait in the
/// inbox.
pub(crate) const MAX_TASKS: usize = 2048;

pub(super) struct Tasks {
    tracker: TaskTracker,
    permits: Arc<Semaphore>,
    /// The permit of the next task.
    next: Option<OwnedSemaphorePermit>,
    /// Ends the tasks where they are.
    cut_off: CancellationToken,
}

impl Tasks {
    pub(super) fn new(cut_off: CancellationToken) -> Self {
        let permits = Arc::new(Semaphore::new(MAX_TASKS));
        Self { tracker: TaskTracker::new(), permits, next: None, cut_off }
    }

    /// Waits until one more task may be spawned. Cancelling and calling it again loses nothing.
    pub(super) async fn ready(&mut self) {
        if self.next.is_none() {
            // `acquire_owned` fails only on a closed semaphore, and this one is never closed.
            self.next = Arc::clone(&self.permits).acquire_owned().await.ok();
        }
    }

    /// Spawns the task that [`ready`](Self::ready) waited for. It is polled once at once, which
    /// takes a command as far as the writer's queue: so changes are made in order of arrival.
    ///
    /// If it panics, its message stays unacknowledged, and the program goes on: the broker would
    /// deliver the message to the next one, which would end as well.
    pub(super) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let permit = self.next.take();
        let cut_off = self.cut_off.clone();
        // The token first: work that waits for other work must not find that cut off, and its own done.
        let work = async move {
            tokio::select! {
                biased;
                () = cut_off.cancelled() => {}
                () = work => {}
            }
        };
        let mut work = Box::pin(async move {
            // The panic is logged where it happens.
            let _ = AssertUnwindSafe(work).catch_unwind().await;
            drop(permit);
        });
        if work.as_mut().now_or_never().is_none() {
            self.tracker.spawn(work.in_current_span());
        }
    }

    /// Waits until all tasks have ended.
    pub(super) async fn finish(self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_ends_alone() {
        let mut tasks = Tasks::new(CancellationToken::new());
        let ended = Arc::new(AtomicUsize::new(0));
        for number in 0..2 * MAX_TASKS {
            tasks.ready().await;
            let ended = Arc::clone(&ended);
            tasks.spawn(async move {
                if number % 2 == 0 {
                    tokio::task::yield_now().await;
                }
                ended.fetch_add(1, Relaxed);
                assert!(number % 3 > 0, "on purpose");
            });
        }
        tasks.finish().await;
        assert_eq!(ended.load(Relaxed), 2 * MAX_TASKS);
    }

    #[tokio::test]
    async fn a_task_that_does_not_end_is_cut_off() {
        let cut_off = CancellationToken::new();
        let mut tasks = Tasks::new(cut_off.clone());
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        tasks.ready().await;
        tasks.spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        cut_off.cancel();
        tasks.finish().await;
        dropped.await.expect_err("the task was dropped");
    }

    #[tokio::test]
    async fn nothing_goes_on_with_what_another_task_was_cut_off_from() {
        let cut_off = CancellationToken::new();
        let mut tasks = Tasks::new(cut_off.clone());
        let (writing, ended) =
            (Arc::new(tokio::sync::Mutex::new(())), Arc::new(AtomicUsize::new(0)));
        for number in 0..3 {
            tasks.ready().await;
            let (writing, ended) = (Arc::clone(&writing), Arc::clone(&ended));
            tasks.spawn(async move {
                let _writing = writing.lock().await;
                if number < 2 {
                    std::future::pending::<()>().await;
                }
                ended.fetch_add(1, Relaxed);
            });
        }
        cut_off.cancel();
        tasks.finish().await;
        assert_eq!(ended.load(Relaxed), 0);
    }
}
