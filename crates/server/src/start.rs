//! Putting a servidor together, and taking it down again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Entrega, ServerPresence, ServerState, Timestamp, topics};
use service::ListenError;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::{Config, PostosCsv};
use crate::handlers::{Chargers, Listings};
use crate::import::{ImportError, read_postos};
use crate::servidor::{Parts, Servidor, now};
use crate::store::{Environment, ImportPostos, Store, StoreCloser, StoreError, WriteError};
use crate::{admin, announce, handlers};

/// How often what passes by itself is looked at.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How long a stop waits for requests and messages in hand.
const WORK_GRACE: Duration = Duration::from_secs(2);
/// How long a stop waits for answers to be taken by the broker.
const BUS_GRACE: Duration = Duration::from_secs(1);
/// The most messages the broker may leave with us unacknowledged.
const INBOX: usize = 2048;
/// The most answers and events that wait for the broker.
const OUTBOX: usize = 16_384;
/// How long the broker keeps messages for a servidor that is away.
const SESSION_EXPIRY: Duration = Duration::from_secs(3600);
/// The most batches of changes that wait to be announced.
const CHANGES: usize = 4096;

/// Why a servidor cannot start; for the operator, with what to mend.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its HTTP address is taken or not to be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Its database cannot be used.
    #[error("DATABASE_URL names {path}, which cannot be used: {source}")]
    Database {
        /// The file.
        path: String,
        /// What SQLite says.
        source: StoreError,
    },
    /// Its file of postos is wrong.
    #[error("POSTOS_CSV: {0}")]
    Import(#[from] ImportError),
    /// Its postos could not be read.
    #[error("the postos in the database cannot be read: {0}")]
    Read(#[source] StoreError),
    /// Its postos could not be written.
    #[error("the postos of POSTOS_CSV cannot be written: {0}")]
    Write(#[from] WriteError),
}

/// A servidor that has started.
pub struct Server {
    addr: SocketAddr,
    listener: TcpListener,
    servidor: Servidor,
    closer: StoreCloser,
    stop: CancellationToken,
    stop_announcing: CancellationToken,
    /// Cancelled when one of the tasks ends.
    broken: CancellationToken,
    handlers: JoinHandle<()>,
    announcer: JoinHandle<()>,
    sweeper: JoinHandle<()>,
}

impl Server {
    /// Opens the database, fills it at a first start, and goes to the broker, which may come
    /// later: a servidor without a broker starts and keeps trying.
    ///
    /// # Errors
    /// The address, the database or the file of postos cannot be used.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let (listener, addr) = service::listen(config.http_addr).await?;
        let (sender, changes) = mpsc::channel(CHANGES);
        let environment = Environment {
            server_id: config.server_id.as_str().to_owned(),
            now: Arc::new(now),
            changes: sender,
        };
        let path = config.database_url.path();
        let database_error =
            |source| StartError::Database { path: path.display().to_string(), source };
        let (store, closer) = Store::open(path, environment).await.map_err(database_error)?;
        first_start(&store, &config).await?;
        let (bus, inbox) = bus::connect(bus_options(&config));
        let servidor = Servidor::from(Parts {
            id: config.server_id.clone(),
            store,
            bus,
            chargers: Chargers::default(),
            listings: Listings::default(),
            command_limit: config.command_limit,
        });
        let (stop, stop_announcing) = (CancellationToken::new(), CancellationToken::new());
        let broken = CancellationToken::new();
        let handling = handlers::run(servidor.clone(), inbox, stop.clone());
        let announcing = announce::run(servidor.clone(), changes, stop_announcing.clone());
        let sweeping = sweep(servidor.clone(), stop.clone());
        info!(server_id = %config.server_id, %addr, database = %path.display(), "started");
        Ok(Self {
            addr,
            listener,
            handlers: service::spawn_essential(&broken, handling),
            announcer: service::spawn_essential(&broken, announcing),
            sweeper: service::spawn_essential(&broken, sweeping),
            servidor,
            closer,
            stop,
            stop_announcing,
            broken,
        })
    }

    /// Where the admin API listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `shutdown` is done; then finishes and acknowledges what is in hand, goes
    /// offline, and leaves one complete database file.
    ///
    /// # Errors
    /// A part of it ended that must not.
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send) -> std::io::Result<()> {
        let router = admin::router(self.servidor.clone());
        let http = service::serve(self.listener, router, self.stop.clone(), WORK_GRACE);
        let http = service::spawn_essential(&self.broken, http);
        let asked = service::until_asked_or_broken(shutdown, &self.broken).await;
        info!("stopping");
        self.stop.cancel();
        let _ = http.await;
        if tokio::time::timeout(WORK_GRACE, self.handlers).await.is_err() {
            warn!("some messages were still in hand; the broker will deliver them again");
        }
        let _ = self.sweeper.await;
        self.stop_announcing.cancel();
        let _ = self.announcer.await;
        self.servidor.bus.close(BUS_GRACE).await;
        drop(self.servidor);
        match tokio::time::timeout(WORK_GRACE, self.closer.close()).await {
            Ok(Ok(())) => info!("stopped"),
            Ok(Err(error)) => warn!(%error, "the database was left with its WAL"),
            Err(_) => warn!("the database was left with its WAL"),
        }
        if asked { Ok(()) } else { Err(std::io::Error::other("a part of it had ended")) }
    }
}

/// Fills a database that never had a posto.
async fn first_start(store: &Store, config: &Config) -> Result<(), StartError> {
    if store.ever_had_postos().await.map_err(StartError::Read)? {
        return Ok(());
    }
    let path = match &config.postos_csv {
        PostosCsv::Default(path) if !path.exists() => {
            warn!(path = %path.display(), "no file of postos; starting without any");
            return Ok(());
        }
        PostosCsv::Default(path) | PostosCsv::Named(path) => path,
    };
    let postos = store.execute(ImportPostos(read_postos(path)?)).await?;
    info!(postos, path = %path.display(), "imported");
    Ok(())
}

fn bus_options(config: &Config) -> bus::Options {
    let presence = |status| {
        let server_id = config.server_id.clone();
        let payload = move |desde: Timestamp| {
            let presence = ServerPresence {
                server_id: server_id.clone(),
                status,
                desde,
                versao: env!("CARGO_PKG_VERSION").to_owned(),
                entrega: vec![Entrega::Difusao, Entrega::Direta],
            };
            serde_json::to_vec(&presence).unwrap_or_default()
        };
        Arc::new(payload)
    };
    bus::Options {
        broker: config.mqtt_broker.clone(),
        port: config.mqtt_port,
        // A colon is in no id of ours, so no gateway can have this name.
        mqtt_id: format!("server:{}", config.server_id),
        subscriptions: topics::server_subscriptions(&config.server_id),
        presence: Some(bus::Presence {
            topic: topics::presence(&config.server_id),
            birth: presence(ServerState::Online),
            will: presence(ServerState::Offline),
        }),
        session_expiry: SESSION_EXPIRY,
        inbox: INBOX,
        outbox: OUTBOX,
    }
}

/// Looks at the clock until told to stop, or there is no writer any more.
async fn sweep(servidor: Servidor, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = servidor.store.sweep().await {
            warn!(%error, "the sweep was not made");
            if servidor.store.is_closed() {
                return;
            }
        }
    }
}
