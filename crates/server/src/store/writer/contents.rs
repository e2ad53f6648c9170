//! Whether somebody has overwritten the open files in place: `cp backup.db server1.db`, or
//! `> server1.db-wal` to make space.
//!
//! They are still the same files, so SQLite does not notice. It would mix the pages of two states,
//! or count commits as written that no restart can find.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, thread};

use super::wal_tail::{Checkpointed, WalTail};
use crate::store::error::StoreError;
use crate::store::schema;

/// How often, and with which pauses, the end of another program's checkpoint is awaited.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Contents {
    database: PathBuf,
    wal: PathBuf,
    /// `None` if a checkpoint of this program may change the database.
    seen: Option<Seen>,
}

struct Seen {
    /// Size and last change of the database.
    stamp: (u64, SystemTime),
    checkpointed: Checkpointed,
}

impl Contents {
    pub(super) fn new(database: PathBuf, wal: PathBuf) -> Self {
        Self { database, wal, seen: None }
    }

    /// Call it while the database is locked for writing.
    ///
    /// # Errors
    /// A file holds something else, or cannot be read.
    pub(super) fn check(&mut self, wal_tail: &WalTail) -> Result<(), StoreError> {
        let checkpointed = wal_tail.checkpointed()?;
        let overwritten = || StoreError::Overwritten { path: self.wal.clone() };
        let checkpointed = checkpointed.ok_or_else(overwritten)?;
        let stamp = stamp(&self.database)?;
        if let Some(before) = &self.seen
            && before.stamp != stamp
        {
            // SQLite writes the database only in a checkpoint, and counts it in the WAL at its end.
            let is_counted = before.checkpointed != checkpointed;
            let check = if is_counted { schema::STRUCTURE } else { schema::WHOLE };
            schema::check_integrity(&self.database, check).map_err(|error| match error {
                StoreError::Damaged(_) => StoreError::Overwritten { path: self.database.clone() },
                other => other,
            })?;
            if !is_counted {
                self.await_checkpoint(before, wal_tail)?;
            }
        }
        self.seen = Some(Seen { stamp, checkpointed });
        Ok(())
    }

    /// A checkpoint of this program has begun.
    pub(super) fn expect_checkpoint(&mut self) {
        self.seen = None;
    }

    /// Another program may be in the middle of one.
    fn await_checkpoint(&self, before: &Seen, wal_tail: &WalTail) -> Result<(), StoreError> {
        for _ in 0..LOOKS {
            if wal_tail.checkpointed()? != Some(before.checkpointed) {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        Err(StoreError::Changed { path: self.database.clone() })
    }
}

fn stamp(database: &Path) -> Result<(u64, SystemTime), StoreError> {
    let found = fs::metadata(database).map_err(StoreError::Files)?;
    Ok((found.len(), found.modified().map_err(StoreError::Files)?))
}
