//! Reads a database that a servidor may be using, or begins to use meanwhile.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::connections::BUSY_TIMEOUT;
use super::paths::{COMPANIONS, with_suffix};
use crate::store::error::StoreError;
use crate::store::schema::{self, Identity, READ_ONLY};

/// A program that stays is seen by the second.
const ATTEMPTS: u32 = 3;
/// How coarse the clock is by which a file says when it was changed.
const TICK: Duration = Duration::from_millis(20);

/// What `read` finds, of which nothing is changed. If a program has begun to use the database
/// meanwhile, it is read once more.
///
/// # Errors
/// It cannot be opened, is not that of this servidor, or programs come and go.
pub(in crate::store) fn read_beside_others<T>(
    path: &Path,
    server_id: &str,
    mut read: impl FnMut(&Connection) -> T,
) -> Result<T, StoreError> {
    for _ in 0..ATTEMPTS {
        let before = FileState::of(path)?;
        if !before.is_in_use {
            // What is changed after this gets another time.
            thread::sleep(TICK);
        }
        let found = open(path, server_id, before).map(|connection| read(&connection));
        if before.is_in_use || FileState::of(path)? == before {
            return found;
        }
    }
    Err(StoreError::Unsettled)
}

/// What of a file changes with whatever is written to it. A read without locks is of one moment only
/// if this stays the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileState {
    file: (u64, u64),
    bytes: u64,
    changed_at: (i64, i64),
    /// Then SQLite's locks protect a read. As long as a program has a database open in WAL mode, it
    /// has its other files beside it.
    is_in_use: bool,
}

impl FileState {
    fn of(path: &Path) -> Result<Self, StoreError> {
        let real = fs::canonicalize(path).map_err(StoreError::Files)?;
        // First, because whatever is written is in it before the other files are removed.
        let found = fs::metadata(&real).map_err(StoreError::Files)?;
        // An empty WAL is that of nobody.
        let is_there = |suffix: &&str| {
            let found = fs::metadata(with_suffix(&real, suffix));
            found.is_ok_and(|file| *suffix != "-wal" || file.len() > 0)
        };
        Ok(Self {
            file: (found.dev(), found.ino()),
            bytes: found.len(),
            changed_at: (found.ctime(), found.ctime_nsec()),
            is_in_use: COMPANIONS.iter().any(is_there),
        })
    }
}

fn open(path: &Path, server_id: &str, state: FileState) -> Result<Connection, StoreError> {
    let connection = match state.is_in_use {
        true => Connection::open_with_flags(path, READ_ONLY)?,
        false => schema::open_unchanged(path)?.0,
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match schema::identify(&connection, server_id)? {
        Identity::Complete => Ok(connection),
        Identity::Begun => Err(StoreError::Foreign("it has no tables".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: &str = "SELECT count(*) FROM postos";

    fn database() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("server1.db");
        let made = "PRAGMA journal_mode = WAL;
            CREATE TABLE _sqlx_migrations (version INTEGER);
            CREATE TABLE postos (id INTEGER);";
        Connection::open(&path).and_then(|file| file.execute_batch(made)).expect("a database");
        (folder, path)
    }

    fn add(path: &Path) -> Connection {
        let other = Connection::open(path).expect("the database");
        let sql = "INSERT INTO postos VALUES (1); PRAGMA wal_checkpoint(TRUNCATE);";
        other.execute_batch(sql).expect("a change");
        other
    }

    fn count(connection: &Connection) -> i64 {
        connection.query_row(COUNT, [], |row| row.get(0)).expect("a count")
    }

    #[test]
    fn what_a_program_changes_meanwhile_is_read_again() {
        for stays in [true, false] {
            let (_folder, path) = database();
            let (mut others, mut reads) = (Vec::new(), 0);
            let found = read_beside_others(&path, "server1", |connection| {
                reads += 1;
                if reads == 1 {
                    let other = add(&path);
                    others.extend(stays.then_some(other));
                }
                count(connection)
            });
            assert!(matches!(found, Ok(1)), "{found:?}");
            assert_eq!(reads, 2);
        }
    }

    #[test]
    fn what_nobody_changes_is_read_once_and_nothing_is_left_beside_it() {
        let (folder, path) = database();
        let mut reads = 0;
        let found = read_beside_others(&path, "server1", |connection| {
            reads += 1;
            count(connection)
        });
        assert!(matches!((found, reads), (Ok(0), 1)));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn programs_that_come_and_go_are_named() {
        let (_folder, path) = database();
        let refused = read_beside_others(&path, "server1", |_| drop(add(&path)));
        assert!(matches!(refused, Err(StoreError::Unsettled)), "{refused:?}");
    }

    /// Pages of two moments may look like another program's file, or like damage.
    #[test]
    fn an_error_that_a_change_may_have_caused_is_looked_at_again() {
        let (_folder, path) = database();
        let mut reads = 0;
        let found = read_beside_others(&path, "server1", |connection| {
            reads += 1;
            match reads {
                1 => {
                    drop(add(&path));
                    Err("damaged")
                }
                _ => Ok(count(connection)),
            }
        });
        assert!(matches!(found, Ok(Ok(1))), "{found:?}");
    }
}
