//! Which backups of one folder are kept.

use std::fs;
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use domain::Moment;

use super::backup::{BackupError, Copied};
use super::backup_names::{read_complete, read_partial};
use super::copies::date;

/// No backup takes this long, in milliseconds: what is older was left by one that was killed.
const MAX_LENGTH: i64 = 24 * 60 * 60 * 1000;

/// The backups of one servidor in one folder. Nothing is removed whose name is not one of theirs.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'a> {
    pub folder: &'a Path,
    pub server_id: &'a str,
    /// How many there are at most.
    pub keep: NonZeroUsize,
}

impl Rotation<'_> {
    /// Removes what backups left that were killed: it may take the space that the next one needs.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn prepare(&self, now: Moment) -> Result<(), BackupError> {
        if !self.folder.is_dir() {
            return Err(BackupError::NoFolder { path: self.folder.display().to_string() });
        }
        let long_ago = date(Moment::from_millis(now.as_millis().saturating_sub(MAX_LENGTH)));
        let is_left = |name: &str| {
            let date = read_partial(name, self.server_id)?;
            (*date < *long_ago).then_some(())
        };
        let left = files(self.folder, is_left)
            .and_then(|left| left.into_iter().try_for_each(|((), path)| remove(&path)));
        left.map_err(|source| BackupError::Folder {
            path: self.folder.display().to_string(),
            source,
        })
    }

    /// Removes the oldest backups until `keep` are left, and returns them.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn remove_older(&self, newest: &Copied) -> Result<Vec<PathBuf>, BackupError> {
        let read = |name: &str| read_complete(name, self.server_id);
        let mut others = files(self.folder, read).map_err(|source| BackupError::Folder {
            path: self.folder.display().to_string(),
            source,
        })?;
        // After a clock was set back, the backup of now does not have the newest name.
        others.retain(|(_, path)| *path != newest.path);
        others.sort();
        let older = others.into_iter().rev().skip(self.keep.get() - 1).map(|(_, path)| path);
        let older: Vec<PathBuf> = older.collect();
        for path in &older {
            remove(path).map_err(|source| BackupError::NotRemoved {
                path: path.display().to_string(),
                source,
            })?;
        }
        Ok(older)
    }
}

/// Another backup that ends now may have removed it.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The files of a folder whose names can be read, and what was read.
fn files<T>(folder: &Path, read: impl Fn(&str) -> Option<T>) -> io::Result<Vec<(T, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(what) = entry.file_name().to_str().and_then(&read)
            && entry.file_type()?.is_file()
        {
            found.push((what, entry.path()));
        }
    }
    Ok(found)
}
