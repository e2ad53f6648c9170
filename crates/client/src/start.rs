//! Starts and stops a gateway.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::CredentialsError;
use protocol::topics;
use service::{ListenError, Reload, TraceError, Tracer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::app_tokens::{self, AppTokens, TokensError};
use crate::config::Config;
use crate::gateway::{Gateway, run_inbox};
use crate::http;

/// How long a stop waits for requests in progress.
const HTTP_GRACE: Duration = Duration::from_secs(3);
/// How long a stop waits for the broker.
const BUS_GRACE: Duration = Duration::from_secs(1);
/// How long a stop waits for the collector of traces.
const TRACES_GRACE: Duration = Duration::from_millis(500);
/// How many replies may be unacknowledged.
const INBOX_CAPACITY: usize = 4096;
/// How many commands may wait for the broker.
const OUTBOX_CAPACITY: usize = 16_384;
/// How long the broker keeps replies for a gateway that is offline; no caller waits longer.
const SESSION_EXPIRY: Duration = Duration::from_secs(60);

/// Why a gateway cannot start. The text is for the operator and says what to fix.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Tokens(#[from] TokensError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Traces(#[from] TraceError),
}

/// A gateway that has started.
pub struct Client {
    addr: SocketAddr,
    listener: TcpListener,
    gateway: Arc<Gateway>,
    /// Cancelled when an essential task ends.
    broken: CancellationToken,
}

impl Client {
    /// Listens for HTTP, and connects to the broker in the background.
    ///
    /// # Errors
    /// The HTTP address cannot be used, or a file of the login at the broker or of tokens, or traces
    /// cannot be exported as they are set up.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let credentials = config.credentials();
        credentials.check()?;
        let broken = CancellationToken::new();
        let tokens = read_tokens(&config, &broken)?;
        let id = ("client_id", config.client_id.as_str());
        let tracer = Tracer::start(config.traces.as_ref(), id, env!("CARGO_PKG_VERSION"))?;
        let (listener, addr) = service::listen(config.http_addr).await?;
        let (bus, inbox) = bus::connect(bus::Options {
            broker: config.mqtt_broker.clone(),
            port: config.mqtt_port,
            credentials,
            mqtt_id: config.client_id.as_str().to_owned(),
            subscriptions: topics::client_subscriptions(&config.client_id),
            as_published: Vec::new(),
            on_demand: topics::client_on_demand(&config.client_id),
            presence: None,
            session_expiry: SESSION_EXPIRY,
            inbox: INBOX_CAPACITY,
            outbox: OUTBOX_CAPACITY,
            give_up_poison: true,
        });
        info!(%addr, entrega = %config.entrega, "started");
        let gateway = Arc::new(Gateway::new(config, bus, tracer, tokens));
        service::spawn_essential(&broken, run_inbox(Arc::clone(&gateway), inbox));
        Ok(Self { addr, listener, gateway, broken })
    }

    /// Where the HTTP API listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Reads the secrets again at each signal, for as long as the program runs.
    pub fn reload_at(&self, signal: Reload) {
        let gateway = Arc::clone(&self.gateway);
        signal.at_each(move || {
            gateway.tokens.iter().for_each(|tokens| tokens.read_now());
            gateway.bus.reload()
        });
    }

    /// Serves until `shutdown` ends; then finishes the requests in progress and disconnects.
    ///
    /// # Errors
    /// An essential task ended.
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send) -> std::io::Result<()> {
        let stop = CancellationToken::new();
        let router = http::router(Arc::clone(&self.gateway));
        let router = service::trace_requests(router, &self.gateway.tracer);
        let serving = service::serve(self.listener, router, stop.clone(), HTTP_GRACE);
        let serving = service::spawn_essential(&self.broken, serving);
        let outcome = service::until_shutdown(shutdown, &self.broken).await;
        info!("stopping");
        self.gateway.closing.cancel();
        stop.cancel();
        let _ = serving.await;
        self.gateway.bus.close(BUS_GRACE).await;
        self.gateway.tracer.end(TRACES_GRACE).await;
        info!(pending = self.gateway.requester.pending(), "stopped");
        outcome
    }
}

/// The tokens of apps, kept as their file is.
fn read_tokens(
    config: &Config,
    broken: &CancellationToken,
) -> Result<Option<Arc<AppTokens>>, TokensError> {
    let Some(path) = &config.tokens_file else { return Ok(None) };
    let (tokens, content) = AppTokens::read(path, config.limit_per_minute, config.proxies.clone())?;
    let tokens = Arc::new(tokens);
    let watching = app_tokens::watch(Arc::clone(&tokens), content);
    service::spawn_essential(broken, watching);
    Ok(Some(tokens))
}
