//! Essential tasks: a program cannot work without them, so it stops when one of them ends.

use std::io;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// Spawns a task that must run as long as its program: `broken` is cancelled when it ends or
/// panics. A program that stops is started again by its operator's tools; one that only answers
/// probes is not. Must be called within a tokio runtime.
pub fn spawn_essential<T: Send + 'static>(
    broken: &CancellationToken,
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let guard = broken.clone().drop_guard();
    let task = async move {
        let _guard = guard;
        task.await
    };
    tokio::spawn(task.in_current_span())
}

/// Waits until a task has ended, and aborts it after `grace`. False if it did not end by itself.
pub async fn end_within<T>(grace: Duration, mut task: JoinHandle<T>) -> bool {
    let ended = tokio::time::timeout(grace, &mut task).await.is_ok();
    // Aborting a task that has ended changes nothing.
    task.abort();
    ended
}

/// Waits until the program is asked to stop.
///
/// # Errors
/// An essential task has ended before that.
pub async fn until_shutdown(
    shutdown: impl Future<Output = ()>,
    broken: &CancellationToken,
) -> io::Result<()> {
    tokio::select! {
        biased;
        () = shutdown => Ok(()),
        () = broken.cancelled() => {
            tracing::error!("an essential task has ended; the program stops");
            Err(io::Error::other("an essential task had ended"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_or_panics_is_noticed() {
        let ends = CancellationToken::new();
        spawn_essential(&ends, async {});
        until_shutdown(std::future::pending(), &ends).await.expect_err("it ended");
        let panics = CancellationToken::new();
        spawn_essential(&panics, async { assert_eq!(1, 2, "on purpose") });
        until_shutdown(std::future::pending(), &panics).await.expect_err("it panicked");
    }

    #[tokio::test]
    async fn a_task_that_does_not_end_is_aborted() {
        assert!(end_within(Duration::from_secs(20), tokio::spawn(async {})).await);
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        assert!(!end_within(Duration::from_millis(1), task).await);
        dropped.await.expect_err("the task was dropped");
    }

    #[tokio::test]
    async fn a_requested_shutdown_is_no_error() {
        let broken = CancellationToken::new();
        spawn_essential(&broken, std::future::pending::<()>());
        until_shutdown(async {}, &broken).await.expect("nothing has ended");
    }
}
