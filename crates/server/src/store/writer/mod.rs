//! The one writer: takes all commands that wait, writes them in one transaction, then answers.
//!
//! It has a thread of its own and a library that runs each statement on the calling thread, so
//! that a statement costs what SQLite takes for it and no switch of threads.

mod audited;
mod carregamentos;
pub(super) mod command;
pub(super) mod commit;
mod facts;
pub(super) mod housekeeping;
mod postos;
mod reservas;
mod session_reports;
pub(super) mod state;
mod statements;
mod telemetry;
mod tokens;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use domain::Moment;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::store::environment::Environment;
use crate::store::error::{StoreError, WriteError};
use crate::store::files::connections::{self, BUSY_TIMEOUT};
use crate::store::files::lost_files;
use crate::store::files::paths::folder_of;
use crate::store::write_trace::BatchTimes;
use commit::checkpoint::Checkpointer;
use commit::queue::{Batch, Batches, Queued};
use commit::transaction::{Failed, Transactions};
use state::WriterState;

pub use audited::Audited;
pub use carregamentos::{FinishCarregamento, StartCarregamento};
pub use command::WriteCommand;
pub use housekeeping::archive::{ArchiveEnded, Archived};
pub use housekeeping::forget::{ForgetCarro, ForgetEnded, ForgettingRun, Forgotten, VacuumIfDue};
pub use postos::carregadores::{ChargerReport, ChargerSource, ForgetCharger, RecordChargerMessage};
pub use postos::edit::{ChangePosto, CreatePosto, ImportPostos};
pub use postos::maintenance::{
    AffectedReserva, Maintained, RemovePosto, ReservaOutcome, SetService,
};
pub use reservas::cancel::{CancelReserva, CancelTarget};
pub use reservas::change::ChangeReserva;
pub use reservas::reserve::Reserve;
pub use session_reports::{CorrectCarregamento, ReportCarregamento, Reported};
pub use telemetry::RecordTelemetry;
pub use tokens::{CreateToken, RevokeToken, SetToken, TokenHash};

/// After a VACUUM the next one waits this many times its duration, because commands wait during a
/// VACUUM.
const VACUUM_PAUSE_FACTOR: u32 = 20;
/// More than the statements there are, so none is prepared twice.
const STATEMENT_CACHE_CAPACITY: usize = 144;
/// Enough for the ends of all indexes, where new reservas are inserted. Negative: SQLite then reads
/// the number as KiB.
const PAGE_CACHE_KIB: i64 = -8192;

/// Opens the one connection that writes, to a file that is in WAL mode, and writes a row. SQLite
/// opens files that it may only read, too. The WAL exists from then on.
pub(super) fn open(path: &Path, now: Moment) -> Result<Connection, StoreError> {
    let mut connection = connections::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // FULL: a commit is on disk before it is answered, and survives a power loss.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", PAGE_CACHE_KIB)?;
    // SQLite would hide a failure of its own checkpoints.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_CAPACITY);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    reservas::clock_corrections::after_downtime(&transaction, now)?;
    housekeeping::sweep::probe(&transaction, now)?;
    housekeeping::statistics::keep_archived(&transaction)?;
    transaction.commit()?;
    Ok(connection)
}

/// What a writer that has ended leaves to be closed.
pub(super) struct StoppedWriter {
    connection: Connection,
    /// Why the WAL must not be checkpointed.
    not_synced: Option<StoreError>,
    /// Closed after the connection: closing any descriptor of a file gives up all POSIX locks of the
    /// process on it, also those of SQLite's connections (sqlite.org/howtocorrupt.html, section 2.2).
    _database: Arc<File>,
}

/// Checkpoints the whole WAL into the file and closes it, unless the two no longer belong together, or
/// the WAL has to be read by the next start.
pub(super) fn close(ended: StoppedWriter) -> Result<(), StoreError> {
    if !ended.connection.db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)? {
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        if let Err(failure) = ended.connection.query_row(checkpoint, [], |_| Ok(())) {
            // SQLite would try again as it closes, and remove the WAL if nothing fails any more.
            lost_files::never_checkpoint(&ended.connection);
            return Err(failure.into());
        }
    }
    ended.connection.close().map_err(|(_, error)| error)?;
    ended.not_synced.map_or(Ok(()), Err)
}

pub(super) struct Writer {
    transactions: Transactions,
    state: WriterState,
    /// Its connections are closed before it, as [`StoppedWriter`] says.
    database: Arc<File>,
    checkpointer: Checkpointer,
    /// The file is not written anew before this.
    next_vacuum: Instant,
}

impl Writer {
    /// Makes the writer of a file that a connection of [`open`] and this descriptor hold open.
    pub(super) fn new(
        path: &Path,
        database: File,
        environment: Environment,
        state: WriterState,
    ) -> Result<Self, StoreError> {
        let transactions = Transactions::of(path, environment, state.clone())?;
        let metrics = Arc::clone(&state.metrics);
        let database = Arc::new(database);
        let checkpointer = Checkpointer::start(path, Arc::clone(&database), metrics)?;
        Ok(Self { transactions, state, database, checkpointer, next_vacuum: Instant::now() })
    }

    /// Writes until every `Store` is dropped, then returns what is to be closed. It ends earlier
    /// when the file is no longer its own, or may lack what was checkpointed.
    pub(super) fn run(
        mut self,
        mut connection: Connection,
        queue: mpsc::Receiver<Box<dyn Queued>>,
    ) -> StoppedWriter {
        let mut cause = self.write_all(&mut connection, queue).err();
        if let Some(cause) = &cause {
            self.rescue(&connection, cause);
        }
        let Self { database, checkpointer, .. } = self;
        if let Err(failure) = checkpointer.end() {
            error!(error = %failure, "the WAL is left as it is");
            lost_files::never_checkpoint(&connection);
            cause.get_or_insert(failure);
        }
        let not_synced = cause.filter(|cause| matches!(cause, StoreError::NotSynced(_)));
        StoppedWriter { connection, not_synced, _database: database }
    }

    /// Writes until the queue is closed; an error says why it cannot go on.
    fn write_all(
        &mut self,
        connection: &mut Connection,
        queue: mpsc::Receiver<Box<dyn Queued>>,
    ) -> Result<(), StoreError> {
        let mut batches = Batches::new(queue);
        let mut batch = Batch::new();
        while batches.next(&mut batch) {
            let commands = batch.len();
            self.state.metrics.batch.observe(commands as f64);
            let outcome = self.write(connection, &mut batch);
            if let Err(Failed::Undone(failure)) = &outcome
                && batch.len() > 1
                && failure.is_about_one_command()
            {
                warn!(commands, error = %failure, "a batch failed; writing it one by one");
                for queued in batch.drain(..) {
                    let mut single = vec![queued];
                    let outcome = self.write(connection, &mut single);
                    self.answer(single, &outcome);
                }
                self.state.count_answered(commands);
                continue;
            }
            self.answer(batch.drain(..), &outcome);
            self.state.count_answered(commands);
            if let Err(failed) = outcome
                && failed.cause().ends_the_writer()
            {
                return Err(failed.into_cause());
            }
            self.after_batch(connection)?;
        }
        Ok(())
    }

    /// Checkpoints, or writes the file anew, where that is due; an error ends the writer.
    fn after_batch(&mut self, connection: &Connection) -> Result<(), StoreError> {
        if self.checkpointer.after_batch(connection)? {
            self.transactions.expect_checkpoint();
        }
        // It empties the WAL, so what the thread writes has to be synced before.
        if !self.checkpointer.is_running()
            && self.transactions.take_wanted_vacuum()
            && Instant::now() >= self.next_vacuum
        {
            self.vacuum(connection)?;
        }
        Ok(())
    }

    /// Says why the writer ends, and keeps what was committed where the next start finds it.
    fn rescue(&self, connection: &Connection, cause: &StoreError) {
        error!(error = %cause, "the writer ends");
        let opened = self.database.metadata();
        let (files, now) = (self.transactions.files(), self.transactions.now());
        lost_files::rescue(connection, files, &opened, cause, now);
    }

    /// Writes a batch, and notes when for the commands that are traced.
    fn write(&mut self, connection: &mut Connection, batch: &mut Batch) -> Result<(), Failed> {
        let taken = batch.iter().any(|queued| queued.is_traced()).then(SystemTime::now);
        let commands = batch.len();
        // Commands that are written one by one have no look at the checkpointer between them.
        if self.checkpointer.is_running() {
            self.transactions.expect_checkpoint();
        }
        let outcome = self.transactions.write(connection, batch);
        if let Some(taken) = taken {
            let (commit_began, ended) = (self.transactions.commit_began(), SystemTime::now());
            let times = BatchTimes { commands, taken, commit_began, ended };
            batch.iter_mut().for_each(|queued| queued.set_times(times));
        }
        outcome
    }

    /// Writes the file anew, while commands wait. It is tried again until it succeeds.
    fn vacuum(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let started = Instant::now();
        let folder = folder_of(&self.transactions.files().database.path);
        let vacuumed = housekeeping::vacuum::vacuum(connection, folder, BUSY_TIMEOUT);
        let duration = started.elapsed();
        self.next_vacuum = Instant::now() + duration * VACUUM_PAUSE_FACTOR;
        match vacuumed {
            Ok(true) => {
                let duration_ms = duration.as_secs_f64() * 1000.0;
                info!(duration_ms, "the database was written anew without what was forgotten");
            }
            Ok(false) => warn!("a reader holds old pages of what was forgotten"),
            Err(failure) => {
                let failure = self.checkpointer.sync_after_failure(failure)?;
                warn!(error = %failure, "the database cannot be written anew yet");
            }
        }
        self.transactions.expect_checkpoint();
        Ok(())
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
        if matches!(failed.cause(), StoreError::Stopping) {
            warn!("what waited for the database was not written, because the servidor stops");
        } else if failed.cause().is_about_one_command() {
            error!(error = %failed.cause(), "a command cannot be written");
        } else {
            error!(error = %failed.cause(), "the database cannot write");
        }
        let answer = match failed {
            Failed::Undone(_) => WriteError::Unavailable,
            Failed::InDoubt(_) => WriteError::InDoubt,
        };
        for queued in batch {
            self.state.recent_failures.add(queued.duplicate_key(), answer.clone());
            queued.fail(answer.clone());
        }
    }
}
