//! Putting a gateway together, and taking it down again.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::topics;
use service::ListenError;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::Config;
use crate::gateway::{Gateway, run_inbox};
use crate::http;

/// How long a stop waits for requests in hand.
const HTTP_GRACE: Duration = Duration::from_secs(3);
/// How long a stop waits for the broker.
const BUS_GRACE: Duration = Duration::from_secs(1);
/// The most answers the broker may leave with us unacknowledged.
const INBOX: usize = 4096;
/// The most commands that wait for the broker.
const OUTBOX: usize = 16_384;
/// How long the broker keeps answers for a gateway that is away; longer, nobody waits for them.
const SESSION_EXPIRY: Duration = Duration::from_secs(60);

/// Why a gateway cannot start; for the operator, with what to mend.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its HTTP address is taken or not to be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// A gateway that has started.
pub struct Client {
    addr: SocketAddr,
    listener: TcpListener,
    gateway: Gateway,
    max_in_flight: usize,
    /// Cancelled when a task ends.
    broken: CancellationToken,
}

impl Client {
    /// Listens, and goes to the broker, which may come later.
    ///
    /// # Errors
    /// The address cannot be used.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let (listener, addr) = service::listen(config.http_addr).await?;
        let (bus, inbox) = bus::connect(bus::Options {
            broker: config.mqtt_broker.clone(),
            port: config.mqtt_port,
            mqtt_id: config.client_id.as_str().to_owned(),
            subscriptions: topics::client_subscriptions(&config.client_id),
            presence: None,
            session_expiry: SESSION_EXPIRY,
            inbox: INBOX,
            outbox: OUTBOX,
        });
        let gateway = Gateway::new(&config, bus);
        let broken = CancellationToken::new();
        service::spawn_essential(&broken, run_inbox(gateway.clone(), inbox));
        info!(client_id = %config.client_id, %addr, entrega = ?config.entrega, "started");
        Ok(Self { addr, listener, gateway, max_in_flight: config.max_in_flight, broken })
    }

    /// Where the HTTP API listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `shutdown` is done; then finishes what is in hand and leaves the broker.
    ///
    /// # Errors
    /// A part of it ended that must not.
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send) -> std::io::Result<()> {
        let stop = CancellationToken::new();
        let router = http::router(self.gateway.clone(), self.max_in_flight);
        let serving = service::serve(self.listener, router, stop.clone(), HTTP_GRACE);
        let serving = service::spawn_essential(&self.broken, serving);
        let outcome = service::until_shutdown(shutdown, &self.broken).await;
        info!("stopping");
        stop.cancel();
        let _ = serving.await;
        self.gateway.bus.close(BUS_GRACE).await;
        info!(pending = self.gateway.requester.pending(), "stopped");
        outcome
    }
}
