//! Starts and stops a gateway.

use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::{Credentials, CredentialsError};
use futures_util::FutureExt as _;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use protocol::topics;
use service::{HttpMetrics, ListenError, Metrics, Reload, TraceError, Tracer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, info};

use crate::app_tokens::{self, AppTokens, TokensError};
use crate::config::{Config, HTTP_ADDR, MQTT_CLIENT_ID};
use crate::gateway::{Gateway, run_inbox};
use crate::http::{
    self,
    pages::{Pages, PagesError},
};
use crate::metrics::GatewayMetrics;

/// How long a stop waits for requests in progress.
const HTTP_GRACE: Duration = Duration::from_secs(3);
/// How long a stop waits for replies. In what is left of [`HTTP_GRACE`] callers are told that none has
/// come, with the `request_id` to ask about later.
const REPLY_GRACE: Duration = Duration::from_millis(2_500);
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
    #[error(transparent)]
    Pages(#[from] PagesError),
}

/// A gateway that has started.
pub struct Client {
    addr: SocketAddr,
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
    metrics: Metrics,
    http_metrics: HttpMetrics,
    gateway: Arc<Gateway>,
    pages: Pages,
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
        config.login.warn_of_wrong_user("gateway", MQTT_CLIENT_ID, config.client_id.as_str());
        let broken = CancellationToken::new();
        let mut registry = Registry::default();
        let http_metrics = HttpMetrics::new(&mut registry);
        let gateway_metrics = GatewayMetrics::new(&mut registry);
        let tokens = read_tokens(&config, &broken, gateway_metrics.token_errors.clone())?;
        let id = ("client_id", config.client_id.as_str());
        let tracer = Tracer::start(config.traces.as_ref(), id)?;
        let (listener, addr) = service::listen(HTTP_ADDR.name, config.http_addr).await?;
        let metrics_listener = service::listen_for_metrics(config.metrics_addr).await?;
        let (bus, inbox) = bus::connect(bus_options(&config, credentials));
        info!(%addr, entrega = %config.entrega, "started");
        let gateway = Arc::new(Gateway::new(config, bus, tracer, tokens, gateway_metrics));
        let pages = Pages::new(Arc::clone(&gateway))?;
        let metrics = metrics(&gateway, registry);
        let link = gateway.bus.link();
        tokio::spawn(Gateway::follow_arrays(Arc::downgrade(&gateway), link).in_current_span());
        service::spawn_essential(&broken, run_inbox(Arc::clone(&gateway), inbox));
        Ok(Self { addr, listener, metrics_listener, metrics, http_metrics, gateway, pages, broken })
    }

    /// Where the HTTP API listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where `/metrics` is answered.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_listener.as_ref().and_then(|listener| listener.local_addr().ok())
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
        let router = http::router(Arc::clone(&self.gateway), self.pages, self.http_metrics);
        let router = service::trace_requests(router, &self.gateway.tracer);
        let serving = service::serve(self.listener, router, stop.clone(), HTTP_GRACE);
        let mut serving = service::spawn_essential(&self.broken, serving);
        let scrapes = service::serve_metrics(self.metrics_listener, self.metrics, stop.clone());
        let scrapes = service::spawn_essential(&self.broken, scrapes);
        let outcome = service::until_shutdown(shutdown, &self.broken).await;
        info!("stopping");
        self.gateway.closing.cancel();
        stop.cancel();
        if tokio::time::timeout(REPLY_GRACE, &mut serving).await.is_err() {
            self.gateway.requester.end_all();
            let _ = serving.await;
        }
        service::end_within(HTTP_GRACE, scrapes).await;
        self.gateway.bus.close(BUS_GRACE).await;
        self.gateway.tracer.end(TRACES_GRACE).await;
        info!(pending = self.gateway.requester.pending(), "stopped");
        outcome
    }
}

/// Everything that is counted. Nothing in it keeps the bus open.
fn metrics(gateway: &Arc<Gateway>, registry: Registry) -> Metrics {
    let id = gateway.config.client_id.as_str();
    let mut metrics = Metrics::of_program("client", id);
    metrics.add(registry);
    metrics.add(gateway.bus.metrics());
    let gateway = Arc::downgrade(gateway);
    metrics.refresh_by(Box::new(move || {
        if let Some(gateway) = gateway.upgrade() {
            gateway.update_metrics();
        }
        ready(()).boxed()
    }));
    metrics
}

/// How this gateway connects to the broker.
pub(crate) fn bus_options(config: &Config, credentials: Credentials) -> bus::Options {
    bus::Options {
        broker: config.mqtt_broker.clone(),
        port: config.mqtt_port,
        credentials,
        mqtt_id: config.client_id.as_str().to_owned(),
        subscriptions: topics::client_subscriptions(&config.client_id),
        as_published: Vec::new(),
        on_demand: topics::client_on_demand(&config.client_id),
        presence: None,
        session_expiry: SESSION_EXPIRY,
        inbox_capacity: INBOX_CAPACITY,
        outbox_capacity: OUTBOX_CAPACITY,
        give_up_poison: true,
    }
}

/// The tokens of apps, kept as their file is.
fn read_tokens(
    config: &Config,
    broken: &CancellationToken,
    errors: Counter,
) -> Result<Option<Arc<AppTokens>>, TokensError> {
    let Some(path) = &config.tokens_file else { return Ok(None) };
    let (limit, proxies) = (config.limit_per_minute, config.proxies.clone());
    let (tokens, content) = AppTokens::read(path, limit, proxies, errors)?;
    let tokens = Arc::new(tokens);
    let watching = app_tokens::watch(Arc::clone(&tokens), content);
    service::spawn_essential(broken, watching);
    Ok(Some(tokens))
}
