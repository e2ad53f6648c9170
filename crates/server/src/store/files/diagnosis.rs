//! Looks for why a database could not be opened: SQLite says only that it cannot open a file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::ffi;
use rustix::fs::{Access, AtFlags, CWD, accessat, statvfs};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};
use sqlx::migrate::MigrateError;

use super::not_writable::{NotWritable, Place};
use super::paths::{file_of, folder_of, with_suffix};
use crate::store::error::StoreError;
use crate::store::schema;

/// Bytes that are free where opening a database does not fail for lack of space.
const MIN_FREE_SPACE: u64 = 1 << 20;

/// The error of opening a database, or what is wrong with its files and folder if that explains it.
pub(in crate::store) fn explain(database: &Path, error: StoreError) -> StoreError {
    let is_about_files = matches!(
        error,
        StoreError::Folder(_)
            | StoreError::Reading(_)
            | StoreError::Writing(_)
            | StoreError::Migration(_)
            | StoreError::Files(_)
    );
    if !is_about_files {
        return error;
    }
    match why_not_writable(database) {
        Some(reason) => StoreError::NotWritable(reason),
        None if is_damage(&error) => StoreError::NeedsRestore(error.to_string()),
        None => error,
    }
}

/// Whether a page or the file itself is not what SQLite has written.
fn is_damage(error: &StoreError) -> bool {
    let error = match error {
        StoreError::Writing(error) => return schema::is_damage(error),
        StoreError::Reading(error) => error,
        StoreError::Migration(
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _),
        ) => error,
        _ => return false,
    };
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    // The extended code has the primary one in its last byte.
    code.is_some_and(|code| matches!(code & 0xff, ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB))
}

/// What is wrong with the files of a database and their folder.
pub fn why_not_writable(database: &Path) -> Option<NotWritable> {
    if database.is_dir() {
        return Some(NotWritable::NotAFile { path: absolute(database) });
    }
    // SQLite puts the WAL beside the file that a symbolic link leads to.
    let database = &file_of(database);
    // A missing folder is made in the nearest one that exists.
    let folder = folder_of(database);
    let existing = folder.ancestors().find(|folder| fs::symlink_metadata(named(folder)).is_ok())?;
    let existing = named(existing);
    if existing.is_file() {
        return Some(NotWritable::NotAFolder { path: absolute(existing) });
    }
    let place =
        if existing == named(folder) { Place::Folder } else { Place::Above(absolute(folder)) };
    let files = ["", "-wal", "-shm"].map(|suffix| with_suffix(database, suffix));
    let mut files = files.iter().filter(|file| file.exists());
    denied(existing, place)
        .or_else(|| files.find_map(|file| denied(file, Place::File)))
        .or_else(|| full(existing))
}

/// Why this program cannot write there.
fn denied(path: &Path, place: Place) -> Option<NotWritable> {
    let more = if place == Place::File { Access::empty() } else { Access::EXEC_OK };
    let wanted = Access::READ_OK | Access::WRITE_OK | more;
    match accessat(CWD, path, wanted, AtFlags::EACCESS) {
        Err(Errno::ROFS) => Some(NotWritable::ReadOnly { path: absolute(path) }),
        Err(Errno::ACCESS | Errno::PERM) => {
            let found = fs::metadata(path).ok()?;
            Some(NotWritable::Denied {
                path: absolute(path),
                place,
                user: geteuid().as_raw(),
                group: getegid().as_raw(),
                owner: found.uid(),
                owner_group: found.gid(),
                mode: found.mode() & 0o7777,
            })
        }
        _ => None,
    }
}

/// SQLite names a full disk in many ways, one for each of its files.
fn full(folder: &Path) -> Option<NotWritable> {
    (free_space(folder)? < MIN_FREE_SPACE).then(|| NotWritable::Full { path: absolute(folder) })
}

/// The bytes that this program can still write in a folder.
pub(in crate::store) fn free_space(folder: &Path) -> Option<u64> {
    let disk = statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Why this program can make no file in a folder, whatever space there is.
pub(in crate::store) fn why_no_new_file(folder: &Path) -> Option<NotWritable> {
    denied(folder, Place::Folder)
}

/// The working directory has an empty name in a relative path.
fn named(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}
