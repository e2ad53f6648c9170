//! One transaction for a batch, and what is known when it fails.

use std::sync::atomic::Ordering;

use domain::Moment;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::time::Instant;

use super::command::WriteContext;
use super::queue::Queued;
use super::{Batch, Writer, sweep};
use crate::failpoints::{self, Bug, CrashPoint};
use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::schema;

/// What a committed transaction leaves for the writer.
pub(super) struct Committed {
    pub(super) last_sweep: Moment,
    pub(super) changes: Vec<Change>,
}

/// How a transaction failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// Nothing of it is on disk, and nothing of it ever will be.
    Undone(StoreError),
    /// A restart may find it committed.
    InDoubt(StoreError),
}

impl Failed {
    pub(super) fn cause(&self) -> &StoreError {
        let (Self::Undone(cause) | Self::InDoubt(cause)) = self;
        cause
    }
}

impl<E: Into<StoreError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Undone(error.into())
    }
}

impl Writer {
    /// Carries out a batch in one transaction, in order of arrival.
    pub(super) fn commit(
        &mut self,
        connection: &mut Connection,
        batch: &mut Batch,
    ) -> Result<Committed, Failed> {
        if self.in_doubt.load(Ordering::Relaxed) {
            self.settle(connection).map_err(Failed::InDoubt)?;
        }
        let is_writable = self.is_writable();
        // Immediate: with the lock taken first, nothing that is read can change before the commit.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        crash_at(CrashPoint::Begun, batch);
        // First: what is read from another file says nothing.
        self.files.check()?;
        self.contents.check(&self.wal_tail)?;
        self.look_for_other_writers(&transaction)?;
        let mut context = WriteContext {
            connection: &transaction,
            server_id: &self.environment.server_id,
            now: (self.environment.now)(),
            clock: Instant::now(),
            recent_failures: &self.recent_failures,
            last_sweep: self.last_sweep,
            changes: Vec::new(),
        };
        if !is_writable {
            sweep::probe(&context)?;
        }
        for queued in batch.iter_mut() {
            queued.apply(&mut context)?;
        }
        let WriteContext { last_sweep, changes, .. } = context;
        self.files.check()?;
        if failpoints::has(Bug::EarlyReply) {
            batch.drain(..).for_each(Queued::answer);
            std::thread::sleep(failpoints::EARLY_REPLY_LEAD);
        }
        crash_at(CrashPoint::BeforeCommit, batch);
        if let Err(error) = transaction.commit() {
            return Err(self.undo(connection, error));
        }
        crash_at(CrashPoint::AfterCommit, batch);
        self.contents.after_commit(&self.wal_tail);
        // Only now is it certain that the commit is in the files that a restart will open.
        self.files.check().map_err(Failed::InDoubt)?;
        Ok(Committed { last_sweep, changes })
    }

    /// Makes sure that no restart finds a commit that failed.
    fn undo(&mut self, connection: &mut Connection, error: rusqlite::Error) -> Failed {
        // A violated constraint is found before anything is written.
        if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
            || failpoints::has(Bug::EarlyDenial)
        {
            return error.into();
        }
        self.in_doubt.store(true, Ordering::Relaxed);
        match self.settle(connection) {
            Ok(()) => error.into(),
            Err(failure) => {
                tracing::error!(error = %failure, "a failed commit cannot be erased from the WAL");
                Failed::InDoubt(error.into())
            }
        }
    }

    fn settle(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.files.check()?;
        self.wal_tail.erase(&transaction)?;
        transaction.rollback()?;
        self.in_doubt.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Another program may have restored a backup into this file: of another servidor, or of a
    /// release with another schema.
    fn look_for_other_writers(&mut self, connection: &Connection) -> Result<(), StoreError> {
        // Changes when, and only when, another connection has committed.
        let mut statement = connection.prepare_cached("PRAGMA data_version")?;
        let data_version: i64 = statement.query_row([], |row| row.get(0))?;
        if self.data_version != Some(data_version) {
            schema::verify(connection, &self.environment.server_id)?;
            self.data_version = Some(data_version);
        }
        Ok(())
    }
}

/// Crashes only in batches with a command about a reserva, so that a test can start a servidor
/// and fill it.
fn crash_at(point: CrashPoint, batch: &Batch) {
    if failpoints::will_crash_at(point) && batch.iter().any(|queued| queued.retry().is_some()) {
        failpoints::crash_at(point);
    }
}
