//! Whether the database's path still leads to the files that are open.
//!
//! An operator can remove or replace them while the servidor runs. Everything written afterwards
//! would go to files without a name, and be lost at the next start.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::paths::with_suffix;
use crate::store::error::StoreError;

/// The database file, its WAL and its shared memory, as they were opened.
#[derive(Debug, Clone)]
pub(in crate::store) struct OpenFiles {
    pub(in crate::store) database: OpenFile,
    pub(in crate::store) wal: OpenFile,
    pub(in crate::store) shared_memory: OpenFile,
}

/// One file, recognised by device and inode.
#[derive(Debug, Clone)]
pub(in crate::store) struct OpenFile {
    pub(in crate::store) path: PathBuf,
    device: u64,
    inode: u64,
}

impl OpenFiles {
    /// Call it while a connection holds the files open.
    pub(in crate::store) fn at(database: &Path) -> Result<Self, StoreError> {
        // SQLite puts the other two beside the file that a symbolic link leads to.
        let real = fs::canonicalize(database).map_err(StoreError::Files)?;
        Ok(Self {
            database: OpenFile::at(database.to_owned())?,
            wal: OpenFile::at(with_suffix(&real, "-wal"))?,
            shared_memory: OpenFile::at(with_suffix(&real, "-shm"))?,
        })
    }

    /// # Errors
    /// A path leads to another file or to none, or cannot be followed.
    pub(in crate::store) fn check(&self) -> Result<(), StoreError> {
        for file in [&self.database, &self.wal, &self.shared_memory] {
            if !file.is_in_place().map_err(StoreError::Files)? {
                return Err(StoreError::Moved { path: file.path.clone() });
            }
        }
        Ok(())
    }
}

impl OpenFile {
    pub(in crate::store) fn at(path: PathBuf) -> Result<Self, StoreError> {
        let found = fs::metadata(&path).map_err(StoreError::Files)?;
        Ok(Self { path, device: found.dev(), inode: found.ino() })
    }

    /// Whether the path still leads to this file.
    pub(in crate::store) fn is_in_place(&self) -> io::Result<bool> {
        let is_this = |found: Metadata| found.dev() == self.device && found.ino() == self.inode;
        match fs::metadata(&self.path) {
            Ok(found) => Ok(is_this(found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}
