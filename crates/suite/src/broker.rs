//! An MQTT broker in this process (crate `mqtt5`), 3.1.1 and 5 on one port, and WebSocket on another.
//!
//! It keeps everything in memory: sessions, queues and retained messages end with it. The
//! system's promises do not rest on them, and Mosquitto is the broker for production.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use mqtt5::broker::config::{
    AuthConfig, BrokerConfig, RateLimitConfig, StorageBackend, StorageConfig,
};
use mqtt5::broker::{BrokerShutdownHandle, MqttBroker};
use tokio::task::JoinHandle;

use crate::websocket::{WebSockets, admits_own_pages};

/// Large enough for a list of 10,000 postos; the library's own default is so large that other
/// clients refuse it.
const MAX_PACKET: usize = 16 * 1024 * 1024;
/// Messages kept for one client that is away or slow.
const MAX_QUEUED: usize = 50_000;
/// Bytes kept for one client that is away or slow.
const MAX_QUEUED_BYTES: usize = 128 * 1024 * 1024;
/// Unacknowledged messages to one client.
const MAX_IN_FLIGHT: u16 = 4096;
/// The longest session a client is granted.
const MAX_SESSION: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("nothing can listen on {addr}: {source}")]
    Listen { addr: SocketAddr, source: io::Error },
    #[error("the embedded broker failed: {0}")]
    Library(String),
}

/// A running broker. Dropping it begins the shutdown; [`Broker::stop`] also waits for its end.
pub struct Broker {
    tcp: SocketAddr,
    websockets: Option<WebSockets>,
    shutdown: BrokerShutdownHandle,
    task: JoinHandle<mqtt5::Result<()>>,
}

impl Broker {
    /// Starts a broker that listens for MQTT over TCP, and over WebSocket if set. Port 0 takes a
    /// free port. Connections are accepted when this returns.
    pub async fn start(
        tcp: SocketAddr,
        websocket: Option<SocketAddr>,
    ) -> Result<Self, BrokerError> {
        // The library reports a port in use only as text.
        check_free(tcp)?;
        let websocket = match websocket {
            Some(addr) => Some(listen(addr).await?),
            None => None,
        };
        let mut broker = MqttBroker::with_config(config(tcp)).await.map_err(library_error)?;
        let tcp = broker.local_addr().ok_or_else(|| library_error("it has no listener"))?;
        let shutdown = broker.shutdown_handle();
        let mut ready = broker.ready_receiver();
        let task = tokio::spawn(async move { broker.run().await });
        if ready.wait_for(|ready| *ready).await.is_err() {
            task.await.map_err(library_error)?.map_err(library_error)?;
            return Err(library_error("it stopped at once"));
        }
        let websockets = websocket.map(|it| WebSockets::start(it, tcp, admits_own_pages));
        let websockets = websockets.transpose().map_err(library_error)?;
        Ok(Self { tcp, websockets, shutdown, task })
    }

    pub fn addr(&self) -> SocketAddr {
        self.tcp
    }

    pub fn websocket_addr(&self) -> Option<SocketAddr> {
        self.websockets.as_ref().map(WebSockets::addr)
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> BrokerError {
        match (&mut self.task).await {
            Ok(Ok(())) => library_error("it has ended"),
            Ok(Err(error)) => library_error(error),
            Err(error) => library_error(error),
        }
    }

    /// Closes every connection and listener; the ports are free when this returns.
    pub async fn stop(mut self) -> Result<(), BrokerError> {
        if let Some(websockets) = self.websockets.take() {
            websockets.stop().await;
        }
        self.shutdown.shutdown();
        (&mut self.task).await.map_err(library_error)?.map_err(library_error)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shutdown.shutdown();
    }
}

fn library_error(error: impl ToString) -> BrokerError {
    BrokerError::Library(error.to_string())
}

fn check_free(addr: SocketAddr) -> Result<(), BrokerError> {
    TcpListener::bind(addr).map(drop).map_err(|source| BrokerError::Listen { addr, source })
}

async fn listen(addr: SocketAddr) -> Result<tokio::net::TcpListener, BrokerError> {
    let listener = tokio::net::TcpListener::bind(addr).await;
    listener.map_err(|source| BrokerError::Listen { addr, source })
}

fn config(tcp: SocketAddr) -> BrokerConfig {
    let storage = StorageConfig::new()
        .with_backend(StorageBackend::Memory)
        // In this library: without it a session ends with its connection.
        .with_persistence(true)
        .with_max_queued_messages_per_client(MAX_QUEUED)
        .with_max_queued_bytes_per_client(MAX_QUEUED_BYTES);
    let auth = AuthConfig {
        allow_anonymous: true,
        rate_limit: RateLimitConfig { enabled: false, ..RateLimitConfig::default() },
        ..AuthConfig::default()
    };
    let mut config = BrokerConfig::new()
        .with_bind_address(tcp)
        .with_max_packet_size(MAX_PACKET)
        .with_session_expiry(MAX_SESSION)
        .with_max_outbound_inflight(MAX_IN_FLIGHT)
        .with_server_receive_maximum(MAX_IN_FLIGHT)
        .with_client_channel_capacity(MAX_QUEUED)
        .with_sys_topics_enabled(false)
        .with_storage(storage)
        .with_auth(auth);
    config.topic_alias_maximum = 0;
    config
}
