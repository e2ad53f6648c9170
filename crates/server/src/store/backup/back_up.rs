//! A copy of the database in one file, made while the servidor runs or while it does not.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use domain::Moment;
use rusqlite::{Connection, ErrorCode};
use tempfile::TempPath;

use super::names::names;
use crate::store::error::StoreError;
use crate::store::files::beside_others::read_beside_others;
use crate::store::files::copies::{new_beside, persist_new, sync_folder, write_complete};
use crate::store::files::diagnosis;
use crate::store::files::not_writable::NotWritable;
use crate::store::files::paths::{COMPANIONS, date, folder_of, with_suffix};
use crate::store::schema::{self, INTEGRITY_CHECK};

/// Why there is no backup. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("DATABASE_URL names {path}, which does not exist: there is nothing to back up")]
    NoDatabase { path: String },
    #[error("DATABASE_URL names {path}, which cannot be backed up: {source}")]
    Database { path: String, source: StoreError },
    #[error("{path} exists already; a backup replaces no file, so name another one")]
    Exists { path: String },
    #[error("{path} is a file of the database itself; name another one")]
    OwnFile { path: String },
    #[error("the folder {path} does not exist; make it, or name another one")]
    NoFolder { path: String },
    #[error("the backup {path} cannot be written: {source}")]
    Destination { path: String, source: StoreError },
    #[error("the backup {path} cannot be written: the file system of {folder} answers: {source}")]
    FileSystem { path: String, folder: String, source: io::Error },
    #[error("no backup can be written in {path}: {reason}")]
    NotWritable { path: String, reason: NotWritable },
    #[error(
        "the disk of {path} is full: the backup needs about {needed} bytes, and {free} are free"
    )]
    Full { path: String, needed: i64, free: u64 },
    #[error("the folder {path} cannot be used: {source}")]
    Folder { path: String, source: io::Error },
    #[error(
        "{path} is made, and no older backup is removed, because it lacks what these have, or they are of another database: {than}. If this is the right database, move them elsewhere; else stop the servidor, and restore the newest of them"
    )]
    HasLess { path: String, than: String },
    #[error(
        "{path} is made, and no older backup is removed: {than} cannot be compared with it: {source}"
    )]
    NotCompared { path: String, than: String, source: StoreError },
    #[error("the older backup {path} cannot be removed: {source}")]
    NotRemoved { path: String, source: io::Error },
}

/// A copy of a database.
#[derive(Debug)]
pub struct Copied {
    pub path: PathBuf,
    pub bytes: u64,
    pub summary: DatabaseSummary,
}

/// How many reservas a database has, and of when: operators compare two databases by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseSummary {
    pub reservas: i64,
    /// When the newest of them was made.
    pub newest: Option<Moment>,
}

impl DatabaseSummary {
    pub(in crate::store) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let has_archive = connection.prepare("SELECT 1 FROM archived_reservas").is_ok();
        let archived = "UNION ALL SELECT created_at FROM archived_reservas";
        let sql = format!(
            "SELECT count(*), max(created_at) FROM (SELECT created_at FROM reservas {})",
            if has_archive { archived } else { "" }
        );
        connection.query_row(&sql, [], |row| {
            let newest: Option<i64> = row.get(1)?;
            Ok(Self { reservas: row.get(0)?, newest: newest.map(Moment::from_millis) })
        })
    }
}

impl fmt::Display for DatabaseSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} reservas", self.reservas)?;
        self.newest.map_or(Ok(()), |newest| write!(f, ", the newest of {}", date(newest)))
    }
}

/// Copies the database of a servidor to a new file, or into a folder under a name of its own. The
/// file has its name only once it is whole, checked and on disk.
///
/// # Errors
/// There is no copy, and no part of one.
pub fn back_up(
    database: &Path,
    server_id: &str,
    to: &Path,
    now: Moment,
) -> Result<Copied, BackupError> {
    let shown = || database.display().to_string();
    if !database.exists() {
        return Err(BackupError::NoDatabase { path: shown() });
    }
    let names: Vec<PathBuf> = match to.is_dir() {
        true => names(to, server_id, now),
        false => vec![to.to_owned()],
    };
    let free = |name: &&PathBuf| name.symlink_metadata().is_err();
    let Some(first) = names.iter().find(free) else {
        return Err(BackupError::Exists { path: names[0].display().to_string() });
    };
    let path = first.display().to_string();
    if !folder_of(first).is_dir() {
        return Err(BackupError::NoFolder { path: folder_of(first).display().to_string() });
    }
    if COMPANIONS.iter().any(|suffix| with_suffix(database, suffix) == *first) {
        return Err(BackupError::OwnFile { path });
    }
    let database_error = |source| BackupError::Database { path: shown(), source };
    let copied = read_beside_others(database, server_id, |connection| {
        copy(connection, first).map_err(|source| match source {
            StoreError::Writing(error) if schema::is_damage(&error) => database_error(error.into()),
            source => why_not_written(connection, first, source),
        })
    });
    let (partial, bytes, summary) = copied.map_err(database_error)??;
    let path = take_name(partial, &names).map_err(|source| match source {
        StoreError::Files(error) if error.kind() == ErrorKind::AlreadyExists => {
            BackupError::Exists { path }
        }
        source => not_written(first, source),
    })?;
    Ok(Copied { path, bytes, summary })
}

/// What an operator can remedy, where that explains the error.
fn why_not_written(connection: &Connection, to: &Path, source: StoreError) -> BackupError {
    let folder = folder_of(to);
    let path = folder.display().to_string();
    if let Some(reason) = diagnosis::why_no_new_file(folder) {
        return BackupError::NotWritable { path, reason };
    }
    let is_full = match &source {
        StoreError::Writing(error) => error.sqlite_error_code() == Some(ErrorCode::DiskFull),
        StoreError::Files(error) => error.kind() == ErrorKind::StorageFull,
        _ => false,
    };
    match (is_full, needed(connection), diagnosis::free_space(folder)) {
        (true, Ok(needed), Some(free)) => BackupError::Full { path, needed, free },
        _ => not_written(to, source),
    }
}

fn not_written(to: &Path, source: StoreError) -> BackupError {
    let path = to.display().to_string();
    match source {
        StoreError::Files(source) => {
            let folder = folder_of(to).display().to_string();
            BackupError::FileSystem { path, folder, source }
        }
        source => BackupError::Destination { path, source },
    }
}

/// The bytes of the database without its free pages.
fn needed(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT (page_count - freelist_count) * page_size
               FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Makes a copy that has no name yet, and checks it; also its length and what it holds.
fn copy(
    connection: &Connection,
    to: &Path,
) -> Result<(TempPath, u64, DatabaseSummary), StoreError> {
    let partial = new_beside(to)?;
    write_complete(connection, &partial)?;
    let (copy, _) = schema::open_unchanged(&partial)?;
    schema::integrity(&copy, INTEGRITY_CHECK)?;
    let bytes = fs::metadata(&partial).map_err(StoreError::Files)?.len();
    Ok((partial, bytes, DatabaseSummary::of(&copy)?))
}

/// Gives a file the first of these names that is free, and returns it.
fn take_name(mut partial: TempPath, names: &[PathBuf]) -> Result<PathBuf, StoreError> {
    let mut taken = ErrorKind::AlreadyExists.into();
    for to in names {
        match persist_new(partial, to) {
            Ok(()) => {
                sync_folder(to)?;
                return Ok(to.clone());
            }
            Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => {
                (partial, taken) = (failed.path, failed.error);
            }
            Err(failed) => return Err(StoreError::Files(failed.error)),
        }
    }
    Err(StoreError::Files(taken))
}
