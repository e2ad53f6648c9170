//! Writing the whole file anew, without what was forgotten.
//!
//! `PRAGMA secure_delete` would not be enough: when SQLite distributes the cells of a page anew,
//! copies of cells stay between those that are valid, and nothing overwrites them when their rows
//! are deleted later (docs/decisions/0065).

use std::time::Duration;

use rusqlite::Connection;

use crate::store::error::StoreError;

/// How long the checkpoint waits for readers that look at an old state.
const READER_PATIENCE: Duration = Duration::from_secs(1);

/// Whether it was done; not if a reader held the old pages. Afterwards the connection waits for locks
/// as long as `busy_timeout` again.
pub(super) fn vacuum(connection: &Connection, busy_timeout: Duration) -> Result<bool, StoreError> {
    // In memory: a temporary file would hold all that is in this one, and where the program may
    // write to no folder but that of the database there is no place for it.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.execute_batch("VACUUM")?;
    connection.busy_timeout(READER_PATIENCE)?;
    let truncated = truncate(connection);
    connection.busy_timeout(busy_timeout)?;
    if !truncated? {
        return Ok(false);
    }
    connection.execute("DELETE FROM vacuum_due", [])?;
    Ok(true)
}

/// Empties the WAL, which holds old pages too.
fn truncate(connection: &Connection) -> Result<bool, StoreError> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}
