//! Saves what the open files hold when the database's path no longer leads to them.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use domain::Moment;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tracing::{error, warn};

use super::copies::{give_owner, sync_folder, write_complete};
use super::open_files::OpenFiles;
use super::paths::{aside, end_of_links, folder_of, with_suffix};
use super::private::make_folder;
use crate::store::error::StoreError;

/// Saves what was committed before the writer ends for `cause`, as far as its files are lost. If they
/// are not, closing the database writes the WAL into it, or leaves it to the next start. `opened` is the
/// database as it was opened: what is saved has its owner and mode.
pub(in crate::store) fn rescue(
    connection: &Connection,
    files: &OpenFiles,
    opened: &io::Result<Metadata>,
    cause: &StoreError,
    now: Moment,
) {
    if files.database.is_in_place().unwrap_or(true) {
        match cause {
            StoreError::Overwritten { path } if *path == files.wal.path => {
                complete(connection, files, opened, now);
                never_checkpoint(connection);
            }
            // A restart reads the two as one whole database.
            StoreError::Changed { .. } | StoreError::NotSynced(_) => never_checkpoint(connection),
            StoreError::Overwritten { .. } => leave_overwritten(connection, files, now),
            _ if !files.wal.is_in_place().unwrap_or(true) => {
                complete(connection, files, opened, now);
            }
            _ => {}
        }
        return;
    }
    let path = end_of_links(&files.database.path);
    let aside = aside(&path, now);
    let saved = save(connection, &path, opened, &aside);
    // SQLite would take the WAL for that of the file which is at the path now.
    if let Err(failure) = detach_wal(files, &with_suffix(&aside, "-wal-orfa"), saved.is_ok()) {
        error!(error = %failure, "the WAL of the lost database cannot be moved away");
    }
    match saved {
        Ok(saved) if saved == path => {
            warn!(path = %path.display(), "nothing was at the path of the database; it is there again");
        }
        Ok(path) => error!(
            path = %path.display(),
            "another file is at the path of the database; what this servidor had is saved here"
        ),
        Err(failure) => error!(error = %failure, "what the lost database holds cannot be saved"),
    }
}

/// The database file is what somebody wanted it to be: nothing may be written into it.
fn leave_overwritten(connection: &Connection, files: &OpenFiles, now: Moment) {
    // On the disk where the WAL is, if the path is a link to another.
    let path = fs::canonicalize(&files.database.path).unwrap_or(files.database.path.clone());
    let wal = with_suffix(&aside(&path, now), "-wal-orfa");
    never_checkpoint(connection);
    match detach_wal(files, &wal, false) {
        Ok(()) => error!(
            wal = %wal.display(),
            "the database is left as it was overwritten; the WAL of what it was is kept here"
        ),
        Err(failure) => error!(error = %failure, "the WAL cannot be moved away"),
    }
}

/// The WAL is lost, and the database without it is out of date: replaces it by a complete one. It
/// does not wait for readers, as a checkpoint would have to.
fn complete(
    connection: &Connection,
    files: &OpenFiles,
    opened: &io::Result<Metadata>,
    now: Moment,
) {
    let completed =
        fs::canonicalize(&files.database.path).map_err(StoreError::Files).and_then(|path| {
            let aside = aside(&path, now);
            write_like(connection, &aside, opened)?;
            detach_wal(files, &aside, true).map_err(StoreError::Files)?;
            fs::rename(&aside, &path).map_err(StoreError::Files)?;
            sync_folder(&path)
        });
    match completed {
        Ok(()) => {
            // Into a file without a name, after waiting for its readers.
            never_checkpoint(connection);
            warn!("the WAL was lost; all that it held is in the database file now");
        }
        Err(failure) => error!(error = %failure, "what the lost WAL held cannot be saved"),
    }
}

/// Returns where it is saved.
fn save(
    connection: &Connection,
    database: &Path,
    opened: &io::Result<Metadata>,
    aside: &Path,
) -> Result<PathBuf, StoreError> {
    make_folder(folder_of(aside)).map_err(StoreError::Files)?;
    write_like(connection, aside, opened)?;
    match fs::hard_link(aside, database) {
        Ok(()) => {
            fs::remove_file(aside).map_err(StoreError::Files)?;
            sync_folder(database)?;
            Ok(database.to_owned())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(aside.to_owned()),
        Err(error) => Err(StoreError::Files(error)),
    }
}

/// Writes a complete copy that the same users may read and write as the file that was opened.
fn write_like(
    connection: &Connection,
    to: &Path,
    opened: &io::Result<Metadata>,
) -> Result<(), StoreError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    made.map_err(StoreError::Files)?;
    write_complete(connection, to)?;
    let Ok(opened) = opened else { return Ok(()) };
    // If this fails, this user can still read what is saved.
    let owned = give_owner(to, opened);
    let shared = fs::set_permissions(to, opened.permissions());
    if let Err(error) = owned.and(shared) {
        warn!(path = %to.display(), %error, "what is saved has not the owner and mode of what was lost");
    }
    Ok(())
}

/// For a WAL that would damage the database, or that the next start has to read from its beginning.
pub(in crate::store) fn never_checkpoint(connection: &Connection) {
    let set = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    if let Err(failure) = set {
        error!(error = %failure, "closing the database may write into it");
    }
}

/// Takes the WAL and the shared memory away from the path; keeps the WAL if it is the only copy.
fn detach_wal(files: &OpenFiles, kept: &Path, is_saved: bool) -> io::Result<()> {
    if files.wal.is_in_place()? {
        if is_saved {
            fs::remove_file(&files.wal.path)?;
        } else {
            fs::rename(&files.wal.path, kept)?;
        }
    }
    if files.shared_memory.is_in_place()? {
        fs::remove_file(&files.shared_memory.path)?;
    }
    Ok(())
}
