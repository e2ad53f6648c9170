//! The figures of the database for `/metrics`.
//!
//! A task of its own looks them up, on a connection of its own, so that no scrape waits for the writer
//! and no other reader for a scrape. They are kept for a while, and given up if they take long.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use domain::ReservaState;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{Instrument as _, warn};

use crate::metrics::{StateLabel, StatusLabel, StoreMetrics};
use crate::store::environment::Clock;
use crate::store::error::StoreError;
use crate::store::files::diagnosis::free_space;
use crate::store::files::paths::{folder_of, with_suffix};
use crate::store::progress::Progress;
use crate::store::rows::reservas::state_at;

/// Older figures are looked up again.
const MAX_AGE: Duration = Duration::from_secs(5);
/// How long a look-up may take. A scrape waits a second at most.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(800);
/// Every so many SQLite instructions (less than a millisecond) the deadline is checked.
const PROGRESS_INTERVAL: i32 = 10_000;
/// Every state of a posto. A state that no posto is in has the figure 0.
const STATES: [&str; 5] = ["free", "held", "charging", "maintenance", "out_of_service"];

/// Asks the task.
#[derive(Clone)]
pub(in crate::store) struct FiguresReader(mpsc::Sender<oneshot::Sender<()>>);

/// Asks the task as long as the store is open.
#[derive(Clone)]
pub(in crate::store) struct WeakFiguresReader(mpsc::WeakSender<oneshot::Sender<()>>);

impl FiguresReader {
    /// Opens the task's connection and starts the task, which ends when the last reader is gone.
    pub(in crate::store) async fn open(
        path: &Path,
        options: SqliteConnectOptions,
        now: Clock,
        progress: Progress,
        metrics: Arc<StoreMetrics>,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let mut connection = options.connect().await?;
        let deadline = Deadline::default();
        let of_query = deadline.clone();
        let in_time = move || !of_query.has_passed();
        connection.lock_handle().await?.set_progress_handler(PROGRESS_INTERVAL, in_time);
        let (sender, asked) = mpsc::channel(1);
        let database = path.to_owned();
        let task =
            FiguresTask { database, connection, deadline, now, progress, metrics, looked_up: None };
        Ok((Self(sender), tokio::spawn(task.run(asked).in_current_span())))
    }

    pub(in crate::store) fn downgrade(&self) -> WeakFiguresReader {
        WeakFiguresReader(self.0.downgrade())
    }
}

impl WeakFiguresReader {
    /// Has the figures looked up, unless they are recent.
    pub(in crate::store) async fn refresh(&self) {
        let Some(task) = self.0.upgrade() else { return };
        let (done, refreshed) = oneshot::channel();
        if task.send(done).await.is_ok() {
            drop(task);
            let _ = refreshed.await;
        }
    }
}

/// When the present query is interrupted.
#[derive(Clone)]
struct Deadline {
    started: Instant,
    /// Milliseconds since `started`.
    after_millis: Arc<AtomicU64>,
}

impl Default for Deadline {
    fn default() -> Self {
        Self { started: Instant::now(), after_millis: Arc::default() }
    }
}

impl Deadline {
    fn set(&self, from_now: Duration) {
        let millis = (self.started.elapsed() + from_now).as_millis();
        self.after_millis.store(u64::try_from(millis).unwrap_or(u64::MAX), Relaxed);
    }

    fn has_passed(&self) -> bool {
        self.started.elapsed().as_millis() > u128::from(self.after_millis.load(Relaxed))
    }
}

struct FiguresTask {
    database: PathBuf,
    connection: SqliteConnection,
    deadline: Deadline,
    now: Clock,
    progress: Progress,
    metrics: Arc<StoreMetrics>,
    looked_up: Option<Instant>,
}

impl FiguresTask {
    async fn run(mut self, mut asked: mpsc::Receiver<oneshot::Sender<()>>) {
        while let Some(asked) = asked.recv().await {
            if self.looked_up.is_none_or(|at| at.elapsed() >= MAX_AGE) {
                self.deadline.set(LOOKUP_TIMEOUT);
                match self.look_up().await {
                    Ok(()) => self.looked_up = Some(Instant::now()),
                    Err(error) => warn!(%error, "the figures for /metrics cannot be looked up"),
                }
            }
            // A scrape that has given up needs no answer.
            let _ = asked.send(());
        }
        // This connection only reads, so closing it can lose nothing.
        let _ = self.connection.close().await;
    }

    async fn look_up(&mut self) -> Result<(), StoreError> {
        let metrics = Arc::clone(&self.metrics);
        let database = self.database.clone();
        let of_files = spawn_blocking(move || read_files(&database));
        if let Ok((wal_bytes, disk_free_bytes)) = of_files.await {
            if let Some(bytes) = wal_bytes {
                metrics.wal_bytes.set(bytes);
            }
            if let Some(bytes) = disk_free_bytes {
                metrics.disk_free_bytes.set(bytes);
            }
        }
        let (pages, free, page_size, sessions) = self.sizes().await?;
        let (now, absences_until) = self.moments();
        let postos = self.postos(now, absences_until).await?;
        let (ativa, cumprida) = self.reservas(now, absences_until).await?;
        metrics.database_bytes.set(pages * page_size);
        metrics.free_bytes.set(free * page_size);
        metrics.sessions_open.set(sessions);
        for state in STATES {
            metrics.postos.get_or_create(&StateLabel { state }).set(of(&postos, state));
        }
        for (state, count) in [(ReservaState::Ativa, ativa), (ReservaState::Cumprida, cumprida)] {
            let status = state.as_str();
            metrics.reservas.get_or_create(&StatusLabel { status }).set(count);
        }
        metrics.looked_up.set(now as f64 / 1000.0);
        Ok(())
    }

    /// Now, and by when absences must have fallen due to count.
    fn moments(&self) -> (i64, i64) {
        let now = (self.now)();
        (now.as_millis(), self.progress.absences_until(now).as_millis())
    }

    /// Pages, free ones, and the bytes of each; open sessions.
    async fn sizes(&mut self) -> Result<(i64, i64, i64, i64), StoreError> {
        let sizes = sqlx::query_as(
            "SELECT page_count, freelist_count, page_size,
                    (SELECT count(*) FROM carregamentos INDEXED BY carregamentos_open
                     WHERE fim IS NULL)
             FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
        );
        Ok(sizes.fetch_one(&mut self.connection).await?)
    }

    /// How many postos are in each state. Reservas of one posto never overlap, so only the next one to
    /// end can hold it now.
    async fn postos(&mut self, now: i64, absences: i64) -> Result<Vec<(String, i64)>, StoreError> {
        let counted = sqlx::query_as(
            "SELECT CASE WHEN charging THEN 'charging' WHEN em_manutencao THEN 'maintenance'
                         WHEN NOT in_service THEN 'out_of_service'
                         WHEN held THEN 'held' ELSE 'free' END AS state, count(*)
             FROM (SELECT in_service, em_manutencao,
                          EXISTS (SELECT 1 FROM carregamentos AS c
                                  WHERE c.posto_id = p.id AND c.fim IS NULL) AS charging,
                          ?1 >= COALESCE((SELECT CASE WHEN r.falta_em <= ?2 THEN NULL
                                                      ELSE r.held_from END
                                          FROM reservas AS r
                                          WHERE r.posto_id = p.id AND r.held_until > ?1
                                          ORDER BY r.held_until LIMIT 1), ?1 + 1) AS held
                   FROM postos AS p WHERE removed_at IS NULL)
             GROUP BY state",
        );
        let counted = counted.bind(now).bind(absences);
        Ok(counted.fetch_all(&mut self.connection).await?)
    }

    /// How many reservas hold a posto now or later and are `ativa`, and how many are `cumprida`. The
    /// index of each posto has them at its end, so what is over costs nothing. Reservas of one posto
    /// never overlap, so only the next one to end can have begun and be anything but `ativa`.
    async fn reservas(&mut self, now: i64, absences: i64) -> Result<(i64, i64), StoreError> {
        let all = sqlx::query_scalar(
            "SELECT COALESCE(sum((SELECT count(*) FROM reservas AS r
                                  WHERE r.posto_id = p.id AND r.held_until > ?1)), 0)
             FROM postos AS p",
        );
        let all: i64 = all.bind(now).fetch_one(&mut self.connection).await?;
        let state = state_at!("?1", "?2");
        let sql = format!(
            "SELECT {state} AS state, count(*) FROM postos AS p
             CROSS JOIN reservas AS r ON r.id = (
                 SELECT next.id FROM reservas AS next
                 WHERE next.posto_id = p.id AND next.held_until > ?1
                 ORDER BY next.held_until LIMIT 1)
             GROUP BY state"
        );
        let next = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(now).bind(absences);
        let next: Vec<(String, i64)> = next.fetch_all(&mut self.connection).await?;
        let (ativa, cumprida) = (of(&next, "ativa"), of(&next, "cumprida"));
        let other: i64 = next.iter().map(|(_, count)| count).sum::<i64>() - ativa;
        Ok((all - other, cumprida))
    }
}

/// The count of one state.
fn of(counted: &[(String, i64)], name: &str) -> i64 {
    counted.iter().find(|(state, _)| state == name).map_or(0, |(_, count)| *count)
}

/// The bytes of the WAL and those that are free on the disk; `None` of what cannot be read.
fn read_files(database: &Path) -> (Option<i64>, Option<i64>) {
    // SQLite makes it beside the file that a link leads to.
    let database = &database.canonicalize().unwrap_or_else(|_| database.to_owned());
    let wal = std::fs::metadata(with_suffix(database, "-wal")).map(|file| file.len()).ok();
    let free = free_space(folder_of(database));
    [wal, free].map(|bytes| i64::try_from(bytes?).ok()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("server1.db");
        let (wal, free) = read_files(&database);
        assert!(wal.is_none() && free.is_some_and(|free| free > 0));
        std::fs::write(folder.path().join("server1.db-wal"), "four").expect("a file");
        assert_eq!(read_files(&database).0, Some(4));
        assert_eq!(read_files(&folder.path().join("gone/server1.db")), (None, None));
    }
}
