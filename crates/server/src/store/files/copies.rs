//! Complete copies of a database in one file, and where they are put.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::time::Duration;

use domain::DAY;
use rusqlite::Connection;
use rustix::io::Errno;
use tempfile::{PathPersistError, TempPath};

use super::paths::{folder_of, with_suffix};
use crate::store::error::StoreError;

/// How the name of a file ends that is not complete yet.
pub(in crate::store) const PARTIAL: &str = ".parcial";

/// No copy takes this long: what is older was left by a command that was killed.
pub(in crate::store) const MAX_LENGTH: Duration = DAY;

/// Writes everything that was committed to a new or empty file, which is then on disk. It is of one
/// moment, and nobody who writes meanwhile waits for it.
pub(in crate::store) fn write_complete(
    connection: &Connection,
    to: &Path,
) -> Result<(), StoreError> {
    // A name that is not UTF-8 cannot be given to SQL.
    let name = to.to_str().ok_or_else(|| StoreError::Files(ErrorKind::InvalidFilename.into()))?;
    let written = connection.execute("VACUUM INTO ?1", [name]).map_err(StoreError::from);
    let synced = written
        .and_then(|_| File::open(to).and_then(|file| file.sync_all()).map_err(StoreError::Files));
    if synced.is_err() {
        // What is incomplete looks like a backup, and takes the space that a checkpoint may need.
        let _ = fs::remove_file(to);
        let _ = fs::remove_file(with_suffix(to, "-journal"));
    }
    synced
}

/// Gives a file the user and the group of another.
pub(in crate::store) fn give_owner(file: &Path, owner: &Metadata) -> io::Result<()> {
    let made = fs::metadata(file)?;
    if (made.uid(), made.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    chown(file, Some(owner.uid()), Some(owner.gid()))
}

/// An empty file in the folder of `file` under a name of its own, which only its owner reads. It is
/// removed unless it gets another name.
pub(in crate::store) fn new_beside(file: &Path) -> Result<TempPath, StoreError> {
    let prefix = partial_prefix(file);
    let made =
        tempfile::Builder::new().prefix(&prefix).suffix(PARTIAL).tempfile_in(folder_of(file));
    Ok(made.map_err(StoreError::Files)?.into_temp_path())
}

/// Gives a file a name that is free. Where the file system can do that neither by a rename nor by a
/// hard link, as those do that only show an object store, a file that another program makes in the
/// same moment may be replaced.
pub(in crate::store) fn persist_new(partial: TempPath, to: &Path) -> Result<(), PathPersistError> {
    match partial.persist_noclobber(to) {
        Err(failed) if lacks_support(&failed.error) => rename_if_free(failed.path, to),
        done => done,
    }
}

fn lacks_support(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| {
        [Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL].contains(&errno)
    })
}

fn rename_if_free(partial: TempPath, to: &Path) -> Result<(), PathPersistError> {
    if to.symlink_metadata().is_ok() {
        return Err(PathPersistError { error: ErrorKind::AlreadyExists.into(), path: partial });
    }
    partial.persist(to)
}

/// How the names of copies begin that will have the name of `file`.
pub(in crate::store) fn partial_prefix(file: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(file.file_name().unwrap_or_default());
    prefix
}

/// How the names of folders begin that backups and restores of this servidor over standard output and
/// input use.
pub fn stream_prefix(server_id: &str) -> OsString {
    format!(".{server_id}-").into()
}

/// Removes what commands left beside this database that were killed a day ago or longer: files or
/// folders with a whole copy each. What cannot be removed stays.
pub fn remove_leftovers(database: &Path, server_id: &str) {
    for prefix in [partial_prefix(database), stream_prefix(server_id)] {
        remove_old(folder_of(database), &prefix);
    }
}

/// Those of the name `prefix`, six characters and `.parcial`.
fn remove_old(folder: &Path, prefix: &OsStr) {
    let is_left = |name: &OsStr| {
        let rest = name.as_bytes().strip_prefix(prefix.as_bytes()).unwrap_or_default();
        let unique =
            rest.strip_suffix(b"-journal").unwrap_or(rest).strip_suffix(PARTIAL.as_bytes());
        unique
            .is_some_and(|unique| unique.len() == 6 && unique.iter().all(u8::is_ascii_alphanumeric))
    };
    let is_old = |entry: &DirEntry| {
        let changed = entry.metadata().and_then(|found| found.modified());
        let age = changed.ok().and_then(|changed| changed.elapsed().ok());
        age.is_some_and(|age| age > MAX_LENGTH)
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_left(&entry.file_name()) && is_old(&entry) {
            let path = entry.path();
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }
}

/// Makes what was done in the folder of `file` survive a power loss.
pub(in crate::store) fn sync_folder(file: &Path) -> Result<(), StoreError> {
    let folder = File::open(folder_of(file)).map_err(StoreError::Files)?;
    folder.sync_all().map_err(StoreError::Files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_its_name_without_hard_links_and_replaces_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let to = folder.path().join("backup.db");
        let partial = || {
            let partial = new_beside(&to).expect("a file");
            fs::write(&partial, "whole").expect("it is open");
            partial
        };
        rename_if_free(partial(), &to).expect("the name is free");
        assert_eq!(fs::read_to_string(&to).expect("a file"), "whole");
        fs::write(&to, "of another").expect("a file");
        let failed = rename_if_free(partial(), &to).expect_err("it is there");
        assert_eq!(failed.error.kind(), ErrorKind::AlreadyExists);
        drop(failed);
        assert_eq!(fs::read_to_string(&to).expect("a file"), "of another");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "no part is left");
        for (errno, lacks) in
            [(1, true), (22, true), (38, true), (95, true), (17, false), (28, false)]
        {
            assert_eq!(lacks_support(&io::Error::from_raw_os_error(errno)), lacks, "{errno}");
        }
    }
}
