//! Accepting connections, and an end that lets requests in hand finish.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Serves until `stop`; then accepts nothing more, and gives requests in hand `grace` to finish.
///
/// # Errors
/// The listener fails for good.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let listener = listener.tap_io(|connection| {
        // Answers are small and whole: waiting to fill a packet would only delay them.
        if let Err(error) = connection.set_nodelay(true) {
            debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    let serving = axum::serve(listener, router)
        .with_graceful_shutdown(stop.clone().cancelled_owned())
        .into_future();
    let out_of_grace = async {
        stop.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        served = serving => served,
        () = out_of_grace => {
            warn!("some HTTP requests were cut off by the stop");
            Ok(())
        }
    }
}
