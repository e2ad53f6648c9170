//! Saves what the open files hold when the database's path no longer leads to them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use domain::Moment;
use rusqlite::Connection;
use time::OffsetDateTime;
use tracing::{error, warn};

use super::error::StoreError;
use super::open_files::OpenFiles;

/// Writes everything that was committed to a complete file: at the database's path if nothing is
/// there, else beside it. Does nothing if the path still leads to the database: then closing it
/// writes the WAL into it.
pub(super) fn rescue(connection: &Connection, files: &OpenFiles, now: Moment) {
    if files.database.is_in_place().unwrap_or(true) {
        return;
    }
    let database = &files.database.path;
    let aside = beside(database, &format!(".antes-{}", stamp(now)));
    let saved = save(connection, database, &aside);
    // SQLite would take the WAL for that of the file which is at the path now.
    if let Err(failure) = detach_wal(files, &beside(&aside, "-wal-orfa"), saved.is_ok()) {
        error!(error = %failure, "the WAL of the lost database cannot be moved away");
    }
    match saved {
        Ok(path) if path == *database => {
            warn!(path = %path.display(), "nothing was at the path of the database; it is there again");
        }
        Ok(path) => error!(
            path = %path.display(),
            "another file is at the path of the database; what this servidor had is saved here"
        ),
        Err(failure) => error!(error = %failure, "what the lost database holds cannot be saved"),
    }
}

/// Returns where it is saved.
fn save(connection: &Connection, database: &Path, aside: &Path) -> Result<PathBuf, StoreError> {
    if let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(StoreError::Files)?;
    }
    // A name that is not UTF-8 cannot be given to SQL.
    let name =
        aside.to_str().ok_or_else(|| StoreError::Files(ErrorKind::InvalidFilename.into()))?;
    connection.execute("VACUUM INTO ?1", [name])?;
    File::open(aside).and_then(|file| file.sync_all()).map_err(StoreError::Files)?;
    match fs::hard_link(aside, database) {
        Ok(()) => {
            fs::remove_file(aside).map_err(StoreError::Files)?;
            Ok(database.to_owned())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(aside.to_owned()),
        Err(error) => Err(StoreError::Files(error)),
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

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn stamp(now: Moment) -> String {
    let seconds = now.as_millis().div_euclid(1000);
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let ((year, month, day), (hour, minute, second)) = (at.date().to_calendar_date(), at.to_hms());
    format!("{year:04}{:02}{day:02}T{hour:02}{minute:02}{second:02}Z", u8::from(month))
}
