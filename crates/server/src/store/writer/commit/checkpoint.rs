//! Checkpointing the WAL into the database file while the writer continues.
//!
//! By default SQLite checkpoints in the commit that made the WAL too long, and every command that
//! waits for that commit also waits for the sync of the whole file. Here a thread beside the
//! writer checkpoints, and then what was written meanwhile, until little is left. That little the
//! writer checkpoints itself: only when the WAL holds nothing else is it written from its beginning
//! again. SQLite syncs the database file in that last part alone, so the thread syncs what it has
//! written itself. A sync that fails ends the writer: SQLite counts pages as checkpointed that may not
//! be on the disk then.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tracing::{info, warn};

use crate::metrics::StoreMetrics;
use crate::store::error::StoreError;
use crate::store::files::connections;

/// Pages in the WAL (32 MiB) that start a checkpoint. SQLite's own 1,000 would write the ends of
/// the indexes, which nearly every batch changes, eight times as often. A start after a crash with
/// so many pages takes some 20 ms longer.
const CHECKPOINT_PAGES: i64 = 8_000;
/// With so many pages left the thread stops, and the writer checkpoints the rest while all commands
/// wait.
const LEFT_PAGES: i64 = 64;
/// With so many pages to be checkpointed the writer waits for the thread, which cannot keep up, or
/// checkpoints them itself if the thread fails, however long that takes.
const MAX_WAL_PAGES: i64 = 4 * CHECKPOINT_PAGES;

/// Pages that wait for a checkpoint (160 MiB) only because a reader does not end: while it looks at an
/// old state, nothing that was written since can leave the WAL.
const HELD_PAGES: i64 = 5 * CHECKPOINT_PAGES;

/// How long after a failed checkpoint the next is tried.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The writer's handle of the checkpoint thread.
pub(in crate::store) struct Checkpointer {
    thread: JoinHandle<()>,
    requests: Sender<()>,
    results: Receiver<Result<(), StoreError>>,
    state: CheckpointState,
    /// A failed write of a page is reported to each descriptor once, so SQLite's own syncs and failures
    /// hide nothing from this one.
    database: Arc<File>,
    metrics: Arc<StoreMetrics>,
    /// The WAL was reported as held by a reader.
    is_held: bool,
    /// The writer has checkpointed, or tried to, since [`Checkpointer::after_batch`] was called.
    may_have_written: bool,
}

enum CheckpointState {
    Idle,
    Running,
    /// The last checkpoint failed; the next is not tried before this.
    Failed(Instant),
}

impl Checkpointer {
    /// Starts the thread, with a connection of its own to the file that `database` holds open.
    pub(in crate::store) fn start(
        path: &Path,
        database: Arc<File>,
        metrics: Arc<StoreMetrics>,
    ) -> Result<Self, StoreError> {
        let connection = connections::open(path)?;
        let (requests, requested) = channel();
        let (sender, results) = channel();
        let duration = metrics.checkpoint.clone();
        let synced = Arc::clone(&database);
        let thread = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || {
                for () in requested {
                    let started = Instant::now();
                    let result = checkpoint_until_few_are_left(&connection, || synced.sync_data());
                    duration.observe(started.elapsed().as_secs_f64());
                    // A writer that has ended needs no result.
                    let _ = sender.send(result);
                }
            })
            .map_err(StoreError::Thread)?;
        let (state, is_held, may_have_written) = (CheckpointState::Idle, false, false);
        Ok(Self { thread, requests, results, state, database, metrics, is_held, may_have_written })
    }

    /// Starts a checkpoint when the WAL is long, and completes one that the thread has done. Returns
    /// whether a checkpoint has written to the database file since the last call, or may be writing to
    /// it; one that failed may have. Only a failure that ends the writer is an error; after others it is
    /// tried again.
    pub(in crate::store::writer) fn after_batch(
        &mut self,
        connection: &Connection,
    ) -> Result<bool, StoreError> {
        let was_running = self.is_running();
        self.may_have_written = false;
        self.state = match self.step(connection) {
            Ok(state) => state,
            Err(failure) => {
                self.metrics.checkpoint_failures.inc();
                let failure = self.sync_after_failure(failure)?;
                // The data is safe in the WAL.
                warn!(error = %failure, "the WAL cannot be checkpointed");
                CheckpointState::Failed(Instant::now() + RETRY_INTERVAL)
            }
        };
        Ok(was_running || self.is_running() || self.may_have_written)
    }

    /// Syncs the database file after a checkpoint failed, by whichever connection, so that what it has
    /// copied so far is on the disk. Gives the failure back to be logged.
    ///
    /// # Errors
    /// The file cannot be synced, or `failure` says so already: what was copied may not be on the disk.
    pub(in crate::store::writer) fn sync_after_failure(
        &self,
        failure: StoreError,
    ) -> Result<StoreError, StoreError> {
        if let StoreError::NotSynced(_) = failure {
            return Err(failure);
        }
        self.database.sync_data().map_err(StoreError::NotSynced)?;
        Ok(failure)
    }

    fn step(&mut self, connection: &Connection) -> Result<CheckpointState, StoreError> {
        match self.state {
            CheckpointState::Failed(until) if Instant::now() < until => {
                Ok(CheckpointState::Failed(until))
            }
            CheckpointState::Idle | CheckpointState::Failed(_) => {
                let pages = pages_to_checkpoint(connection)?;
                self.metrics.wal_pending.set(pages);
                self.report_reader(connection, pages)?;
                if pages < CHECKPOINT_PAGES {
                    return Ok(CheckpointState::Idle);
                }
                if matches!(self.state, CheckpointState::Failed(_)) && pages >= MAX_WAL_PAGES {
                    return self.complete(connection);
                }
                self.requests.send(()).map_err(|_| StoreError::Closed)?;
                Ok(CheckpointState::Running)
            }
            CheckpointState::Running => {
                let result = if pages_to_checkpoint(connection)? >= MAX_WAL_PAGES {
                    self.results.recv().map_err(|_| StoreError::Closed)?
                } else {
                    match self.results.try_recv() {
                        Err(TryRecvError::Empty) => return Ok(CheckpointState::Running),
                        Err(TryRecvError::Disconnected) => return Err(StoreError::Closed),
                        Ok(result) => result,
                    }
                };
                result?;
                self.complete(connection)
            }
        }
    }

    /// Checkpoints what the thread has left.
    fn complete(&mut self, connection: &Connection) -> Result<CheckpointState, StoreError> {
        self.may_have_written = true;
        let started = Instant::now();
        checkpoint(connection)?;
        self.metrics.last_checkpoint.observe(started.elapsed().as_secs_f64());
        Ok(CheckpointState::Idle)
    }

    /// Says once that the WAL grows behind a reader, and once that it no longer does.
    fn report_reader(&mut self, connection: &Connection, pages: i64) -> Result<(), StoreError> {
        let is_held = pages >= HELD_PAGES;
        if is_held != self.is_held {
            self.is_held = is_held;
            if is_held {
                let page_size: i64 =
                    connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
                let mebibytes = (pages * page_size) >> 20;
                warn!(
                    mebibytes,
                    "the WAL grows because another program has been reading this database without \
                     a pause: end its transaction, or the disk fills up"
                );
            } else {
                info!("the WAL can be checkpointed again");
            }
        }
        Ok(())
    }

    /// Whether a checkpoint may be writing the database file.
    pub(in crate::store::writer) fn is_running(&self) -> bool {
        matches!(self.state, CheckpointState::Running)
    }

    /// Waits for the running checkpoint and ends the thread; an error if pages that were checkpointed
    /// may not be on the disk.
    pub(in crate::store::writer) fn end(self) -> Result<(), StoreError> {
        drop(self.requests);
        let joined = self.thread.join();
        match self.results.try_recv() {
            Ok(Err(failure @ StoreError::NotSynced(_))) => Err(failure),
            // A thread that panicked may have synced nothing.
            _ if joined.is_err() => self.database.sync_data().map_err(StoreError::NotSynced),
            _ => Ok(()),
        }
    }
}

/// Checkpoints, and calls `sync` for what was written, as long as each pass leaves clearly less to be
/// done than the one before. It also stops where a reader holds an old state, or the writer writes as
/// fast as it checkpoints.
fn checkpoint_until_few_are_left(
    connection: &Connection,
    mut sync: impl FnMut() -> io::Result<()>,
) -> Result<(), StoreError> {
    let mut before = i64::MAX;
    loop {
        checkpoint(connection)?;
        sync().map_err(StoreError::NotSynced)?;
        let left = pages_to_checkpoint(connection)?;
        if left <= LEFT_PAGES || left > before / 4 * 3 {
            return Ok(());
        }
        before = left;
    }
}

/// Checkpoints as much as is possible without waiting for readers or the writer.
fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    Ok(statement.query_row([], |_| Ok(()))?)
}

fn pages_to_checkpoint(connection: &Connection) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
    let pages = statement.query_row([], |row| {
        let (written, checkpointed): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(written - checkpointed)
    })?;
    Ok(pages)
}

#[cfg(test)]
mod tests;
