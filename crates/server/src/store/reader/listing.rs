//! All postos with whether each can be used now, read once for all callers that wait.
//!
//! One task answers. It takes all waiting callers, checks whether anything has changed since its
//! last listing, and gives them all the same one: each listing is true at a moment after its
//! callers asked. `PRAGMA data_version` tells whether any connection or program has written, and
//! the listing itself knows until when time alone changes nothing.
//!
//! Each listing that differs from the one before has a version of its own, which never comes again:
//! part of it is random and made at each start, so that neither a restart nor a restored database
//! repeats it.

use std::sync::Arc;

use domain::{Moment, PostosFilter};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::Instrument as _;
use uuid::{NoContext, Timestamp, Uuid};

use crate::store::environment::Clock;
use crate::store::error::StoreError;
use crate::store::progress::Progress;
use crate::store::rows::postos::PostoRow;
use crate::store::rows::{ids, row};

/// Callers that are answered at once; more wait for the next listing.
const MAX_CALLERS: usize = 1024;

/// How often a listing is read at most while reservas begin or end faster than it is read. The last
/// one counts as it is: a listing that is late by a moment helps more than none.
const MAX_READS: u32 = 4;

/// All postos, by id.
#[derive(Debug, Default)]
pub struct Listing {
    pub postos: Vec<PostoRow>,
    /// Another listing has another version.
    pub version: String,
}

impl Listing {
    pub fn matching<'a>(&'a self, filter: &'a PostosFilter) -> impl Iterator<Item = &'a PostoRow> {
        self.matching_after(i64::MIN, filter).map(|index| &self.postos[index])
    }

    /// The indexes of the same postos, of those with an id greater than `id`.
    pub fn matching_after(&self, id: i64, filter: &PostosFilter) -> impl Iterator<Item = usize> {
        (self.count_up_to(id)..self.postos.len()).filter(|index| {
            let posto = &self.postos[*index];
            filter.matches(posto.disponivel, posto.em_manutencao, &posto.tipo_conector)
        })
    }

    /// How many postos have an id of at most `id`.
    pub fn count_up_to(&self, id: i64) -> usize {
        self.postos.partition_point(|posto| posto.id <= id)
    }
}

type Caller = oneshot::Sender<Result<Arc<Listing>, StoreError>>;

/// Asks the listing task.
#[derive(Clone)]
pub(in crate::store) struct ListingReader(mpsc::Sender<Caller>);

impl ListingReader {
    /// Opens the task's connection and starts the task, which ends when the last reader is gone.
    pub(in crate::store) async fn open(
        options: SqliteConnectOptions,
        now: Clock,
        progress: Progress,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let connection = options.connect().await?;
        let (sender, callers) = mpsc::channel(MAX_CALLERS);
        let task = ListingTask {
            connection,
            now,
            progress,
            cached: None,
            last: Arc::default(),
            versions: Versions::new(),
            postos_version: None,
            in_service: Vec::new(),
        };
        Ok((Self(sender), tokio::spawn(task.run(callers).in_current_span())))
    }

    pub(in crate::store) async fn get(&self) -> Result<Arc<Listing>, StoreError> {
        let (caller, listing) = oneshot::channel();
        self.0.send(caller).await.map_err(|_| StoreError::Closed)?;
        listing.await.unwrap_or(Err(StoreError::Closed))
    }
}

struct ListingTask {
    connection: SqliteConnection,
    now: Clock,
    progress: Progress,
    cached: Option<CachedListing>,
    /// The last listing, which may no longer be true.
    last: Arc<Listing>,
    versions: Versions,
    /// Version of the postos in `in_service`.
    postos_version: Option<i64>,
    /// The postos as they are while no reserva or carro holds them.
    in_service: Vec<PostoRow>,
}

/// Makes the versions of listings.
struct Versions {
    /// Of this opening of the database.
    random: String,
    count: u64,
}

impl Versions {
    fn new() -> Self {
        // The last digits of a UUID of version 7 are random.
        // Only its random part is used, and `Uuid::now_v7` panics on a clock before 1970.
        let uuid = Uuid::new_v7(Timestamp::from_unix(NoContext, 0, 0));
        let mut random = uuid.simple().to_string();
        random.drain(..20);
        Self { random, count: 0 }
    }

    fn next(&mut self) -> String {
        self.count += 1;
        format!("{}-{}", self.random, self.count)
    }
}

/// A listing, and the conditions under which it is still true.
struct CachedListing {
    listing: Arc<Listing>,
    data_version: i64,
    since: Moment,
    until: Option<Moment>,
}

impl CachedListing {
    fn holds(&self, data_version: i64, now: Moment) -> bool {
        self.data_version == data_version
            && self.since <= now
            && self.until.is_none_or(|until| now < until)
    }
}

/// Which postos are held, and when that is true as long as nothing is written.
struct Occupancy {
    since: Moment,
    /// The next moment at which time alone changes it.
    until: Option<Moment>,
    /// Ids of postos, sorted.
    held: Vec<i64>,
    /// All absences count that are due. Else it changes with the next transaction, whatever that
    /// writes.
    may_be_kept: bool,
}

row! {
    /// What [`Occupancy`] is made of.
    struct OccupancyRow {
        version: i64,
        /// Ids of postos, as a JSON array.
        reserved: String,
        /// Ids of postos, as a JSON array.
        charging: String,
        until: Option<i64>,
    }
}

impl ListingTask {
    async fn run(mut self, mut callers: mpsc::Receiver<Caller>) {
        let mut waiting = Vec::new();
        while callers.recv_many(&mut waiting, MAX_CALLERS).await > 0 {
            let outcome = self.current().await.map_err(Arc::new);
            for caller in waiting.drain(..) {
                // A caller that stopped waiting needs no answer.
                let _ = caller.send(outcome.clone().map_err(StoreError::Shared));
            }
        }
        // This connection only reads, so closing it can lose nothing.
        let _ = self.connection.close().await;
    }

    async fn current(&mut self) -> Result<Arc<Listing>, StoreError> {
        let now = (self.now)();
        // Read before anything else, so that a change from here on is noticed the next time.
        let data_version: i64 =
            sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut self.connection).await?;
        if let Some(cached) = self.cached.as_ref().filter(|cached| cached.holds(data_version, now))
        {
            return Ok(Arc::clone(&cached.listing));
        }
        self.cached = None;
        let Occupancy { since, until, held, may_be_kept } = self.occupancy().await?;
        let mut postos = self.in_service.clone();
        for posto in &mut postos {
            posto.disponivel &= held.binary_search(&posto.id).is_err();
        }
        if self.last.version.is_empty() || self.last.postos != postos {
            self.last = Arc::new(Listing { postos, version: self.versions.next() });
        }
        let listing = Arc::clone(&self.last);
        let cached = CachedListing { listing: Arc::clone(&listing), data_version, since, until };
        self.cached = Some(cached).filter(|_| may_be_kept);
        Ok(listing)
    }

    async fn occupancy(&mut self) -> Result<Occupancy, StoreError> {
        let mut reads = 0;
        loop {
            reads += 1;
            let now = (self.now)();
            let absences = self.progress.absences_until(now);
            let mut row = OccupancyRow::read(&mut self.connection, now, absences).await?;
            if self.postos_version != Some(row.version) {
                row = self.reload_postos(now, absences).await?;
            }
            let until = row.until.map(Moment::from_millis);
            // If the statement took so long, its data is newer than `now`, and the two may belong
            // to no common moment.
            if reads < MAX_READS && until.is_some_and(|until| until <= (self.now)()) {
                continue;
            }
            let mut held: Vec<i64> = ids(&row.reserved)?;
            held.extend(ids(&row.charging)?);
            held.sort_unstable();
            let may_be_kept = absences == now;
            return Ok(Occupancy { since: now, until, held, may_be_kept });
        }
    }

    /// Reads the postos, and what holds them in the same transaction: while postos change all the time,
    /// what is read after them is of others.
    async fn reload_postos(
        &mut self,
        now: Moment,
        absences: Moment,
    ) -> Result<OccupancyRow, StoreError> {
        let mut transaction = self.connection.begin().await?;
        let row = OccupancyRow::read(&mut transaction, now, absences).await?;
        let in_service = sqlx::query_as(
            "SELECT *, in_service AND NOT em_manutencao AS disponivel
             FROM postos WHERE removed_at IS NULL ORDER BY id",
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.in_service = in_service;
        self.postos_version = Some(row.version);
        Ok(row)
    }
}

impl OccupancyRow {
    async fn read(
        connection: &mut SqliteConnection,
        now: Moment,
        absences: Moment,
    ) -> Result<Self, StoreError> {
        // Reservas of one posto never overlap, so only the next one to end can hold it now; later
        // ones are not read, however many there are. One whose carro is absent holds no more. Of the
        // sessions SQLite would read all in another index, which has their posto, too.
        let row = sqlx::query_as(
            "SELECT (SELECT version FROM postos_version) AS version,
                    json_group_array(r.posto_id) FILTER (
                        WHERE r.held_from <= ?1 AND (r.falta_em IS NULL OR r.falta_em > ?2)
                    ) AS reserved,
                    (SELECT json_group_array(posto_id)
                     FROM carregamentos INDEXED BY carregamentos_open WHERE fim IS NULL) AS charging,
                    min(CASE WHEN r.held_from > ?1 THEN r.held_from
                             WHEN r.falta_em > ?1 AND r.falta_em < r.held_until THEN r.falta_em
                             ELSE r.held_until END) AS until
             FROM postos AS p
             JOIN reservas AS r ON r.id = (
                 SELECT next.id FROM reservas AS next
                 WHERE next.posto_id = p.id AND next.held_until > ?1
                 ORDER BY next.held_until LIMIT 1)
             WHERE p.removed_at IS NULL",
        )
        .bind(now.as_millis())
        .bind(absences.as_millis())
        .fetch_one(connection)
        .await?;
        Ok(row)
    }
}
