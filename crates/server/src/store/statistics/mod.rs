//! Statistics: what happened at postos, in sums.
//!
//! They read many rows, so they have a connection of their own and run one at a time: they delay
//! neither the writer nor other readers, and fill one core at most. They use rusqlite as the writer
//! does, because it takes less time for a row than sqlx.

mod counted;
mod counting;

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Mutex;
use tokio::task;
use tokio::time::{Instant, sleep_until};

use counting::Reading;

use crate::store::environment::Clock;
use crate::store::error::StoreError;
use crate::store::files::connections::{self, BUSY_TIMEOUT};
use crate::store::progress::Progress;

pub use counted::{Counted, CountedPosto, CountedRefusals, Statistics, StatisticsQuery};

/// A checkpoint takes less.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Reads statistics, one after the other.
#[derive(Clone)]
pub(in crate::store) struct StatisticsReader {
    source: Arc<Mutex<Source>>,
    now: Clock,
    progress: Progress,
}

/// What statistics are read from.
struct Source {
    /// `None` once it is closed.
    connection: Option<Connection>,
    /// The pause after a reading, which is as long as that was, up to a limit. While readings follow each
    /// other without one, the WAL cannot be written from its beginning again.
    pause_until: Instant,
}

impl StatisticsReader {
    /// Of a file that is in WAL mode.
    pub(in crate::store) fn open(
        path: &Path,
        now: Clock,
        progress: Progress,
    ) -> Result<Self, StoreError> {
        let connection = connections::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        // The WAL is opened now, and not when the path may lead elsewhere.
        look(&connection)?;
        let source = Source { connection: Some(connection), pause_until: Instant::now() };
        Ok(Self { source: Arc::new(Mutex::new(source)), now, progress })
    }

    /// Waits for the reading in progress, which ends soon: nobody waits for its answer any more.
    pub(in crate::store) async fn close(self) {
        // It only reads, so closing it can lose nothing.
        drop(self.source.lock().await.connection.take());
    }

    /// Counts what has happened by the moment at which it begins to read.
    pub(in crate::store) async fn read(
        &self,
        query: StatisticsQuery,
    ) -> Result<Statistics, StoreError> {
        let mut source = Arc::clone(&self.source).lock_owned().await;
        sleep_until(source.pause_until).await;
        let (now, progress) = (Arc::clone(&self.now), self.progress.clone());
        // Dropped with this future.
        let caller = Arc::new(());
        let waiting = Arc::downgrade(&caller);
        let reading = task::spawn_blocking(move || {
            let begun = Instant::now();
            let counted = count(&mut source, &query, &now, &progress, waiting);
            source.pause_until = Instant::now() + begun.elapsed().min(MAX_PAUSE);
            counted
        });
        reading.await.unwrap_or(Err(StoreError::Closed))
    }
}

fn count(
    source: &mut Source,
    query: &StatisticsQuery,
    now: &Clock,
    progress: &Progress,
    caller: Weak<()>,
) -> Result<Statistics, StoreError> {
    let connection = source.connection.as_mut().ok_or(StoreError::Closed)?;
    // Asked before anything is read: what is written meanwhile may take back what was due.
    let absences_until = progress.absences_until(now());
    let transaction = connection.transaction()?;
    look(&transaction)?;
    // Only now: nothing later is in what is read.
    Reading::new(transaction, query, now(), caller).read(absences_until)
}

fn look(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.query_row("SELECT count(*) FROM owner", [], |_| Ok(()))?)
}

#[cfg(test)]
mod tests;
