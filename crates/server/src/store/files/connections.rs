//! How the database is opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// How long SQLite waits for a lock that another program holds on the file.
pub(in crate::store) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens a database that is there, to read and write it. Only one thread at a time uses the connection,
/// so it needs no lock of its own.
pub(in crate::store) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}
