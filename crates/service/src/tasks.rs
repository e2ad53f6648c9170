//! Tasks without which a program is of no use.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Runs a task that must not end before its program does: when it ends, a panic included,
/// `broken` is cancelled. A program that answers probes and does nothing else helps nobody; one
/// that ends is started again. Must be called within a tokio runtime.
pub fn spawn_essential<T: Send + 'static>(
    broken: &CancellationToken,
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let guard = broken.clone().drop_guard();
    tokio::spawn(async move {
        let _guard = guard;
        task.await
    })
}

/// Waits for the end: true if it was asked for, false if the program is broken.
pub async fn until_asked_or_broken(
    shutdown: impl Future<Output = ()>,
    broken: &CancellationToken,
) -> bool {
    tokio::select! {
        biased;
        () = shutdown => true,
        () = broken.cancelled() => {
            tracing::error!("a part of this program has ended that must not; it stops");
            false
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
        assert!(!until_asked_or_broken(std::future::pending(), &ends).await);
        let panics = CancellationToken::new();
        spawn_essential(&panics, async { assert_eq!(1, 2, "on purpose") });
        assert!(!until_asked_or_broken(std::future::pending(), &panics).await);
    }

    #[tokio::test]
    async fn an_end_that_is_asked_for_is_none_of_that() {
        let broken = CancellationToken::new();
        spawn_essential(&broken, std::future::pending::<()>());
        assert!(until_asked_or_broken(async {}, &broken).await);
    }
}
