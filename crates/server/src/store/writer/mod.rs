//! The one writer: takes all that waits, writes it in one transaction, then answers.
//!
//! It has a thread of its own and a library that works on the thread it is called on: a statement
//! costs what SQLite takes for it, not a thread's waking and another's.

mod batches;
mod carregamentos;
mod denied;
mod edits;
mod facts;
mod folding;
mod postos;
mod reservas;
mod sweep;
mod telemetry;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::Moment;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, warn};

use super::command::Work;
use super::{BUSY_TIMEOUT, Change, Environment, StoreError, WriteError};
use crate::failpoints::{self, Bug, CrashPoint};
use batches::Batches;
use reservas::Decider;

pub(super) use denied::{Denied, Key};
pub(super) use folding::Folding;

/// Statements that are kept prepared: all there are.
const STATEMENTS: usize = 32;
/// Pages that the writer keeps in memory, in KiB: enough for the ends of all indexes, where new
/// reservas go. (SQLite counts KiB where the number is negative.)
const CACHE: i64 = -8192;

/// Opens the one connection that writes, to a file that is in WAL mode.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // FULL: a commit is on disk before it is answered, power loss included.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", CACHE)?;
    connection.pragma_update(None, "wal_autocheckpoint", folding::AT_MOST)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Folds the WAL into the file and closes it.
pub(super) fn close(connection: Connection) -> Result<(), StoreError> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// What the writer knows between two batches.
pub(super) struct Writer {
    environment: Environment,
    last_sweep: Moment,
    writable: Arc<AtomicBool>,
    denied: Denied,
    folding: Folding,
}

impl Writer {
    pub(super) fn new(
        environment: Environment,
        writable: Arc<AtomicBool>,
        denied: Denied,
        folding: Folding,
    ) -> Self {
        Self { last_sweep: (environment.now)(), environment, writable, denied, folding }
    }

    /// Writes until every [`Store`](super::Store) is gone, then gives the connection back.
    pub(super) fn run(
        mut self,
        mut connection: Connection,
        queue: mpsc::Receiver<Work>,
    ) -> Connection {
        let mut batches = Batches::of(queue);
        let mut batch = Vec::new();
        while batches.next(&mut batch) {
            match self.write(&mut connection, &mut batch) {
                Err(failure) if batch.len() > 1 && failure.is_about_one_command() => {
                    let commands = batch.len();
                    warn!(commands, error = %failure, "a batch failed; writing it one by one");
                    for work in batch.drain(..) {
                        let mut alone = vec![work];
                        let written = self.write(&mut connection, &mut alone);
                        self.answer(alone, written.err());
                    }
                }
                written => self.answer(batch.drain(..), written.err()),
            }
            self.folding.between_batches(&connection);
        }
        self.folding.end();
        connection
    }

    /// Answers everyone: that nothing was written, if there was a failure.
    fn answer(&self, batch: impl IntoIterator<Item = Work>, failure: Option<StoreError>) {
        if let Some(failure) = &failure {
            error!(error = %failure, "the database cannot write");
        }
        for mut work in batch {
            if failure.is_some() {
                self.denied.note_work(&work);
                work.fail();
            }
            work.answer();
        }
    }

    /// Writes a batch, and remembers whether that worked.
    ///
    /// # Errors
    /// Nothing of the batch was written.
    fn write(
        &mut self,
        connection: &mut Connection,
        batch: &mut Vec<Work>,
    ) -> Result<(), StoreError> {
        let written = self.commit(connection, batch);
        match &written {
            Ok(_) => self.writable.store(true, Ordering::Relaxed),
            Err(failure) if failure.is_about_one_command() => {}
            Err(_) => self.writable.store(false, Ordering::Relaxed),
        }
        let Written { at, changes } = written?;
        if batch.iter().any(|work| matches!(work, Work::Sweep(_))) {
            self.last_sweep = at;
        }
        if !changes.is_empty() && self.environment.changes.try_send(changes).is_err() {
            warn!("changes happen faster than they can be announced; some were not");
        }
        Ok(())
    }

    /// Carries a batch out in one transaction, in order of arrival.
    fn commit(
        &self,
        connection: &mut Connection,
        batch: &mut Vec<Work>,
    ) -> Result<Written, StoreError> {
        // The lock is taken before anything is read, so that nothing read can change before it is
        // written.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        crash_at(CrashPoint::Begun, batch);
        let mut written = Written { at: (self.environment.now)(), changes: Vec::new() };
        if !self.writable.load(Ordering::Relaxed) {
            sweep::probe(&transaction, written.at)?;
        }
        let decider = Decider {
            connection: &transaction,
            servidor: &self.environment.servidor,
            now: written.at,
            clock: Instant::now(),
            denied: &self.denied,
        };
        for work in batch.iter_mut() {
            self.apply(&decider, work, &mut written.changes)?;
        }
        if failpoints::has(Bug::EarlyReply) {
            batch.drain(..).for_each(Work::answer);
            std::thread::sleep(failpoints::EARLY_REPLY_LEAD);
        }
        crash_at(CrashPoint::BeforeCommit, batch);
        transaction.commit()?;
        crash_at(CrashPoint::AfterCommit, batch);
        Ok(written)
    }

    fn apply(
        &self,
        decider: &Decider<'_>,
        work: &mut Work,
        changes: &mut Vec<Change>,
    ) -> Result<(), StoreError> {
        let Decider { connection, servidor, now, .. } = *decider;
        match work {
            Work::Reserve(asked) => {
                let outcome = decider.reserve(&asked.command, changes)?;
                asked.decide(outcome);
            }
            Work::Cancel(asked) => {
                let outcome = decider.cancel(&asked.command, changes)?;
                asked.decide(outcome);
            }
            Work::Edit(asked) => {
                let outcome = edits::apply(connection, &asked.command, servidor, now, changes)?;
                asked.decide(outcome.map_err(WriteError::Rejected));
            }
            Work::Telemetry(asked) => {
                telemetry::apply(connection, &asked.command, now)?;
                asked.decide(Ok(()));
            }
            Work::Sweep(asked) => {
                sweep::apply(connection, self.last_sweep, now, changes)?;
                asked.decide(Ok(()));
            }
            Work::Barrier(asked) => asked.decide(Ok(())),
        }
        Ok(())
    }
}

/// What a transaction came to.
struct Written {
    at: Moment,
    changes: Vec<Change>,
}

/// Only batches about reservas are made to fail, or a test could not get as far as to make one.
fn crash_at(point: CrashPoint, batch: &[Work]) {
    if batch.iter().any(Work::is_about_reservas) {
        failpoints::crash_at(point);
    }
}
