//! The one writer: takes all commands that wait, writes them in one transaction, then answers.
//!
//! It has a thread of its own and a library that runs each statement on the calling thread, so
//! that a statement costs what SQLite takes for it and no switch of threads.

mod cancel;
mod carregamentos;
pub(super) mod checkpoint;
pub(super) mod command;
mod contents;
mod facts;
mod postos;
pub(super) mod queue;
pub(super) mod recent_failures;
mod reserve;
pub(super) mod sweep;
mod telemetry;
mod transaction;
mod wal_tail;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Moment;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::environment::Environment;
use super::error::{StoreError, WriteError};
use super::lost_files;
use super::open_files::OpenFiles;
use checkpoint::Checkpointer;
use contents::Contents;
use queue::{Batches, Queued};
use recent_failures::RecentFailures;
use transaction::{Committed, Failed};
use wal_tail::WalTail;

pub use cancel::{CancelReserva, CancelTarget};
pub use carregamentos::{FinishCarregamento, StartCarregamento};
pub use command::WriteCommand;
pub use postos::{ChangePosto, CreatePosto, ImportPostos, RemovePosto};
pub use queue::Barrier;
pub use reserve::Reserve;
pub use telemetry::RecordTelemetry;

/// How long SQLite waits for a lock that another program holds on the file.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements that are kept: more than there are.
const STATEMENTS: usize = 32;
/// The writer's page cache in KiB (SQLite counts KiB where the number is negative): enough for
/// the ends of all indexes, where new reservas are inserted.
const CACHE: i64 = -8192;

/// Opens the one connection that writes, to a file that is in WAL mode. Its WAL exists from then on.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // FULL: a commit is on disk before it is answered, and survives a power loss.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", CACHE)?;
    connection.pragma_update(None, "wal_autocheckpoint", checkpoint::MAX_WAL_PAGES)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // SQLite opens the WAL at the first read.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Checkpoints the whole WAL into the file and closes it, unless the two no longer belong together.
pub(super) fn close(connection: Connection) -> Result<(), StoreError> {
    if !connection.db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)? {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

type Batch = Vec<Box<dyn Queued>>;

/// The writer's state between two batches.
pub(super) struct Writer {
    environment: Environment,
    files: OpenFiles,
    contents: Contents,
    wal_tail: WalTail,
    /// A commit has failed, and a restart may still find it in the WAL.
    in_doubt: Arc<AtomicBool>,
    /// What SQLite said when the owner and the schema of the file were last verified.
    data_version: Option<i64>,
    last_sweep: Moment,
    writable: Arc<AtomicBool>,
    recent_failures: RecentFailures,
    checkpointer: Checkpointer,
}

impl Writer {
    /// Of a file that a connection of [`open`] holds open.
    pub(super) fn new(
        path: &Path,
        environment: Environment,
        writable: Arc<AtomicBool>,
        in_doubt: Arc<AtomicBool>,
        recent_failures: RecentFailures,
    ) -> Result<Self, StoreError> {
        let files = OpenFiles::at(path)?;
        let wal_tail = WalTail::open(path, &files.wal.path)?;
        let contents = Contents::new(path.to_owned(), files.wal.path.clone());
        let checkpointer = Checkpointer::start(path)?;
        Ok(Self {
            last_sweep: (environment.now)(),
            environment,
            files,
            contents,
            wal_tail,
            in_doubt,
            data_version: None,
            writable,
            recent_failures,
            checkpointer,
        })
    }

    /// Writes until every `Store` is dropped, then returns the connection. It ends earlier when the
    /// file is no longer its own.
    pub(super) fn run(
        mut self,
        mut connection: Connection,
        queue: mpsc::Receiver<Box<dyn Queued>>,
    ) -> Connection {
        let mut batches = Batches::new(queue);
        let mut batch = Batch::new();
        while batches.next(&mut batch) {
            let outcome = self.write(&mut connection, &mut batch);
            if let Err(Failed::Undone(failure)) = &outcome
                && batch.len() > 1
                && failure.is_about_one_command()
            {
                let commands = batch.len();
                warn!(commands, error = %failure, "a batch failed; writing it one by one");
                for queued in batch.drain(..) {
                    let mut single = vec![queued];
                    let outcome = self.write(&mut connection, &mut single);
                    self.answer(single, &outcome);
                }
                continue;
            }
            self.answer(batch.drain(..), &outcome);
            if let Err(failed) = outcome
                && failed.cause().ends_the_writer()
            {
                error!(error = %failed.cause(), "the writer ends");
                let now = (self.environment.now)();
                lost_files::rescue(&connection, &self.files, failed.cause(), now);
                break;
            }
            self.checkpointer.after_batch(&connection);
            if self.checkpointer.is_running() {
                self.contents.expect_checkpoint();
            }
        }
        self.checkpointer.end();
        connection
    }

    /// Answers each command of a batch; after a failure, that it was not written or may not be.
    fn answer(
        &self,
        batch: impl IntoIterator<Item = Box<dyn Queued>>,
        outcome: &Result<(), Failed>,
    ) {
        let Err(failed) = outcome else {
            return batch.into_iter().for_each(Queued::answer);
        };
        error!(error = %failed.cause(), "the database cannot write");
        let answer = match failed {
            Failed::Undone(_) => WriteError::Unavailable,
            Failed::InDoubt(_) => WriteError::Unknown,
        };
        for queued in batch {
            self.recent_failures.add(queued.retry(), answer.clone());
            queued.fail(answer.clone());
        }
    }

    fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }

    /// Writes a batch, and records whether the database can write.
    fn write(&mut self, connection: &mut Connection, batch: &mut Batch) -> Result<(), Failed> {
        let committed = self.commit(connection, batch);
        match &committed {
            Ok(_) => self.writable.store(true, Ordering::Relaxed),
            Err(failed) if failed.cause().is_about_one_command() => {}
            Err(_) => self.writable.store(false, Ordering::Relaxed),
        }
        let Committed { last_sweep, changes } = committed?;
        self.last_sweep = last_sweep;
        if !changes.is_empty() && self.environment.changes.try_send(changes).is_err() {
            warn!("changes happen faster than they can be announced; some were not");
        }
        Ok(())
    }
}
