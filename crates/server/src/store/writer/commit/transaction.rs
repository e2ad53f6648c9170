//! One transaction for a batch, and what is known when it fails.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use domain::Moment;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::time::Instant;
use tracing::{error, info};

use super::overwritten::OverwriteDetector;
use super::queue::{Batch, Queued};
use super::stopping::{Committing, Stopping};
use super::wal_tail::WalTail;
use crate::failpoints::{self, Bug, CrashPoint};
use crate::metrics::{ENDS, Recorded};
use crate::store::environment::{Change, Environment};
use crate::store::error::StoreError;
use crate::store::files::open_files::OpenFiles;
use crate::store::progress::Pause;
use crate::store::schema;
use crate::store::writer::command::WriteContext;
use crate::store::writer::housekeeping::sweep;
use crate::store::writer::reservas::clock_corrections;
use crate::store::writer::state::WriterState;
use crate::store::writer::statements::Statements;

/// What a committed transaction leaves for the next one.
struct Committed {
    last_sweep: Moment,
    changes: Vec<Change>,
    recorded: Recorded,
    wants_vacuum: bool,
}

/// The transactions of the writer, one after the other.
pub(in crate::store::writer) struct Transactions {
    environment: Environment,
    state: WriterState,
    files: OpenFiles,
    overwrites: OverwriteDetector,
    wal_tail: WalTail,
    /// What SQLite said when the owner and the schema of the file were last verified.
    data_version: Option<i64>,
    last_sweep: Moment,
    wants_vacuum: bool,
    /// When the commit of the latest transaction began.
    commit_began: Option<SystemTime>,
}

/// How a transaction failed.
#[derive(Debug)]
pub(in crate::store::writer) enum Failed {
    /// Nothing of it is on disk, and nothing of it ever will be.
    Undone(StoreError),
    /// A restart may find it committed.
    InDoubt(StoreError),
}

impl Failed {
    pub(in crate::store::writer) fn cause(&self) -> &StoreError {
        let (Self::Undone(cause) | Self::InDoubt(cause)) = self;
        cause
    }

    pub(in crate::store::writer) fn into_cause(self) -> StoreError {
        let (Self::Undone(cause) | Self::InDoubt(cause)) = self;
        cause
    }
}

impl<E: Into<StoreError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Undone(error.into())
    }
}

impl Transactions {
    /// Makes the transactions of a database in WAL mode that another connection holds open.
    pub(in crate::store::writer) fn of(
        path: &Path,
        environment: Environment,
        state: WriterState,
    ) -> Result<Self, StoreError> {
        let files = OpenFiles::at(path)?;
        let wal_tail = WalTail::open(path, &files.wal.path)?;
        // Which begins were published before is not known, so those of all that hold a posto are.
        let last_sweep = Moment::from_millis(0);
        let (overwrites, data_version) = (OverwriteDetector::default(), None);
        Ok(Self {
            environment,
            state,
            files,
            overwrites,
            wal_tail,
            data_version,
            last_sweep,
            wants_vacuum: false,
            commit_began: None,
        })
    }

    /// When the commit of the latest batch began; `None` if the batch got no further than its
    /// commands.
    pub(in crate::store::writer) fn commit_began(&self) -> Option<SystemTime> {
        self.commit_began
    }

    pub(in crate::store::writer) fn files(&self) -> &OpenFiles {
        &self.files
    }

    pub(in crate::store::writer) fn now(&self) -> Moment {
        (self.environment.now)()
    }

    /// Whether a command has asked for the file to be written anew; once for each time.
    pub(in crate::store::writer) fn take_wanted_vacuum(&mut self) -> bool {
        std::mem::take(&mut self.wants_vacuum)
    }

    /// Accepts that a checkpoint of this program changes the database file.
    pub(in crate::store::writer) fn expect_checkpoint(&mut self) {
        self.overwrites.expect_checkpoint();
    }

    /// Writes a batch, records whether the database can write, and reports the changes.
    pub(in crate::store::writer) fn write(
        &mut self,
        connection: &mut Connection,
        batch: &mut Batch,
    ) -> Result<(), Failed> {
        let started = Instant::now();
        let stopping = self.state.stopping.clone();
        let committed = self.commit(connection, batch, &stopping);
        let metrics = Arc::clone(&self.state.metrics);
        metrics.transaction.observe(started.elapsed().as_secs_f64());
        if let Err(failed) = &committed {
            metrics.failures.inc();
            let mut failure = self.state.failure.lock();
            *failure = Some(failed.cause().to_string());
        }
        match &committed {
            Ok(_) => self.state.is_writable.store(true, Ordering::Relaxed),
            Err(failed) if failed.cause().is_about_one_command() => {}
            Err(_) => {
                self.state.is_writable.store(false, Ordering::Relaxed);
                self.state.progress.failed(self.now());
            }
        }
        let (committed, _committing) = committed?;
        let Committed { last_sweep, changes, recorded, wants_vacuum } = committed;
        metrics.committed(recorded, changes.iter().filter_map(ended));
        self.last_sweep = last_sweep;
        self.wants_vacuum |= wants_vacuum;
        self.environment.report(changes);
        Ok(())
    }

    /// Carries out a batch in one transaction, in order of arrival.
    fn commit<'s>(
        &mut self,
        connection: &mut Connection,
        batch: &mut Batch,
        stopping: &'s Stopping,
    ) -> Result<(Committed, Committing<'s>), Failed> {
        self.commit_began = None;
        if self.state.in_doubt.load(Ordering::Relaxed) {
            self.settle(connection).map_err(Failed::InDoubt)?;
        }
        // Immediate: with the lock taken first, nothing that is read can change before the commit.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        crash_at(CrashPoint::Begun, batch);
        // Before anything is read: another file at this path must not decide a command.
        self.files.check()?;
        self.overwrites.check(&self.files, &self.wal_tail)?;
        self.look_for_other_writers(&transaction)?;
        let (now, clock) = (self.now(), Instant::now());
        let pause = self.state.progress.pause(now, clock);
        let committed = self.apply(&transaction, batch, (now, clock), pause)?;
        if failpoints::has(Bug::EarlyReply) {
            batch.drain(..).for_each(Queued::answer);
            std::thread::sleep(failpoints::EARLY_REPLY_LEAD);
        }
        let committing = stopping.begin_commit()?;
        crash_at(CrashPoint::BeforeCommit, batch);
        self.commit_began = Some(SystemTime::now());
        let commit = Instant::now();
        let outcome = transaction.commit();
        self.state.metrics.commit.observe(commit.elapsed().as_secs_f64());
        if let Err(error) = outcome {
            return Err(self.undo(connection, error));
        }
        crash_at(CrashPoint::AfterCommit, batch);
        // Only now is it certain that the commit is in the files that a restart will open.
        self.files.check().map_err(Failed::InDoubt)?;
        self.state.progress.succeeded(now, clock);
        if pause.is_some_and(|pause| pause.is_stall) {
            info!(
                "nothing was written for a while: carros that are late have their tolerance anew"
            );
        }
        Ok((committed, committing))
    }

    /// Applies the commands of a batch at one moment, on both clocks.
    fn apply(
        &self,
        transaction: &Connection,
        batch: &mut Batch,
        (now, clock): (Moment, Instant),
        pause: Option<Pause>,
    ) -> Result<Committed, StoreError> {
        let mut context = WriteContext {
            connection: transaction,
            statements: Statements::default(),
            server_id: &self.environment.server_id,
            rules: &self.environment.rules,
            now,
            clock,
            recent_failures: &self.state.recent_failures,
            last_sweep: self.last_sweep,
            author: None,
            commands: batch.len(),
            trace: None,
            changes: Vec::new(),
            recorded: Recorded::default(),
            wants_vacuum: false,
            refused: BTreeMap::new(),
        };
        self.correct_for_the_clock(&mut context, pause)?;
        if !self.state.is_writable.load(Ordering::Relaxed) {
            sweep::probe(transaction, now)?;
        }
        for queued in batch.iter_mut() {
            queued.apply(&mut context)?;
        }
        context.keep_refusals()?;
        let WriteContext { last_sweep, changes, recorded, wants_vacuum, .. } = context;
        Ok(Committed { last_sweep, changes, recorded, wants_vacuum })
    }

    /// Corrects what a pause or a wrong clock has left, before any command: none may find an
    /// absence that fell due when nothing could be written, or what was recorded by a clock that
    /// was ahead.
    fn correct_for_the_clock(
        &self,
        context: &mut WriteContext<'_>,
        pause: Option<Pause>,
    ) -> Result<(), StoreError> {
        if let Some(pause) = pause {
            clock_corrections::after_pause(pause, context.connection, context.now)?;
        }
        if self.state.progress.is_set_back(context.now) {
            clock_corrections::after_clock_set_back(context.connection, context.now)?;
            context.keep_all_service()?;
        }
        Ok(())
    }

    /// Makes sure that no restart finds a commit that failed.
    fn undo(&mut self, connection: &mut Connection, error: rusqlite::Error) -> Failed {
        // A violated constraint is found before anything is written, a foreign key that is checked at
        // the commit too.
        if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
            || failpoints::has(Bug::EarlyDenial)
        {
            return error.into();
        }
        self.state.in_doubt.store(true, Ordering::Relaxed);
        match self.settle(connection) {
            Ok(()) => error.into(),
            Err(failure) => {
                error!(error = %failure, "a failed commit cannot be erased from the WAL");
                Failed::InDoubt(error.into())
            }
        }
    }

    fn settle(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.files.check()?;
        self.wal_tail.erase(&transaction)?;
        transaction.rollback()?;
        self.state.in_doubt.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Checks whose database it is when another program has written to it: that may have restored a
    /// backup of another servidor into this file, or of a release with another schema.
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

/// How a reserva ended without a session, if it did. Each end is reported once.
fn ended(change: &Change) -> Option<&'static str> {
    match change {
        Change::Reserva { state, .. } if ENDS.contains(state) => Some(state.as_str()),
        _ => None,
    }
}

/// Crashes only in batches with a command about a reserva, so that a test can start a servidor
/// and fill it.
fn crash_at(point: CrashPoint, batch: &Batch) {
    if failpoints::will_crash_at(point)
        && batch.iter().any(|queued| queued.duplicate_key().is_some())
    {
        failpoints::crash_at(point);
    }
}
