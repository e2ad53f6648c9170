//! Whether somebody has overwritten the open files in place: `cp backup.db server1.db`, or
//! `> server1.db-wal` to make space.
//!
//! They are still the same files, so SQLite does not notice. It would mix the pages of two states,
//! or count commits as written that no restart can find.

use std::path::Path;
use std::time::{Duration, SystemTime};
use std::{fs, thread};

use super::wal_tail::{Checkpointed, WalTail};
use crate::store::error::StoreError;
use crate::store::files::open_files::{OpenFile, OpenFiles};
use crate::store::schema;

/// How often, and with which pauses, the end of another program's checkpoint is polled.
const MAX_POLLS: u32 = 50;
const POLL_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(in crate::store::writer) struct OverwriteDetector {
    /// `None` if a checkpoint of this program may change the database.
    seen: Option<KnownState>,
}

struct KnownState {
    /// Size and last change of the database.
    stamp: (u64, SystemTime),
    checkpointed: Checkpointed,
}

impl OverwriteDetector {
    /// Looks whether another program has overwritten the files. Call it while the database is
    /// locked for writing.
    ///
    /// # Errors
    /// A file holds something else, or cannot be read.
    pub(in crate::store::writer) fn check(
        &mut self,
        files: &OpenFiles,
        wal_tail: &WalTail,
    ) -> Result<(), StoreError> {
        let overwritten = |file: &OpenFile| StoreError::Overwritten { path: file.path.clone() };
        let database = &files.database.path;
        let checkpointed = wal_tail.checkpointed()?.ok_or_else(|| overwritten(&files.wal))?;
        let stamp = stamp(database)?;
        if let Some(before) = &self.seen
            && before.stamp != stamp
        {
            // SQLite writes the database only in a checkpoint, and counts it in the WAL at its end.
            let is_counted = before.checkpointed != checkpointed;
            let check = if is_counted { schema::QUICK_CHECK } else { schema::INTEGRITY_CHECK };
            schema::check_integrity(database, check).map_err(|error| match error {
                StoreError::Damaged(_) => overwritten(&files.database),
                other => other,
            })?;
            if !is_counted && !ends_checkpoint(before, wal_tail)? {
                return Err(StoreError::Changed { path: database.clone() });
            }
        }
        self.seen = Some(KnownState { stamp, checkpointed });
        Ok(())
    }

    /// Accepts the next change of the database file, because a checkpoint of this program has
    /// begun.
    pub(in crate::store::writer) fn expect_checkpoint(&mut self) {
        self.seen = None;
    }
}

/// Whether another program is in the middle of a checkpoint, and ends it.
fn ends_checkpoint(before: &KnownState, wal_tail: &WalTail) -> Result<bool, StoreError> {
    for _ in 0..MAX_POLLS {
        if wal_tail.checkpointed()? != Some(before.checkpointed) {
            return Ok(true);
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(false)
}

fn stamp(database: &Path) -> Result<(u64, SystemTime), StoreError> {
    let found = fs::metadata(database).map_err(StoreError::Files)?;
    Ok((found.len(), found.modified().map_err(StoreError::Files)?))
}
