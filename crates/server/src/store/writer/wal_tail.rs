//! Erases a commit that failed from the WAL.
//!
//! When SQLite reports that a commit failed, its frames can be complete in the WAL all the same: a
//! sync may fail after its work is done. This process then continues without them, but a restart
//! before the next commit would find them and take them for committed. So a failed commit is denied
//! to its callers only once nothing of it is left in the file.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Transaction};

use crate::store::error::StoreError;

/// Sizes in the WAL file format (sqlite.org/fileformat2.html, section 4).
const FILE_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

pub(super) struct WalTail {
    wal: PathBuf,
    /// Says how many frames are committed while the writer's own connection is in a transaction.
    observer: Connection,
    frame_size: u64,
}

impl WalTail {
    /// `database` is in WAL mode, and `wal` is its WAL.
    pub(super) fn open(database: &Path, wal: PathBuf) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let observer = Connection::open_with_flags(database, flags)?;
        let page_size: u32 = observer.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        Ok(Self { wal, observer, frame_size: FRAME_HEADER + u64::from(page_size) })
    }

    /// Cuts off everything after the last committed frame, and returns when that is on disk. It
    /// needs no space on the disk. `_locked` has written nothing; it keeps every other program from
    /// committing meanwhile.
    ///
    /// SQLite reads nothing behind the last committed frame and overwrites it at the next commit, so
    /// it does not notice.
    pub(super) fn erase(&self, _locked: &Transaction<'_>) -> Result<(), StoreError> {
        let committed = "PRAGMA wal_checkpoint(NOOP)";
        let frames: i64 = self.observer.query_row(committed, [], |row| row.get(1))?;
        let frames = u64::try_from(frames)
            .map_err(|_| StoreError::Corrupt(format!("{frames} frames in the WAL")))?;
        let end = FILE_HEADER + frames * self.frame_size;
        let wal = OpenOptions::new().write(true).open(&self.wal).map_err(StoreError::Files)?;
        if wal.metadata().map_err(StoreError::Files)?.len() > end {
            wal.set_len(end).map_err(StoreError::Files)?;
        }
        wal.sync_all().map_err(StoreError::Files)
    }
}
