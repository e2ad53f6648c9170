//! The one writer: takes all commands that wait, writes them in one transaction, then answers.
//!
//! It has a thread of its own and a library that runs each statement on the calling thread, so
//! that a statement costs what SQLite takes for it and no switch of threads.

mod cancel;
mod carregamentos;
pub(super) mod checkpoint;
pub(super) mod command;
mod facts;
mod postos;
pub(super) mod queue;
pub(super) mod recent_failures;
mod reserve;
pub(super) mod sweep;
mod telemetry;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Moment;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, warn};

use super::environment::{Change, Environment};
use super::error::{StoreError, WriteError};
use crate::failpoints::{self, Bug, CrashPoint};
use checkpoint::Checkpointer;
use command::WriteContext;
use queue::{Batches, Queued};
use recent_failures::RecentFailures;

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

/// Opens the one connection that writes, to a file that is in WAL mode.
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
    Ok(connection)
}

/// Checkpoints the whole WAL into the file and closes it.
pub(super) fn close(connection: Connection) -> Result<(), StoreError> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

type Batch = Vec<Box<dyn Queued>>;

/// The writer's state between two batches.
pub(super) struct Writer {
    environment: Environment,
    last_sweep: Moment,
    writable: Arc<AtomicBool>,
    recent_failures: RecentFailures,
    checkpointer: Checkpointer,
}

impl Writer {
    pub(super) fn new(
        environment: Environment,
        writable: Arc<AtomicBool>,
        recent_failures: RecentFailures,
        checkpointer: Checkpointer,
    ) -> Self {
        let last_sweep = (environment.now)();
        Self { environment, last_sweep, writable, recent_failures, checkpointer }
    }

    /// Writes until every `Store` is dropped, then returns the connection.
    pub(super) fn run(
        mut self,
        mut connection: Connection,
        queue: mpsc::Receiver<Box<dyn Queued>>,
    ) -> Connection {
        let mut batches = Batches::new(queue);
        let mut batch = Batch::new();
        while batches.next(&mut batch) {
            match self.write(&mut connection, &mut batch) {
                Err(failure) if batch.len() > 1 && failure.is_about_one_command() => {
                    let commands = batch.len();
                    warn!(commands, error = %failure, "a batch failed; writing it one by one");
                    for queued in batch.drain(..) {
                        let mut single = vec![queued];
                        let written = self.write(&mut connection, &mut single);
                        self.answer(single, written.err());
                    }
                }
                written => self.answer(batch.drain(..), written.err()),
            }
            self.checkpointer.after_batch(&connection);
        }
        self.checkpointer.end();
        connection
    }

    /// Answers each command of a batch; after a failure, that it was not written.
    fn answer(
        &self,
        batch: impl IntoIterator<Item = Box<dyn Queued>>,
        failure: Option<StoreError>,
    ) {
        let Some(failure) = failure else {
            return batch.into_iter().for_each(Queued::answer);
        };
        error!(error = %failure, "the database cannot write");
        for queued in batch {
            self.recent_failures.add(queued.retry(), WriteError::Unavailable);
            queued.fail();
        }
    }

    /// Writes a batch, and records whether the database can write.
    ///
    /// # Errors
    /// Nothing of the batch was written.
    fn write(&mut self, connection: &mut Connection, batch: &mut Batch) -> Result<(), StoreError> {
        let committed = self.commit(connection, batch);
        match &committed {
            Ok(_) => self.writable.store(true, Ordering::Relaxed),
            Err(failure) if failure.is_about_one_command() => {}
            Err(_) => self.writable.store(false, Ordering::Relaxed),
        }
        let Committed { last_sweep, changes } = committed?;
        self.last_sweep = last_sweep;
        if !changes.is_empty() && self.environment.changes.try_send(changes).is_err() {
            warn!("changes happen faster than they can be announced; some were not");
        }
        Ok(())
    }

    /// Carries out a batch in one transaction, in order of arrival.
    fn commit(
        &self,
        connection: &mut Connection,
        batch: &mut Batch,
    ) -> Result<Committed, StoreError> {
        // Immediate: with the lock taken first, nothing that is read can change before the commit.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        crash_at(CrashPoint::Begun, batch);
        let mut context = WriteContext {
            connection: &transaction,
            server_id: &self.environment.server_id,
            now: (self.environment.now)(),
            clock: Instant::now(),
            recent_failures: &self.recent_failures,
            last_sweep: self.last_sweep,
            changes: Vec::new(),
        };
        if !self.writable.load(Ordering::Relaxed) {
            sweep::probe(&context)?;
        }
        for queued in batch.iter_mut() {
            queued.apply(&mut context)?;
        }
        let WriteContext { last_sweep, changes, .. } = context;
        if failpoints::has(Bug::EarlyReply) {
            batch.drain(..).for_each(Queued::answer);
            std::thread::sleep(failpoints::EARLY_REPLY_LEAD);
        }
        crash_at(CrashPoint::BeforeCommit, batch);
        transaction.commit()?;
        crash_at(CrashPoint::AfterCommit, batch);
        Ok(Committed { last_sweep, changes })
    }
}

/// What a committed transaction leaves for the writer.
struct Committed {
    last_sweep: Moment,
    changes: Vec<Change>,
}

/// Crashes only in batches with a command about a reserva, so that a test can start a servidor
/// and fill it.
fn crash_at(point: CrashPoint, batch: &Batch) {
    if failpoints::will_crash_at(point) && batch.iter().any(|queued| queued.retry().is_some()) {
        failpoints::crash_at(point);
    }
}
