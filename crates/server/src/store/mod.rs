//! All SQL of a servidor: one writer, and readers that never disturb it.
//!
//! Facts go to the pure domain and its decisions come back to be written; nothing here knows
//! of messages, HTTP or the broker.

mod batch;
mod carregamentos;
mod command;
mod database_url;
mod denied;
mod error;
mod listing;
mod migrations;
mod postos;
mod read;
mod reservas;
mod rows;
mod stored_reply;
mod sweep;
mod telemetry;
mod transaction;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use command::{CancelTarget, Cancellation, Change, Edit, Reservation, Reserved, Telemetry};
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use error::{StoreError, WriteError};
pub use listing::{Listing, PostosQuery};
pub use read::{CarroRecord, RequestOutcome, ReservaRecord, ReservasQuery};
pub use rows::PostoRecord;

use crate::sabotage::{self, Bug};
use command::{Done, Work};
use denied::{Denied, Key};
use listing::Listings;
use writer::Writer;

/// The most commands that wait for the writer; more are refused at once.
const WRITER_QUEUE: usize = 8192;
/// Readers share one file cache with the writer through the WAL; a few are enough on any disk.
const READERS: u32 = 4;
/// Pages that the writer keeps in memory, in KiB: enough for the ends of all indexes, where new
/// reservas go. (SQLite counts KiB where the number is negative.)
const WRITER_CACHE: &str = "-8192";
/// Pages in the WAL after which it is folded into the file. SQLite's own 1,000 folds the ends of
/// the indexes, which nearly every batch writes, four times as often. These are 16 MiB; a start
/// after a crash that left so many takes 18 ms.
const CHECKPOINT_PAGES: &str = "4000";
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
    writer: JoinHandle<SqliteConnection>,
    lister: JoinHandle<()>,
    readers: SqlitePool,
}

/// Where the store gets what it cannot know itself.
pub struct Environment {
    /// The servidor's id, as it appears in refusals.
    pub servidor: String,
    /// Reads the wall clock.
    pub now: fn() -> domain::Moment,
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
            // FULL: a commit is on disk before it is answered, power loss included.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let writing = options.clone().pragma("cache_size", WRITER_CACHE);
        let writing = writing.pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
        let mut connection = writing.connect().await?;
        migrations::run(&mut connection).await?;
        if sabotage::has(Bug::Overlap) {
            for trigger in ["insert", "update"] {
                let sql = format!("DROP TRIGGER IF EXISTS reservas_never_overlap_on_{trigger}");
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
            }
        }
        let options = options.create_if_missing(false).pragma("query_only", "ON");
        let (listings, lister) = Listings::open(options.clone(), environment.now).await?;
        let readers =
            SqlitePoolOptions::new().max_connections(READERS).connect_with(options).await?;
        let servidor = environment.servidor.as_str().into();
        let writable = Arc::new(AtomicBool::new(true));
        let (sender, receiver) = mpsc::channel(WRITER_QUEUE);
        let denied = Denied::default();
        let writer = Writer::new(environment, Arc::clone(&writable), denied.clone());
        let writer = tokio::spawn(writer.run(connection, receiver));
        let closer = StoreCloser { writer, lister, readers: readers.clone() };
        Ok((Self { writer: sender, readers, listings, servidor, writable, denied }, closer))
    }

    /// Whether the last write went well; after one that did not, every sweep tries again.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }

    /// Hands work to the writer and waits until it is on disk.
    async fn write<T>(&self, work: impl FnOnce(Done<T>) -> Work) -> Result<T, WriteError> {
        let (done, outcome) = oneshot::channel();
        self.writer.try_send(work(done)).map_err(|error| match error {
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
        let outcome = self.write(|done| Work::Reserve(Box::new(reservation), done)).await;
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
        let outcome =
            self.write(|done| Work::Cancel(Cancellation { target, deadline }, done)).await;
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
        self.write(|done| Work::Edit(Box::new(edit), done)).await
    }

    /// Takes in what a carro says of itself; of an unknown carro, nothing is kept.
    ///
    /// # Errors
    /// The database cannot write.
    pub async fn record(&self, telemetry: Telemetry) -> Result<(), WriteError> {
        self.write(|done| Work::Telemetry(telemetry, done)).await
    }

    /// Waits until everything that was handed to the writer before is on disk, or is not.
    ///
    /// # Errors
    /// The database cannot write.
    pub async fn settled(&self) -> Result<(), WriteError> {
        self.write(Work::Barrier).await
    }

    /// Marks the reservas that have ended and announces those that begin.
    ///
    /// # Errors
    /// The database cannot write.
    pub async fn sweep(&self) -> Result<(), WriteError> {
        self.write(Work::Sweep).await
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
        let connection = self.writer.await;
        // It does not fail; should it have panicked, its connection is closed all the same.
        let _ = self.lister.await;
        self.readers.close().await;
        if let Ok(mut connection) = connection {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
            connection.close().await?;
        }
        Ok(())
    }
}
