//! Checkpointing the WAL into the database file while the writer continues.
//!
//! By default SQLite checkpoints in the commit that made the WAL too long, and every command that
//! waits for that commit also waits for the sync of the whole file. Here a thread beside the
//! writer checkpoints, and then what was written meanwhile, until little is left. That little the
//! writer checkpoints itself: only when the WAL holds nothing else is it written from its beginning
//! again. SQLite syncs the database file in that last part alone, so the thread syncs what it has
//! written itself.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tracing::{info, warn};

use crate::metrics::StoreMetrics;
use crate::store::error::StoreError;

/// Pages in the WAL (32 MiB) that start a checkpoint. SQLite's own 1,000 would write the ends of
/// the indexes, which nearly every batch changes, eight times as often. A start after a crash with
/// so many pages takes some 20 ms longer.
const CHECKPOINT_PAGES: i64 = 8_000;
/// With so many pages left the thread stops, and the writer checkpoints the rest while all commands
/// wait.
const LEFT_PAGES: i64 = 64;
/// Pages in the WAL with which the writer checkpoints in its commit, however long that takes,
/// because the thread fails or cannot keep up.
pub(super) const MAX_WAL_PAGES: i64 = 4 * CHECKPOINT_PAGES;

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
    state: State,
    metrics: Arc<StoreMetrics>,
    /// The WAL was reported as held by a reader.
    is_held: bool,
}

enum State {
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
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        let (requests, requested) = channel();
        let (sender, results) = channel();
        let duration = metrics.checkpoint.clone();
        let thread = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || {
                for () in requested {
                    let started = Instant::now();
                    let result =
                        checkpoint_until_few_are_left(&connection, || database.sync_data());
                    duration.observe(started.elapsed().as_secs_f64());
                    // A writer that has ended needs no result.
                    let _ = sender.send(result);
                }
            })
            .map_err(StoreError::Thread)?;
        Ok(Self { thread, requests, results, state: State::Idle, metrics, is_held: false })
    }

    /// Starts a checkpoint when the WAL is long, and completes one that the thread has done. Only a
    /// failure that ends the writer is an error; after others it is tried again.
    pub(super) fn after_batch(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.state = match self.step(connection) {
            Ok(state) => state,
            Err(failure) => {
                self.metrics.checkpoint_failures.inc();
                if failure.ends_the_writer() {
                    return Err(failure);
                }
                // The data is safe in the WAL.
                warn!(error = %failure, "the WAL cannot be checkpointed");
                State::Failed(Instant::now() + RETRY_INTERVAL)
            }
        };
        Ok(())
    }

    fn step(&mut self, connection: &Connection) -> Result<State, StoreError> {
        match self.state {
            State::Failed(until) if Instant::now() < until => Ok(State::Failed(until)),
            State::Idle | State::Failed(_) => {
                let pages = pages_to_checkpoint(connection)?;
                self.metrics.wal_pending.set(pages);
                self.report_reader(connection, pages)?;
                if pages < CHECKPOINT_PAGES {
                    return Ok(State::Idle);
                }
                self.requests.send(()).map_err(|_| StoreError::Closed)?;
                Ok(State::Running)
            }
            State::Running => match self.results.try_recv() {
                Err(TryRecvError::Empty) => Ok(State::Running),
                Err(TryRecvError::Disconnected) => Err(StoreError::Closed),
                Ok(result) => {
                    result?;
                    let started = Instant::now();
                    checkpoint(connection)?;
                    self.metrics.last_checkpoint.observe(started.elapsed().as_secs_f64());
                    Ok(State::Idle)
                }
            },
        }
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
    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running)
    }

    /// Waits for the running checkpoint, whose result it returns, and ends the thread.
    pub(super) fn end(self) -> Result<(), StoreError> {
        drop(self.requests);
        // If the thread panicked, closing the file checkpoints everything.
        let _ = self.thread.join();
        self.results.try_recv().unwrap_or(Ok(()))
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
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    /// A database to which pages can be added.
    fn filler(path: &Path) -> Connection {
        let connection = Connection::open(path).expect("a database");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
                 PRAGMA synchronous = OFF; CREATE TABLE filler (page BLOB)",
            )
            .expect("a schema");
        connection
    }

    fn fill(connection: &Connection, pages: i64) {
        let sql = "INSERT INTO filler
            WITH RECURSIVE page(number) AS
                (SELECT 1 UNION ALL SELECT number + 1 FROM page WHERE number < ?)
            SELECT zeroblob(4000) FROM page";
        connection.execute(sql, [pages]).expect("a batch");
    }

    #[test]
    fn each_pass_is_synced_and_what_was_written_meanwhile_is_checkpointed_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("server1.db");
        let (writing, checkpointing) = (filler(&path), Connection::open(&path).expect("another"));
        let pass_with = |meanwhile: &[i64]| {
            fill(&writing, 1_000);
            let mut syncs = 0;
            let checkpointed = checkpoint_until_few_are_left(&checkpointing, || {
                meanwhile.get(syncs).into_iter().for_each(|pages| fill(&writing, *pages));
                syncs += 1;
                Ok(())
            });
            checkpointed.expect("checkpoints");
            (syncs, pages_to_checkpoint(&writing).expect("a number of pages"))
        };
        assert_eq!(pass_with(&[]), (1, 0));
        assert_eq!(pass_with(&[400, 200]), (3, 0));
        let (syncs, left) = pass_with(&[400, LEFT_PAGES / 2, 400]);
        assert!(syncs == 2 && (1..=LEFT_PAGES).contains(&left), "{left} left after {syncs}");
        let (syncs, left) = pass_with(&[400; 9]);
        assert!(syncs == 2 && left >= 400, "the writer is as fast: {left} left after {syncs}");
        let no_disk = || Err(io::Error::other("as the test wants it"));
        let failed = checkpoint_until_few_are_left(&checkpointing, no_disk);
        assert!(matches!(failed, Err(StoreError::NotSynced(_))), "{failed:?}");
    }

    #[test]
    fn the_wal_is_written_from_its_beginning_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("server1.db");
        let database = Arc::new(File::create(&path).expect("a file"));
        let connection = filler(&path);
        let mut registry = Registry::default();
        let metrics = Arc::new(StoreMetrics::new(&mut registry));
        let mut checkpointer =
            Checkpointer::start(&path, Arc::clone(&database), metrics).expect("a thread");
        let mut most = 0;
        for _ in 0..3 * CHECKPOINT_PAGES / 100 {
            fill(&connection, 100);
            most = most.max(pages_to_checkpoint(&connection).expect("a number of pages"));
            checkpointer.after_batch(&connection).expect("a step");
            while matches!(checkpointer.state, State::Running) {
                checkpointer.after_batch(&connection).expect("a step");
            }
        }
        checkpointer.end().expect("no checkpoint has failed");
        assert!(
            (CHECKPOINT_PAGES..CHECKPOINT_PAGES + 1_000).contains(&most),
            "{most} pages were to be checkpointed"
        );
        let mut text = String::new();
        prometheus_client::encoding::prometheus_text::encode(&mut text, &registry).expect("text");
        for name in ["database", "writer"] {
            let count = format!("postos_{name}_checkpoint_seconds_count ");
            let line = text.lines().find_map(|line| line.strip_prefix(&count)).expect("a count");
            assert_ne!(line, "0", "both parts are measured: {name}");
        }
        let wal = std::fs::metadata(folder.path().join("server1.db-wal")).expect("a WAL").len();
        assert!(wal < 2 * CHECKPOINT_PAGES as u64 * 4_096, "the WAL has {wal} bytes");
    }
}
