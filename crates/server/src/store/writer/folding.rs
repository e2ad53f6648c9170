//! Folding the WAL into the file while the writer goes on.
//!
//! By itself SQLite does that in the commit that made the WAL too long, and all that waits for
//! that commit waits for the sync of the whole file as well. Here a thread beside the writer
//! folds; what was written meanwhile, a few batches, is left to the writer, without whom the WAL
//! would never come to its end and begin anew.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tracing::warn;

use super::super::StoreError;

/// Pages in the WAL after which it is folded. SQLite's own 1,000 folds the ends of the indexes,
/// which nearly every batch writes, eight times as often. These are 32 MiB; a start after a crash
/// that left so many takes some 20 ms longer.
const FOLD_AFTER: i64 = 8_000;
/// Pages in the WAL after which the writer folds it all itself, however long that takes: the
/// thread beside it cannot, or has no time to.
pub(super) const AT_MOST: i64 = 4 * FOLD_AFTER;

/// How long after a fold that failed the next is tried.
const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

/// The thread that folds, as the writer sees it.
pub(in crate::store) struct Folding {
    thread: JoinHandle<()>,
    wanted: Sender<()>,
    done: Receiver<Result<(), StoreError>>,
    state: State,
}

enum State {
    /// Nothing to do until the WAL is long.
    Idle,
    /// The thread folds.
    UnderWay,
    /// It failed, and is not tried again before this.
    Failed(Instant),
}

impl Folding {
    /// Starts the thread, with a connection of its own.
    pub(in crate::store) fn start(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        let (wanted, orders) = channel();
        let (report, done) = channel();
        let thread = std::thread::Builder::new()
            .name("folding".to_owned())
            .spawn(move || {
                for () in orders {
                    // A writer that is gone wants no report.
                    let _ = report.send(fold(&connection));
                }
            })
            .map_err(StoreError::Thread)?;
        Ok(Self { thread, wanted, done, state: State::Idle })
    }

    /// Has the WAL folded when it is long, and folds the rest when that is done.
    pub(super) fn between_batches(&mut self, connection: &Connection) {
        let next = self.step(connection);
        self.state = next.unwrap_or_else(|failure| {
            // What is in the WAL is on disk all the same.
            warn!(error = %failure, "the WAL cannot be folded into the database");
            State::Failed(Instant::now() + AFTER_A_FAILURE)
        });
    }

    fn step(&self, connection: &Connection) -> Result<State, StoreError> {
        match self.state {
            State::Failed(until) if Instant::now() < until => Ok(State::Failed(until)),
            State::Idle | State::Failed(_) => {
                if pages_to_fold(connection)? < FOLD_AFTER {
                    return Ok(State::Idle);
                }
                self.wanted.send(()).map_err(|_| StoreError::Closed)?;
                Ok(State::UnderWay)
            }
            State::UnderWay => match self.done.try_recv() {
                Err(TryRecvError::Empty) => Ok(State::UnderWay),
                Err(TryRecvError::Disconnected) => Err(StoreError::Closed),
                Ok(folded) => {
                    folded?;
                    fold(connection)?;
                    Ok(State::Idle)
                }
            },
        }
    }

    /// Waits for the fold that is under way, and ends the thread.
    pub(super) fn end(self) {
        drop(self.wanted);
        // Should it have panicked, closing the file folds all.
        let _ = self.thread.join();
    }
}

/// Folds what can be without anybody's waiting.
fn fold(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    Ok(statement.query_row([], |_| Ok(()))?)
}

fn pages_to_fold(connection: &Connection) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
    let pages = statement.query_row([], |row| {
        let (written, folded): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(written - folded)
    })?;
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wal_that_is_written_on_and_on_begins_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("server1.db");
        let connection = Connection::open(&path).expect("a database");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
                 PRAGMA synchronous = OFF; CREATE TABLE filler (page BLOB)",
            )
            .expect("a schema");
        let mut folding = Folding::start(&path).expect("a thread");
        let mut most = 0;
        for _ in 0..3 * FOLD_AFTER / 100 {
            connection
                .execute_batch(
                    "BEGIN; INSERT INTO filler
                     WITH RECURSIVE page(number) AS
                         (SELECT 1 UNION ALL SELECT number + 1 FROM page WHERE number < 100)
                     SELECT zeroblob(4000) FROM page; COMMIT",
                )
                .expect("a batch");
            most = most.max(pages_to_fold(&connection).expect("a count"));
            folding.between_batches(&connection);
            while matches!(folding.state, State::UnderWay) {
                folding.between_batches(&connection);
            }
        }
        folding.end();
        assert!((FOLD_AFTER..FOLD_AFTER + 1_000).contains(&most), "{most} pages were to fold");
        let wal = std::fs::metadata(folder.path().join("server1.db-wal")).expect("a WAL").len();
        assert!(wal < 2 * FOLD_AFTER as u64 * 4_096, "the WAL has {wal} bytes");
    }
}
