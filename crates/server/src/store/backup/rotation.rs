//! Which backups of one folder are kept.

use std::fs;
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use domain::Moment;

use super::back_up::{BackupError, Copied};
use super::names::{read_complete, read_partial};
use super::restored_ids::goes_on_from;
use crate::store::error::StoreError;
use crate::store::files::copies::MAX_LENGTH;
use crate::store::files::paths::date;
use crate::store::schema::{is_damage, open_unchanged};

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
        let long_ago = date(now - MAX_LENGTH);
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

    /// Removes the oldest backups until `keep` are left. Those with a later date than the newest do
    /// not count and stay: a clock was ahead, or another backup has ended meanwhile.
    ///
    /// # Errors
    /// One cannot be removed, or has something that the newest has not; then none is removed.
    pub fn remove_older(&self, newest: &Copied) -> Result<Rotated, BackupError> {
        let read = |name: &str| read_complete(name, self.server_id);
        let own = newest.path.file_name().and_then(|name| read(name.to_str()?));
        let mut others = files(self.folder, read).map_err(|source| BackupError::Folder {
            path: self.folder.display().to_string(),
            source,
        })?;
        others.sort();
        others.retain(|(_, path)| *path != newest.path);
        let (older, later): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(when, _)| own.as_ref() > Some(when));
        let paths = |dated: Vec<(_, PathBuf)>| -> Vec<PathBuf> {
            dated.into_iter().map(|(_, path)| path).collect()
        };
        let (mut removed, later) = (paths(older), paths(later));
        refuse_loss(newest, &removed)?;
        removed.truncate((removed.len() + 1).saturating_sub(self.keep.get()));
        for path in &removed {
            remove(path).map_err(|source| BackupError::NotRemoved {
                path: path.display().to_string(),
                source,
            })?;
        }
        Ok(Rotated { removed, later })
    }
}

/// What became of the backups of before.
#[derive(Debug)]
pub struct Rotated {
    pub removed: Vec<PathBuf>,
    /// Those with a later date, which stay.
    pub later: Vec<PathBuf>,
}

/// A database that was lost and made anew has backups too, and so has another one that
/// `DATABASE_URL` names by mistake. They must not take the places of those that are needed then.
fn refuse_loss(newest: &Copied, older: &[PathBuf]) -> Result<(), BackupError> {
    let has_what_it_had = |path: &Path| -> Result<bool, StoreError> {
        let (later, earlier) = (open_unchanged(&newest.path)?.0, open_unchanged(path)?.0);
        match goes_on_from(&later, &earlier) {
            Err(error) if is_damage(&error) => Ok(true),
            found => Ok(found?),
        }
    };
    let path = newest.path.display().to_string();
    let mut have_more = Vec::new();
    for than in older {
        match has_what_it_had(than) {
            Ok(true) => {}
            // Another backup may just have removed one of both.
            _ if !than.exists() || !newest.path.exists() => {}
            Ok(false) => have_more.push(than.display().to_string()),
            Err(source) => {
                let than = than.display().to_string();
                return Err(BackupError::NotCompared { path, than, source });
            }
        }
    }
    if have_more.is_empty() {
        return Ok(());
    }
    Err(BackupError::HasLess { path, than: have_more.join(", ") })
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
