//! Whether another program has a database open.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::connections;
use super::diagnosis;
use crate::store::error::StoreError;
use crate::store::schema;

/// Whether any other connection has this file open, in this program or another. A servidor has as
/// long as it runs, and no longer: the system releases its locks even if it is killed.
///
/// # Errors
/// It is not the database of this servidor, or cannot be opened.
pub fn is_in_use(path: &Path, server_id: &str) -> Result<bool, StoreError> {
    if !path.exists() {
        return Ok(false);
    }
    find_lock(path, server_id).map_err(|error| diagnosis::explain(path, error))
}

fn find_lock(path: &Path, server_id: &str) -> Result<bool, StoreError> {
    // First, because opening it as below applies the WAL that is beside it.
    schema::inspect(path, server_id)?;
    let connection = open_without_waiting(path)?;
    // A connection in WAL mode holds a shared lock from its first read until it is closed.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    match connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK") {
        Ok(()) => Ok(false),
        Err(error) if is_busy(&error) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Opens a database, so that a lock of another connection is an error at once.
pub(in crate::store) fn open_without_waiting(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connections::open(path)?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

/// Whether another connection has the lock that was needed.
pub(in crate::store) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
