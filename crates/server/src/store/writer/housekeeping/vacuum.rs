//! Writing the whole file anew, without what was forgotten.
//!
//! `PRAGMA secure_delete` would not be enough: when SQLite distributes the cells of a page anew,
//! copies of cells stay between those that are valid, and nothing overwrites them when their rows
//! are deleted later (docs/decisions/0065).

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};

use crate::store::error::StoreError;

/// How long the checkpoint waits for readers that look at an old state; commands wait too.
const READER_TIMEOUT: Duration = Duration::from_millis(100);

/// Writes the file anew without what was forgotten, if that is due. Returns true once nothing of it is
/// left. While a reader holds old pages it returns false, and the next call only empties the WAL.
/// Afterwards the connection waits for locks as long as `busy_timeout` again.
pub(in crate::store::writer) fn vacuum(
    connection: &Connection,
    folder: &Path,
    busy_timeout: Duration,
) -> Result<bool, StoreError> {
    let due = "SELECT rewritten FROM vacuum_due";
    let due: Option<bool> = connection.query_row(due, [], |row| row.get(0)).optional()?;
    let Some(is_rewritten) = due else { return Ok(true) };
    if !is_rewritten {
        rewrite(connection, folder)?;
        connection.execute("UPDATE vacuum_due SET rewritten = 1", [])?;
    }
    connection.busy_timeout(READER_TIMEOUT)?;
    let truncated = truncate(connection);
    connection.busy_timeout(busy_timeout)?;
    if !truncated? {
        return Ok(false);
    }
    connection.execute("DELETE FROM vacuum_due", [])?;
    Ok(true)
}

/// Writes the database file anew. SQLite first copies what is to stay to a temporary file, which
/// has no name. It is beside the database: in memory it would be as large as the file, and
/// elsewhere there may be no place for it.
fn rewrite(connection: &Connection, folder: &Path) -> Result<(), StoreError> {
    let folder = folder.canonicalize().map_err(StoreError::Files)?;
    match folder.to_str() {
        Some(folder) => {
            connection.pragma_update(None, "temp_store", "FILE")?;
            // Of the whole process: another servidor in it has a folder that does as well.
            connection.pragma_update(None, "temp_store_directory", folder)?;
        }
        // SQL cannot name it.
        None => connection.pragma_update(None, "temp_store", "MEMORY")?,
    }
    Ok(connection.execute_batch("VACUUM")?)
}

/// Empties the WAL, which holds old pages too.
fn truncate(connection: &Connection) -> Result<bool, StoreError> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}
