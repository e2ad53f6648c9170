//! Statistics: what happened at postos, in sums.
//!
//! They read many rows, on a connection of their own and one after the other: they never hold up the
//! writer, take the readers of nobody else, and fill one core at most. The library is that of the writer,
//! which costs a row less than that of the readers.

mod counted;
mod counting;

use std::path::Path;
use std::sync::Arc;

use domain::Moment;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Mutex;
use tokio::task;

use counting::Reading;

use super::error::StoreError;
use super::writer::BUSY_TIMEOUT;

pub use counted::{Counted, CountedPosto, CountedRefusals, Statistics, StatisticsQuery};

/// The connection that statistics are read on; `None` once it is closed.
#[derive(Clone)]
pub(in crate::store) struct StatisticsReader(Arc<Mutex<Option<Connection>>>);

impl StatisticsReader {
    /// Opens it to a file that is in WAL mode.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        // The WAL is opened now, and not when the path may lead elsewhere.
        connection.query_row("SELECT count(*) FROM owner", [], |_| Ok(()))?;
        Ok(Self(Arc::new(Mutex::new(Some(connection)))))
    }

    /// Waits for the reading in progress.
    pub(in crate::store) async fn close(self) {
        // It only reads, so closing it can lose nothing.
        drop(self.0.lock().await.take());
    }

    /// Counts what has happened by `now`, with the absences that were due at `absences_until`.
    pub(in crate::store) async fn read(
        &self,
        query: StatisticsQuery,
        absences_until: Moment,
        now: Moment,
    ) -> Result<Statistics, StoreError> {
        let mut connection = Arc::clone(&self.0).lock_owned().await;
        let reading = task::spawn_blocking(move || {
            let connection = connection.as_mut().ok_or(StoreError::Closed)?;
            Reading::new(connection.transaction()?, &query, now).read(absences_until)
        });
        reading.await.unwrap_or(Err(StoreError::Closed))
    }
}
