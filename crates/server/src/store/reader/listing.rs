//! All postos with whether each can be used now, read once for all who ask at the same time.
//!
//! One task answers. It takes everyone who waits, finds out whether anything has changed since
//! it last looked, and answers them all with the same listing: so a listing was true at a moment
//! after the last of them had asked. SQLite itself says whether something has changed, whoever
//! changed it (`PRAGMA data_version`), and the listing knows until when time alone changes nothing.

use std::sync::Arc;

use domain::{Moment, PostosFilter};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::super::rows::{PostoRecord, from_row};
use super::super::{Clock, Store, StoreError};
use super::from_json;

/// The most who are answered at once; more wait for the next listing.
const WAITING: usize = 1024;

/// All postos, by id.
#[derive(Debug, Default)]
pub struct Listing {
    /// Another listing has another number.
    pub number: u64,
    /// The postos.
    pub postos: Vec<PostoRecord>,
}

impl Listing {
    /// Those that match.
    pub fn matching(&self, filter: &PostosFilter) -> impl Iterator<Item = &PostoRecord> {
        let matches = |posto: &&PostoRecord| {
            filter.matches(posto.disponivel, posto.em_manutencao, &posto.tipo_conector)
        };
        self.postos.iter().filter(matches)
    }
}

impl Store {
    /// All postos as they are at some moment of this call.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn listing(&self) -> Result<Arc<Listing>, StoreError> {
        self.listings.get().await
    }
}

type Asked = oneshot::Sender<Result<Arc<Listing>, StoreError>>;

/// Where to ask.
#[derive(Clone)]
pub(in crate::store) struct Listings(mpsc::Sender<Asked>);

impl Listings {
    /// Opens a connection of its own. The task ends when nobody can ask any more.
    pub(in crate::store) async fn open(
        options: SqliteConnectOptions,
        now: Clock,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let connection = options.connect().await?;
        let (sender, asked) = mpsc::channel(WAITING);
        let lister = Lister { connection, now, known: None, version: None, in_service: Vec::new() };
        Ok((Self(sender), tokio::spawn(lister.run(asked))))
    }

    async fn get(&self) -> Result<Arc<Listing>, StoreError> {
        let (answer, listing) = oneshot::channel();
        self.0.send(answer).await.map_err(|_| StoreError::Closed)?;
        listing.await.unwrap_or(Err(StoreError::Closed))
    }
}

struct Lister {
    connection: SqliteConnection,
    now: Clock,
    known: Option<Known>,
    /// The version of the postos that are remembered.
    version: Option<i64>,
    /// The postos as they are where nobody holds them.
    in_service: Vec<PostoRecord>,
}

/// A listing, and what must not have changed for it to be true.
struct Known {
    listing: Arc<Listing>,
    data_version: i64,
    since: Moment,
    until: Option<Moment>,
}

impl Known {
    fn holds(&self, data_version: i64, now: Moment) -> bool {
        self.data_version == data_version
            && self.since <= now
            && self.until.is_none_or(|until| now < until)
    }
}

/// What is different from one moment to the next.
struct MomentRow {
    version: i64,
    /// JSON arrays of ids.
    held: String,
    charging: String,
    until: Option<i64>,
}

from_row!(MomentRow { version, held, charging, until });

impl Lister {
    async fn run(mut self, mut asked: mpsc::Receiver<Asked>) {
        let mut waiting = Vec::new();
        while asked.recv_many(&mut waiting, WAITING).await > 0 {
            let outcome = self.look().await.map_err(Arc::new);
            for one in waiting.drain(..) {
                // Whoever stopped waiting needs no answer.
                let _ = one.send(outcome.clone().map_err(StoreError::Shared));
            }
        }
        // Nothing is written here, so nothing can be lost.
        let _ = self.connection.close().await;
    }

    async fn look(&mut self) -> Result<Arc<Listing>, StoreError> {
        let now = (self.now)();
        // Before anything is read: what changes from here on is noticed the next time.
        let data_version: i64 =
            sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut self.connection).await?;
        if let Some(known) = self.known.as_ref().filter(|known| known.holds(data_version, now)) {
            return Ok(Arc::clone(&known.listing));
        }
        let number = self.known.take().map_or(0, |known| known.listing.number + 1);
        let (held, until) = self.held_at(now).await?;
        let mut postos = self.in_service.clone();
        for posto in &mut postos {
            posto.disponivel &= held.binary_search(&posto.id).is_err();
        }
        let listing = Arc::new(Listing { number, postos });
        let known = Known { listing: Arc::clone(&listing), data_version, since: now, until };
        self.known = Some(known);
        Ok(listing)
    }

    /// Ids of the postos that are in use, and the moment at which, of itself, that changes next.
    async fn held_at(&mut self, now: Moment) -> Result<(Vec<i64>, Option<Moment>), StoreError> {
        loop {
            // As no two reservas of a posto overlap, only the next to end can hold it now; those
            // to come, however many, are not looked at.
            let row: MomentRow = sqlx::query_as(
                "SELECT (SELECT version FROM postos_version) AS version,
                        json_group_array(r.posto_id) FILTER (WHERE r.inicio <= ?1) AS held,
                        (SELECT json_group_array(posto_id) FROM carregamentos WHERE fim IS NULL)
                            AS charging,
                        min(CASE WHEN r.inicio > ?1 THEN r.inicio ELSE r.fim END) AS until
                 FROM postos AS p
                 JOIN reservas AS r ON r.id = (
                     SELECT next.id FROM reservas AS next
                     WHERE next.posto_id = p.id AND next.status <> 'cancelada' AND next.fim > ?1
                     ORDER BY next.fim LIMIT 1)
                 WHERE p.removed_at IS NULL",
            )
            .bind(now.as_millis())
            .fetch_one(&mut self.connection)
            .await?;
            if self.version != Some(row.version) {
                self.remember_postos().await?;
                continue;
            }
            let mut held: Vec<i64> = from_json(&row.held)?;
            held.extend(from_json(&row.charging)?);
            held.sort_unstable();
            return Ok((held, row.until.map(Moment::from_millis)));
        }
    }

    async fn remember_postos(&mut self) -> Result<(), StoreError> {
        // One transaction, so that the postos are those of the version.
        let mut transaction = self.connection.begin().await?;
        let version: i64 = sqlx::query_scalar("SELECT version FROM postos_version")
            .fetch_one(&mut *transaction)
            .await?;
        self.in_service = sqlx::query_as(
            "SELECT id, nome, localizacao, potencia_maxima, tipo_conector, preco_kwh,
                    in_service AND NOT em_manutencao AS disponivel, em_manutencao
             FROM postos WHERE removed_at IS NULL ORDER BY id",
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.version = Some(version);
        Ok(())
    }
}
