//! All SQL of a servidor: one writer, and readers that never disturb it.
//!
//! Facts go to the pure domain and its decisions come back to be written; nothing here knows
//! of messages, HTTP or the broker.

mod command;
mod database_url;
mod error;
mod migrations;
mod reader;
mod rows;
mod stored_reply;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, SqlitePool};
use tokio::sync::mpsc;
use tokio::task;
use tokio::time::Instant;

pub use command::{CancelTarget, Cancellation, Change, Edit, Reservation, Reserved, Telemetry};
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use error::{StoreError, WriteError};
pub use reader::{CarroRecord, Listing, RequestOutcome, ReservaRecord, ReservasQuery};
pub use rows::PostoRecord;

use crate::sabotage::{self, Bug};
use command::{Asked, Work};
use reader::Listings;
use writer::{Denied, Folding, Key, Writer};

/// The most commands that wait for the writer; more are refused at once.
const WRITER_QUEUE: usize = 8192;
/// Readers share one file cache with the writer through the WAL; a few are enough on any disk.
const READERS: u32 = 4;
/// How long SQLite waits for a lock that another program holds on the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// One servidor's database.
#[derive(Clone)]
pub struct Store {
    writer: mpsc::Sender<Work>,
    readers: SqlitePool,
    listings: Listings,
    servidor: Arc<str>,
    writable: Arc<AtomicBool>,
    denied: Denied,
}

/// Ends the writer and leaves one complete file behind.
pub struct StoreCloser {
    writer: JoinHandle<Connection>,
    lister: task::JoinHandle<()>,
    readers: SqlitePool,
}

/// Reads the wall clock.
pub type Clock = Arc<dyn Fn() -> domain::Moment + Send + Sync>;

/// Where the store gets what it cannot know itself.
pub struct Environment {
    /// The servidor's id, as it appears in refusals.
    pub servidor: String,
    /// Reads the wall clock.
    pub now: Clock,
    /// Told of every change, after it is on disk.
    pub changes: mpsc::Sender<Vec<Change>>,
}

impl Store {
    /// Opens (or makes) the database file, brings its schema up to date, starts the writer.
    ///
    /// # Errors
    /// The folder or file cannot be made or written, or it is no database of ours.
    pub async fn open(
        path: &Path,
        environment: Environment,
    ) -> Result<(Self, StoreCloser), StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(StoreError::Folder)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        migrate(&options, &environment.servidor).await?;
        let connection = writer::open(path)?;
        let folding = Folding::start(path)?;
        let options = options.create_if_missing(false).pragma("query_only", "ON");
        let (listings, lister) =
            Listings::open(options.clone(), Arc::clone(&environment.now)).await?;
        let readers =
            SqlitePoolOptions::new().max_connections(READERS).connect_with(options).await?;
        let servidor = environment.servidor.as_str().into();
        let writable = Arc::new(AtomicBool::new(true));
        let (sender, receiver) = mpsc::channel(WRITER_QUEUE);
        let denied = Denied::default();
        let writer = Writer::new(environment, Arc::clone(&writable), denied.clone(), folding);
        let writer = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || writer.run(connection, receiver))
            .map_err(StoreError::Thread)?;
        let closer = StoreCloser { writer, lister, readers: readers.clone() };
        Ok((Self { writer: sender, readers, listings, servidor, writable, denied }, closer))
    }

    /// Whether the writer is no more, so that nothing will ever be written again.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.writer.is_closed()
    }

    /// Whether the last write went well; after one that did not, every sweep tries again.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }

    /// Hands a command to the writer and waits until it is on disk.
    async fn write<C, T>(
        &self,
        command: C,
        work: impl FnOnce(Asked<C, T>) -> Work,
    ) -> Result<T, WriteError> {
        let (asked, outcome) = Asked::new(command);
        self.writer.try_send(work(asked)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => WriteError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => WriteError::Unavailable,
        })?;
        outcome.await.unwrap_or(Err(WriteError::Unavailable))
    }

    /// Reserves a posto, or gives the first answer again to a repeated request.
    ///
    /// # Errors
    /// Refused, past its deadline, or the database cannot write.
    pub async fn reserve(&self, reservation: Reservation) -> Result<Reserved, WriteError> {
        let (key, deadline) = (Key::from(&reservation), reservation.deadline);
        let outcome = self.write(reservation, |asked| Work::Reserve(Box::new(asked))).await;
        if outcome == Err(WriteError::Overloaded) {
            self.denied.note(key, deadline, WriteError::Overloaded);
        }
        outcome
    }

    /// Cancels a reserva; one that is cancelled already stays so.
    ///
    /// # Errors
    /// No such reserva, its time has run out, past the deadline, or the database cannot write.
    pub async fn cancel(
        &self,
        target: CancelTarget,
        deadline: Instant,
    ) -> Result<domain::Reserva, WriteError> {
        let key = Key::Cancel(target.clone());
        let cancellation = Cancellation { target, deadline };
        let outcome = self.write(cancellation, |asked| Work::Cancel(Box::new(asked))).await;
        if outcome == Err(WriteError::Overloaded) {
            self.denied.note(key, deadline, WriteError::Overloaded);
        }
        outcome
    }

    /// Makes one of the operator's changes; the id of the row it made or changed.
    ///
    /// # Errors
    /// Refused, or the database cannot write.
    pub async fn edit(&self, edit: Edit) -> Result<i64, WriteError> {
        self.write(edit, |asked| Work::Edit(Box::new(asked))).await
    }

    /// Takes in what a carro says of itself; of an unknown carro, nothing is kept.
    ///
    /// # Errors
    /// The database cannot write.
    pub async fn record(&self, telemetry: Telemetry) -> Result<(), WriteError> {
        self.write(telemetry, |asked| Work::Telemetry(Box::new(asked))).await
    }

    /// Waits until everything that was handed to the writer before is on disk, or is not.
    ///
    /// # Errors
    /// The database cannot write.
    pub async fn settled(&self) -> Result<(), WriteError> {
        self.write((), Work::Barrier).await
    }

    /// Marks the reservas that have ended and announces those that begin.
    ///
    /// # Errors
    /// The database cannot write.
    pub async fn sweep(&self) -> Result<(), WriteError> {
        self.write((), Work::Sweep).await
    }
}

impl StoreCloser {
    /// Waits for the writer's last batch, then folds the WAL into the file.
    ///
    /// Every [`Store`] must have been dropped, else the writer waits for more.
    ///
    /// # Errors
    /// The WAL could not be folded in; nothing is lost, the next start does it.
    pub async fn close(self) -> Result<(), StoreError> {
        let writer = task::spawn_blocking(|| self.writer.join()).await;
        let _ = self.lister.await;
        self.readers.close().await;
        // It does not fail; should it have panicked, its connection is closed all the same.
        if let Ok(Ok(connection)) = writer {
            let folded = task::spawn_blocking(|| writer::close(connection)).await;
            return folded.unwrap_or(Err(StoreError::Closed));
        }
        Ok(())
    }
}

/// Makes the file if it is not there, brings its schema up to date, and makes sure that it is this
/// servidor's own: that of the first who opens it.
async fn migrate(options: &SqliteConnectOptions, servidor: &str) -> Result<(), StoreError> {
    let mut connection = options.connect().await?;
    migrations::run(&mut connection).await?;
    let owner: Option<String> =
        sqlx::query_scalar("SELECT server_id FROM owner").fetch_optional(&mut connection).await?;
    match owner {
        None => {
            sqlx::query("INSERT INTO owner (id, server_id) VALUES (1, ?1)")
                .bind(servidor)
                .execute(&mut connection)
                .await?;
        }
        Some(owner) if owner != servidor => return Err(StoreError::AnothersFile { owner }),
        Some(_) => {}
    }
    if sabotage::has(Bug::Overlap) {
        for trigger in ["insert", "update"] {
            let sql = format!("DROP TRIGGER IF EXISTS reservas_never_overlap_on_{trigger}");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
    }
    connection.close().await?;
    Ok(())
}
