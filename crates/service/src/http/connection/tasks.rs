//! The tasks of a listener's connections. After the listener has ended, no task handles a request any
//! more: the effects of such a request would not be published.

use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, warn};

use super::limit::Slot;
use super::linger::linger;

pub(super) struct ConnectionTasks {
    serving: TaskTracker,
    cut_off: CancellationToken,
    /// A listener that is aborted cuts them off too.
    _guard: DropGuard,
}

impl ConnectionTasks {
    pub(super) fn new() -> Self {
        let cut_off = CancellationToken::new();
        let guard = cut_off.clone().drop_guard();
        Self { serving: TaskTracker::new(), cut_off, _guard: guard }
    }

    /// Serves a connection. If `serve` returns the stream, its caller is still sending, which holds
    /// up no stop.
    pub(super) fn spawn(
        &self,
        slot: Slot,
        serve: impl Future<Output = Option<TcpStream>> + Send + 'static,
    ) {
        let (cut_off, is_serving) = (self.cut_off.clone(), self.serving.token());
        let work = async move {
            let serve_and_linger = async {
                let sending = cut_off.run_until_cancelled(serve).await.flatten();
                drop(is_serving);
                if let Some(mut stream) = sending {
                    linger(&mut stream).await;
                }
            };
            tokio::select! {
                biased;
                () = slot.connection.evicted() => tracing::debug!("an HTTP connection made room"),
                () = serve_and_linger => {}
            }
        };
        tokio::spawn(work.in_current_span());
    }

    /// Gives requests in flight `grace` to finish, and cuts off what is left of them.
    pub(super) async fn end(self, graceful: GracefulShutdown, grace: Duration) {
        self.serving.close();
        let finished = async {
            graceful.shutdown().await;
            self.serving.wait().await;
        };
        if timeout(grace, finished).await.is_err() {
            warn!("some HTTP requests were cut off by the stop");
            self.cut_off.cancel();
            self.serving.wait().await;
        }
    }
}
