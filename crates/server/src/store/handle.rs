//! Opening, using and closing one servidor's database.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use prometheus_client::registry::Registry;
use sqlx::ConnectOptions as _;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use tokio::sync::mpsc;
use tokio::task;
use tracing::{info, warn};

use super::environment::Environment;
use super::error::{StoreError, WriteError};
use super::files::connections::BUSY_TIMEOUT;
use super::files::diagnosis;
use super::files::paths::folder_of;
use super::files::private::{make_database, make_folder};
use super::reader::figures::FiguresReader;
use super::reader::listing::ListingReader;
use super::schema;
use super::statistics::StatisticsReader;
use super::write_trace::WriteTrace;
use super::writer::command::WriteCommand;
use super::writer::commit::queue::{self, Queued};
use super::writer::commit::recent_failures::DuplicateKey;
use super::writer::housekeeping::sweep::Sweep;
use super::writer::state::WriterState;
use super::writer::{self, StoppedWriter, Writer};
use crate::metrics::StoreMetrics;

/// Commands that wait for the writer; more are refused at once.
const WRITER_QUEUE: usize = 8192;
/// Reading connections for everything but listings.
const READERS: u32 = 4;
/// How often a stop looks whether a commit has ended, which mostly takes less.
const COMMIT_POLL: Duration = Duration::from_millis(5);

/// One servidor's database. Clones share it.
#[derive(Clone)]
pub struct Store {
    writer: mpsc::Sender<Box<dyn Queued>>,
    pub(super) readers: SqlitePool,
    pub(super) listings: ListingReader,
    pub(super) figures: FiguresReader,
    pub(super) statistics: StatisticsReader,
    pub(super) registry: Arc<Registry>,
    pub(super) server_id: Arc<str>,
    pub(super) state: WriterState,
}

/// Ends the writer and leaves one complete file.
pub struct StoreCloser {
    writer: JoinHandle<StoppedWriter>,
    listings: task::JoinHandle<()>,
    figures: task::JoinHandle<()>,
    readers: SqlitePool,
    statistics: StatisticsReader,
}

impl Store {
    /// Opens or creates the database file, migrates its schema and starts the writer.
    pub async fn open(
        path: &Path,
        environment: Environment,
    ) -> Result<(Self, StoreCloser), StoreError> {
        let opened = Self::open_files(path, environment).await;
        opened.map_err(|error| diagnosis::explain(path, error))
    }

    async fn open_files(
        path: &Path,
        environment: Environment,
    ) -> Result<(Self, StoreCloser), StoreError> {
        make_folder(folder_of(path)).map_err(StoreError::Folder)?;
        let was_there = schema::inspect(path, &environment.server_id)?;
        if !was_there {
            make_database(path).map_err(StoreError::Files)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        schema::prepare(&options, &environment.server_id).await?;
        if !was_there {
            info!(path = %path.display(), "there was no database here, so a new one was made");
        }
        let database = File::open(path).map_err(StoreError::Files)?;
        let connection = writer::open(path, (environment.now)())?;
        let mut registry = Registry::default();
        let metrics = Arc::new(StoreMetrics::new(&mut registry));
        let state = WriterState::begin((environment.now)(), Arc::clone(&metrics));
        let server_id = environment.server_id.as_str().into();
        let now = Arc::clone(&environment.now);
        let writer = Writer::new(path, database, environment, state.clone())?;
        let options = options.create_if_missing(false).pragma("query_only", "ON");
        let progress = state.progress.clone();
        let (figures, figures_task) =
            FiguresReader::open(path, options.clone(), Arc::clone(&now), progress.clone(), metrics)
                .await?;
        let statistics = StatisticsReader::open(path, Arc::clone(&now), progress.clone())?;
        let (listings, listing_task) = ListingReader::open(options.clone(), now, progress).await?;
        let readers = open_readers(options).await?;
        let (sender, receiver) = mpsc::channel(WRITER_QUEUE);
        let span = tracing::Span::current();
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || span.in_scope(|| writer.run(connection, receiver)))
            .map_err(StoreError::Thread)?;
        let closer = StoreCloser {
            writer: thread,
            listings: listing_task,
            figures: figures_task,
            readers: readers.clone(),
            statistics: statistics.clone(),
        };
        let store = Self {
            writer: sender,
            readers,
            listings,
            figures,
            statistics,
            registry: Arc::new(registry),
            server_id,
            state,
        };
        Ok((store, closer))
    }

    /// Whether the writer has ended, so that nothing can be written any more.
    pub fn is_closed(&self) -> bool {
        self.writer.is_closed()
    }

    /// Whether the last write succeeded; after one that failed, every sweep tries again.
    pub fn is_writable(&self) -> bool {
        self.state.is_writable.load(Ordering::Relaxed)
    }

    /// The cause of the latest failed write, for a command line, which writes no log.
    pub fn latest_failure(&self) -> Option<String> {
        self.state.failure.lock().clone()
    }

    /// Queues a command for the writer, in the first poll, and waits until it is on disk.
    pub async fn execute<C: WriteCommand>(&self, command: C) -> Result<C::Output, WriteError> {
        let trace = WriteTrace::current();
        let (queued, outcome) =
            queue::pending(command, trace.as_ref().map(WriteTrace::span_context));
        match self.writer.try_reserve() {
            Ok(place) => {
                // Before it is in the queue: `settled` must not miss it.
                self.state.queued.fetch_add(1, Ordering::SeqCst);
                place.send(queued);
                let (outcome, times) =
                    outcome.await.unwrap_or((Err(WriteError::Unavailable), None));
                if let (Some(trace), Some(times)) = (trace, times) {
                    trace.add_spans(times, outcome.as_ref().err());
                }
                outcome
            }
            Err(mpsc::error::TrySendError::Full(())) => {
                self.refuse(queued.duplicate_key()).await;
                Err(WriteError::Overloaded)
            }
            Err(mpsc::error::TrySendError::Closed(())) => Err(WriteError::Unavailable),
        }
    }

    /// Remembers that a command was refused, if it may have copies. A copy that is queued is then
    /// refused too; one that is being written is done when this returns.
    async fn refuse(&self, key: Option<DuplicateKey>) {
        if key.is_none() {
            return;
        }
        self.state.recent_failures.add(key, WriteError::Overloaded);
        // Only now: a batch that ended before may be followed by one that has a copy.
        let mut answered = self.state.answered.subscribe();
        tokio::select! {
            _ = answered.changed() => {}
            () = self.writer.closed() => {}
        }
    }

    /// Waits until every command that was queued before is answered. What is read then is final:
    /// no earlier command changes it any more, and no restart does.
    pub async fn settled(&self) -> Result<(), StoreError> {
        let queued = self.state.queued.load(Ordering::SeqCst);
        let mut answered = self.state.answered.subscribe();
        tokio::select! {
            _ = answered.wait_for(|answered| *answered >= queued) => {}
            () = self.writer.closed() => {}
        }
        self.check_not_in_doubt()
    }

    /// Refuses whatever is not being committed. When this returns, the announcer has every change,
    /// unless a commit takes longer than `limit`.
    pub async fn refuse_writes(&self, limit: Duration) {
        self.state.stopping.refuse_commits();
        let committed = async {
            while self.state.stopping.is_committing() {
                tokio::time::sleep(COMMIT_POLL).await;
            }
        };
        if tokio::time::timeout(limit, committed).await.is_err() {
            warn!("a commit takes too long for the stop");
        }
    }

    /// Refuses a question while a restart may find another answer.
    pub(super) fn check_not_in_doubt(&self) -> Result<(), StoreError> {
        let in_doubt = self.state.in_doubt.load(Ordering::Relaxed);
        if in_doubt { Err(StoreError::InDoubt) } else { Ok(()) }
    }

    /// Marks the reservas that have ended and reports those that begin.
    pub async fn sweep(&self) -> Result<(), WriteError> {
        self.execute(Sweep).await
    }
}

impl StoreCloser {
    /// Waits for the writer's last batch, then checkpoints the whole WAL into the file.
    ///
    /// Every [`Store`] must have been dropped, else the writer waits for more commands.
    ///
    /// # Errors
    /// The checkpoint failed. Nothing is lost: the next start completes it.
    pub async fn close(self) -> Result<(), StoreError> {
        let writer = task::spawn_blocking(|| self.writer.join()).await;
        let _ = self.listings.await;
        let _ = self.figures.await;
        self.readers.close().await;
        self.statistics.close().await;
        // If the writer panicked, its connection is already closed.
        if let Ok(Ok(ended)) = writer {
            let closed = task::spawn_blocking(|| writer::close(ended)).await;
            return closed.unwrap_or(Err(StoreError::Closed));
        }
        Ok(())
    }
}

async fn open_readers(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    // A connection is never replaced by a new one, which would open whatever the path leads to.
    SqlitePoolOptions::new()
        .min_connections(READERS)
        .max_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
}
