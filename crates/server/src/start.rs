//! Starting a servidor and stopping it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Delivery};
use futures_util::FutureExt as _;
use prometheus_client::registry::Registry;
use service::{Access, CorsOrigins, HttpMetrics, Metrics, Reload, Tracer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::admin_tokens::AdminTokens;
use crate::app_state::{AppState, MAX_IMPORTS};
use crate::array_clients::ArrayClients;
use crate::bus_options::bus_options;
use crate::charger_messages::ChargerMessages;
use crate::config::{AdminAccess, Config, HTTP_ADDR, SERVER_ID};
use crate::first_start::import_at_first_start;
use crate::listing_cache::ListingCache;
use crate::metrics::{CommandMetrics, look_for_backups};
use crate::open_store::open_store;
use crate::start_error::StartError;
use crate::store::{Store, StoreCloser};
use crate::{admin, announce, archiving, handlers, retention, token_reader};

/// How often the store looks for reservas that have begun or ended.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How long a stop waits for the requests and messages that are being handled. With the
/// limits below a stop mostly takes less than 6 s; `service::Program` ends one that takes longer.
const WORK_GRACE: Duration = Duration::from_secs(2);
/// How long it waits after that for what the writer has queued: another program may hold the lock.
const WRITE_GRACE: Duration = Duration::from_millis(600);
/// How long messages take to end that are cut off.
const CUT_OFF_GRACE: Duration = Duration::from_millis(100);
/// How long a commit may take that has begun by then.
const COMMIT_GRACE: Duration = Duration::from_millis(200);
/// How long a stop waits until the last changes are on their way.
const ANNOUNCE_GRACE: Duration = Duration::from_millis(500);
/// How long a stop waits until the broker has the last replies.
const BUS_GRACE: Duration = Duration::from_secs(1);
/// How long a stop waits for the collector of traces, while the database is closed.
const TRACES_GRACE: Duration = Duration::from_millis(500);
/// How long a stop waits until the database is one complete file.
const STORE_GRACE: Duration = Duration::from_secs(2);

/// A servidor that has started.
pub struct Server {
    addr: SocketAddr,
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
    metrics: Metrics,
    http_metrics: HttpMetrics,
    cors: CorsOrigins,
    access: Access,
    app: Arc<AppState>,
    closer: StoreCloser,
    stop: CancellationToken,
    /// Ends the handling of messages that `stop` lets finish.
    cut_off: CancellationToken,
    stop_announcing: CancellationToken,
    /// Cancelled when an essential task ends.
    broken: CancellationToken,
    tasks: BackgroundTasks,
    announcer: JoinHandle<()>,
}

/// The tasks that work until `stop`. The announcer goes on a little longer, for their last changes.
struct BackgroundTasks {
    handlers: JoinHandle<()>,
    sweeper: JoinHandle<()>,
    token_reader: JoinHandle<()>,
    retention: JoinHandle<()>,
    archiving: JoinHandle<()>,
}

impl BackgroundTasks {
    fn start(
        app: &Arc<AppState>,
        inbox: mpsc::Receiver<Delivery>,
        retention_days: u32,
        stop: &CancellationToken,
        cut_off: &CancellationToken,
        broken: &CancellationToken,
    ) -> Self {
        let app = || Arc::clone(app);
        let handling = handlers::run(app(), inbox, stop.clone(), cut_off.clone());
        let sweeping = sweep(app(), stop.clone());
        let reading_token = token_reader::follow(app(), stop.clone());
        let retaining = retention::run(app(), retention_days, stop.clone());
        let archiving = archiving::run(app(), stop.clone());
        Self {
            handlers: service::spawn_essential(broken, handling),
            sweeper: service::spawn_essential(broken, sweeping),
            token_reader: service::spawn_essential(broken, reading_token),
            retention: service::spawn_essential(broken, retaining),
            archiving: service::spawn_essential(broken, archiving),
        }
    }

    /// Waits until all have ended, at most [`WORK_GRACE`]. Returns the handlers if they still work.
    async fn end(self) -> Option<JoinHandle<()>> {
        let mut handlers = self.handlers;
        let (handled, ..) = tokio::join!(
            tokio::time::timeout(WORK_GRACE, &mut handlers),
            service::end_within(WORK_GRACE, self.sweeper),
            service::end_within(WORK_GRACE, self.token_reader),
            service::end_within(WORK_GRACE, self.retention),
            service::end_within(WORK_GRACE, self.archiving),
        );
        handled.is_err().then_some(handlers)
    }
}

impl Server {
    /// Opens the database, imports the postos at a first start, and connects to the broker in the
    /// background: without a broker a servidor starts too and keeps trying.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let credentials = config.credentials();
        credentials.check()?;
        config.login.warn_of_wrong_user("servidor", SERVER_ID, config.server_id.as_str());
        let id = ("server_id", config.server_id.as_str());
        let tracer = Tracer::start(config.traces.as_ref(), id)?;
        let (listener, addr) = service::listen(HTTP_ADDR.name, config.http_addr).await?;
        let metrics_listener = service::listen_for_metrics(config.metrics_addr).await?;
        let (store, closer, changes) = open_store(&config).await.map_err(|source| {
            let path = config.database_url.path().display().to_string();
            StartError::Database { path, source }
        })?;
        import_at_first_start(&store, &config).await?;
        let tokens = AdminTokens::load(&store, &config).await?;
        let access = access(&config.admin_access, &tokens);
        let (bus, inbox) = bus::connect(bus_options(&config, credentials));
        let mut registry = Registry::default();
        let http_metrics = HttpMetrics::new(&mut registry);
        let command_metrics = CommandMetrics::new(&mut registry);
        let metrics = metrics(&config, registry, &bus, &store);
        let app = Arc::new(AppState {
            server_id: config.server_id.clone(),
            store,
            bus,
            tracer,
            tokens,
            charger_messages: ChargerMessages::default(),
            listing_cache: ListingCache::default(),
            array_clients: ArrayClients::default(),
            metrics: command_metrics,
            rules: config.rules,
            command_limit: config.command_limit,
            imports: Semaphore::new(MAX_IMPORTS),
        });
        let (stop, stop_announcing) = (CancellationToken::new(), CancellationToken::new());
        let (cut_off, broken) = (CancellationToken::new(), CancellationToken::new());
        let announcing = announce::run(Arc::clone(&app), changes, stop_announcing.clone());
        info!(%addr, database = %config.database_url.path().display(), "started");
        Ok(Self {
            addr,
            listener,
            metrics_listener,
            metrics,
            http_metrics,
            cors: config.cors,
            access,
            tasks: BackgroundTasks::start(
                &app,
                inbox,
                config.retention_days,
                &stop,
                &cut_off,
                &broken,
            ),
            announcer: service::spawn_essential(&broken, announcing),
            app,
            closer,
            stop,
            cut_off,
            stop_announcing,
            broken,
        })
    }

    /// The address of the admin API.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where `/metrics` is answered.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_listener.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Reads the secrets again at each signal, for as long as the program runs.
    pub fn reload_at(&self, signal: Reload) {
        let bus = self.app.bus.clone();
        // The store closes only after the last handle to it is dropped.
        let app = Arc::downgrade(&self.app);
        signal.at_each(move || {
            if let Some(app) = app.upgrade().filter(|app| app.tokens.operators_file().is_some()) {
                token_reader::read(&app);
            }
            bus.reload()
        });
    }

    /// Serves until `shutdown`. Then it finishes and acknowledges the requests and messages that
    /// are being handled, goes offline, and leaves one complete database file.
    ///
    /// # Errors
    /// It stopped because an essential task had ended.
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send) -> std::io::Result<()> {
        let router =
            admin::router(Arc::clone(&self.app), &self.cors, self.access, self.http_metrics);
        let router = service::trace_requests(router, &self.app.tracer);
        let http = service::serve(self.listener, router, self.stop.clone(), WORK_GRACE);
        let http = service::spawn_essential(&self.broken, http);
        let scrapes =
            service::serve_metrics(self.metrics_listener, self.metrics, self.stop.clone());
        let scrapes = service::spawn_essential(&self.broken, scrapes);
        let outcome = service::until_shutdown(shutdown, &self.broken).await;
        info!("stopping");
        self.stop.cancel();
        let scrapes = service::end_within(WORK_GRACE, scrapes);
        let (_, handlers, _) = tokio::join!(http, self.tasks.end(), scrapes);
        // Nothing may be changed any more when the announcer ends: no client would be told.
        let _ = tokio::time::timeout(WRITE_GRACE, self.app.store.settled()).await;
        // Before a command is refused: one that is cut off is neither answered nor acknowledged, and
        // the next servidor gets it.
        self.cut_off.cancel();
        if let Some(handlers) = handlers.filter(|handlers| !handlers.is_finished()) {
            warn!("some messages were not finished; the broker will deliver them again");
            service::end_within(CUT_OFF_GRACE, handlers).await;
        }
        self.app.store.refuse_writes(COMMIT_GRACE).await;
        self.stop_announcing.cancel();
        service::end_within(ANNOUNCE_GRACE, self.announcer).await;
        self.app.bus.close(BUS_GRACE).await;
        let tracer = self.app.tracer.clone();
        // The store closes only after the last handle to it is dropped.
        drop(self.app);
        let closing = tokio::time::timeout(STORE_GRACE, self.closer.close());
        let (closed, ()) = tokio::join!(closing, tracer.end(TRACES_GRACE));
        match closed {
            Ok(Ok(())) => info!("stopped"),
            Ok(Err(error)) => warn!(%error, "the database was left with its WAL"),
            Err(_) => warn!("the database was left with its WAL"),
        }
        outcome
    }
}

/// Everything that is counted. Nothing in it keeps the store or the bus open.
fn metrics(config: &Config, registry: Registry, bus: &Bus, store: &Store) -> Metrics {
    let id = config.server_id.as_str();
    let mut metrics = Metrics::of_program("server", id);
    metrics.add(registry);
    metrics.add(bus.metrics());
    metrics.add(store.metrics());
    let refresh = store.metrics_refresh();
    metrics.refresh_by(Box::new(move || {
        let refresh = refresh.clone();
        async move { refresh.refresh().await }.boxed()
    }));
    look_for_backups(&mut metrics, config.database_url.path().to_owned());
    metrics
}

/// Who may use the admin API. The log says where a token is, and never what it is.
fn access(setting: &AdminAccess, tokens: &AdminTokens) -> Access {
    if *setting == AdminAccess::Open {
        return Access::OwnPages;
    }
    if tokens.file().is_file() {
        info!(path = %tokens.file().display(), "the first token of the admin API is in this file");
    }
    Access::Tokens(tokens.valid())
}

/// Sweeps until `stop`, or until the writer has ended.
async fn sweep(app: Arc<AppState>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = app.store.sweep().await {
            warn!(%error, "the sweep failed");
            if app.store.is_closed() {
                return;
            }
        }
    }
}
