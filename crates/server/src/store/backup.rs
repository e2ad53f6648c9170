//! A copy of the database in one file, made while the servidor runs or while it does not.

use std::fmt;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use domain::Moment;
use rusqlite::Connection;

use super::copies::{beside, date, folder_of, sync_folder, write_complete};
use super::error::StoreError;
use super::schema::{self, INTEGRITY_CHECK, Identity, READ_ONLY};
use super::writer::BUSY_TIMEOUT;

/// It holds placas: only its owner reads it.
const PRIVATE: u32 = 0o600;

/// Why there is no backup. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("DATABASE_URL names {path}, which does not exist: there is nothing to back up")]
    NoDatabase { path: String },
    #[error("DATABASE_URL names {path}, which cannot be backed up: {source}")]
    Database { path: String, source: StoreError },
    #[error("{path} exists already; a backup replaces no file, so name another one")]
    Exists { path: String },
    #[error("the folder {path} does not exist; make it, or name another one")]
    NoFolder { path: String },
    #[error("the backup {path} cannot be written: {source}")]
    Destination { path: String, source: StoreError },
}

/// A copy of a database.
#[derive(Debug)]
pub struct Copied {
    pub path: PathBuf,
    pub bytes: u64,
    pub holdings: Holdings,
}

/// What a database holds, as far as two of them are compared by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holdings {
    pub reservas: i64,
    /// When the newest of them was made.
    pub newest: Option<Moment>,
}

impl Holdings {
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT count(*), max(created_at) FROM reservas";
        connection.query_row(sql, [], |row| {
            let newest: Option<i64> = row.get(1)?;
            Ok(Self { reservas: row.get(0)?, newest: newest.map(Moment::from_millis) })
        })
    }
}

impl fmt::Display for Holdings {
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
    let database_error = |source| BackupError::Database { path: shown(), source };
    let connection = open_beside_others(database, server_id).map_err(database_error)?;

    let to =
        if to.is_dir() { to.join(format!("{server_id}-{}.db", date(now))) } else { to.to_owned() };
    let path = to.display().to_string();
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists { path });
    }
    if !folder_of(&to).is_dir() {
        return Err(BackupError::NoFolder { path: folder_of(&to).display().to_string() });
    }
    let partial = beside(&to, ".parcial");
    let made = write(&connection, &partial).and_then(|copied| {
        name(&partial, &to)?;
        Ok(Copied { path: to, ..copied })
    });
    if made.is_err() {
        let _ = fs::remove_file(&partial);
    }
    made.map_err(|source| match source {
        StoreError::Files(error) if error.kind() == ErrorKind::AlreadyExists => {
            BackupError::Exists { path }
        }
        source => BackupError::Destination { path, source },
    })
}

/// Opens a database that a servidor may be using, and changes nothing in it.
fn open_beside_others(path: &Path, server_id: &str) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, READ_ONLY)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match schema::identify(&connection, server_id)? {
        Identity::Complete => Ok(connection),
        Identity::Begun => Err(StoreError::Foreign("it has no tables".to_owned())),
    }
}

/// Writes a copy under a name that no other backup has, and checks it.
fn write(connection: &Connection, partial: &Path) -> Result<Copied, StoreError> {
    // One that was cut off.
    if let Err(error) = fs::remove_file(partial)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(StoreError::Files(error));
    }
    let mut options = File::options();
    options.write(true).create_new(true).mode(PRIVATE);
    options.open(partial).map_err(StoreError::Files)?;
    write_complete(connection, partial)?;
    let (copy, _) = schema::open_unchanged(partial)?;
    schema::integrity(&copy, INTEGRITY_CHECK)?;
    let bytes = fs::metadata(partial).map_err(StoreError::Files)?.len();
    Ok(Copied { path: partial.to_owned(), bytes, holdings: Holdings::of(&copy)? })
}

/// Gives a file its name, which must be free.
fn name(partial: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::hard_link(partial, to) {
        Ok(()) => fs::remove_file(partial).map_err(StoreError::Files)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(StoreError::Files(error));
        }
        // A file system without hard links.
        Err(_) => fs::rename(partial, to).map_err(StoreError::Files)?,
    }
    sync_folder(to)
}
