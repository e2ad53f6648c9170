//! Erases a commit that failed from the WAL.
//!
//! When SQLite reports that a commit failed, its frames can be complete in the WAL all the same: a
//! sync may fail after its work is done. This process then continues without them, but a restart
//! before the next commit would find them and take them for committed. So a failed commit is denied
//! to its callers only once nothing of it is left in the file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rusqlite::{Connection, Transaction};

use crate::store::error::StoreError;
use crate::store::files::connections;

/// Sizes in the WAL file format (sqlite.org/fileformat2.html, section 4).
const FILE_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;
/// Where its header has the magic number and the salts.
const MAGIC: std::ops::Range<usize> = 0..3;
const SALTS: std::ops::Range<usize> = 16..24;

/// How far the WAL is checkpointed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store::writer) struct Checkpointed {
    /// They differ each time SQLite starts writing the WAL from its beginning.
    salts: [u8; 8],
    frames: u64,
}

pub(in crate::store::writer) struct WalTail {
    /// Open all the time: a tail can be cut off also when no more files can be opened.
    wal: File,
    /// Says how many frames are committed while the writer's own connection is in a transaction.
    observer: Connection,
    frame_size: u64,
}

impl WalTail {
    /// Opens the WAL of a `database` that is in WAL mode.
    pub(in crate::store::writer) fn open(database: &Path, wal: &Path) -> Result<Self, StoreError> {
        let observer = connections::open(database)?;
        let page_size: u32 = observer.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let wal = OpenOptions::new().read(true).write(true).open(wal).map_err(StoreError::Files)?;
        Ok(Self { wal, observer, frame_size: FRAME_HEADER + u64::from(page_size) })
    }

    /// Cuts off everything after the last committed frame, and returns when that is on disk. It
    /// needs no space on the disk. `_locked` has written nothing; it keeps every other program from
    /// committing meanwhile.
    ///
    /// SQLite reads nothing behind the last committed frame and overwrites it at the next commit, so
    /// it does not notice.
    pub(in crate::store::writer) fn erase(
        &self,
        _locked: &Transaction<'_>,
    ) -> Result<(), StoreError> {
        let (committed, _) = self.counts()?;
        let end = FILE_HEADER + committed * self.frame_size;
        if self.wal.metadata().map_err(StoreError::Files)?.len() > end {
            self.wal.set_len(end).map_err(StoreError::Files)?;
        }
        self.wal.sync_all().map_err(StoreError::Files)
    }

    /// Reads how far the WAL is checkpointed; `None` if committed frames are missing in the file,
    /// or its header is.
    pub(in crate::store::writer) fn checkpointed(
        &self,
    ) -> Result<Option<Checkpointed>, StoreError> {
        let (committed, checkpointed) = self.counts()?;
        let mut header = [0; FILE_HEADER as usize];
        let is_there = self.wal.read_exact_at(&mut header, 0).is_ok()
            && header[MAGIC] == [0x37, 0x7f, 0x06]
            && self.wal.metadata().map_err(StoreError::Files)?.len()
                >= FILE_HEADER + committed * self.frame_size;
        let mut salts = [0; 8];
        salts.copy_from_slice(&header[SALTS]);
        let checkpointed = Checkpointed { salts, frames: checkpointed };
        Ok((committed == 0 || is_there).then_some(checkpointed))
    }

    /// Frames that are committed, and how many of them are checkpointed.
    fn counts(&self) -> Result<(u64, u64), StoreError> {
        let mut statement = self.observer.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        let (committed, checkpointed): (i64, i64) =
            statement.query_row([], |row| Ok((row.get(1)?, row.get(2)?)))?;
        let count = |frames| {
            u64::try_from(frames)
                .map_err(|_| StoreError::Corrupt(format!("{frames} frames in the WAL")))
        };
        Ok((count(committed)?, count(checkpointed)?))
    }
}
