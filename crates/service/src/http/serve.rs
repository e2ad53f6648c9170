//! Accepting connections, and an end that lets requests in hand finish.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Nothing can listen on an HTTP address.
#[derive(Debug, thiserror::Error)]
#[error("HTTP_ADDR is {addr}, and nothing can listen there: {source}")]
pub struct ListenError {
    /// The address.
    pub addr: SocketAddr,
    /// What the system says.
    pub source: io::Error,
}

/// Listens on `addr`; where its port is 0, on the free port that is told back.
///
/// # Errors
/// The address is taken or not to be had.
pub async fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), ListenError> {
    let listen_error = |source| ListenError { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(listen_error)?;
    let addr = listener.local_addr().map_err(listen_error)?;
    Ok((listener, addr))
}

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
