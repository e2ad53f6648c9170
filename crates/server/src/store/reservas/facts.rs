//! The facts for a batch of commands about reservas, each kind with one statement.

use std::collections::{HashMap, HashSet};

use domain::{Holding, Interval, Moment, PostoFacts, Reserva};
use futures_util::TryStreamExt as _;
use sqlx::{Either, Executor as _, FromRow as _, SqliteConnection};

use super::super::StoreError;
use super::super::rows::{self, ReservaRow, from_row, json};
use super::super::stored_reply::{ReplyRow, StoredReply, replies_sql};
use crate::sabotage::{self, Bug};

/// An active reserva that holds a posto now or later.
pub(super) struct Held {
    pub(super) request_id: String,
    pub(super) holding: Holding,
}

/// The requests that made the reservas with these numbers.
pub(super) async fn find_request_ids(
    connection: &mut SqliteConnection,
    ids: &[i64],
) -> Result<HashMap<i64, String>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT id, request_id FROM reservas WHERE id IN (SELECT value FROM json_each(?1))",
    )
    .bind(json(&ids)?)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().collect())
}

struct PostoRow {
    id: i64,
    nome: String,
    in_service: bool,
    em_manutencao: bool,
    charging: Option<String>,
}

from_row!(PostoRow { id, nome, in_service, em_manutencao, charging });

/// Selects what must be known of the postos whose ids are in a JSON array.
macro_rules! postos_sql {
    ($ids:literal) => {
        concat!(
            "SELECT p.id, p.nome, p.in_service, p.em_manutencao, c.placa AS charging
             FROM postos AS p
             LEFT JOIN carregamentos AS c ON c.posto_id = p.id AND c.fim IS NULL
             WHERE p.id IN (SELECT value FROM json_each(",
            $ids,
            ")) AND p.removed_at IS NULL"
        )
    };
}

impl PostoRow {
    fn read(self) -> Result<PostoFacts, StoreError> {
        let charging = self.charging.as_deref().map(rows::placa).transpose()?;
        let Self { nome, in_service, em_manutencao, .. } = self;
        Ok(PostoFacts { nome, in_service, em_manutencao, charging })
    }
}

/// What must be known of one posto; `None` if there is none.
pub(in crate::store) async fn find_posto(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<Option<PostoFacts>, StoreError> {
    let row: Option<PostoRow> = sqlx::query_as(postos_sql!("?1"))
        .bind(format!("[{id}]"))
        .fetch_optional(connection)
        .await?;
    row.map(PostoRow::read).transpose()
}

/// Everything that decisions rest on.
#[derive(Default)]
pub(super) struct Facts {
    /// Stored replies, by request id.
    pub(super) replies: HashMap<String, StoredReply>,
    pub(super) postos: HashMap<i64, PostoFacts>,
    /// Who holds which posto during the stretches that are asked for, and no one else: a posto
    /// that is booked out for a month costs a reservation no more than an empty one.
    pub(super) held: HashMap<i64, Vec<Held>>,
}

/// What is asked: request ids, postos, and stretches of postos.
pub(super) struct Wanted<'a> {
    pub(super) request_ids: Vec<&'a str>,
    pub(super) postos: HashSet<i64>,
    pub(super) stretches: Vec<(i64, Interval)>,
}

/// Loads the facts, all in one go: a trip to SQLite's thread costs more than the statement.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    wanted: &Wanted<'_>,
    servidor: &str,
) -> Result<Facts, StoreError> {
    let stretches = wanted.stretches.iter();
    let stretches: Vec<_> = stretches
        .map(|(posto, asked)| (posto, asked.inicio().as_millis(), asked.fim().as_millis()))
        .collect();
    let query = sqlx::query(concat!(
        replies_sql!("?"),
        ";",
        postos_sql!("?"),
        ";",
        "SELECT DISTINCT r.id, r.request_id, r.posto_id, r.placa, r.inicio, r.fim, r.status
         FROM json_each(?) AS asked
         JOIN reservas AS r ON r.posto_id = asked.value ->> 0 AND r.status <> 'cancelada'
              AND r.fim > asked.value ->> 1 AND r.inicio < asked.value ->> 2"
    ))
    .bind(json(&wanted.request_ids)?)
    .bind(json(&wanted.postos)?)
    .bind(json(&stretches)?);
    let mut steps = connection.fetch_many(query);
    let mut facts = Facts::default();
    let mut statement = 0;
    while let Some(step) = steps.try_next().await? {
        match (step, statement) {
            (Either::Left(_), _) => statement += 1,
            (Either::Right(row), 0) => {
                let (request_id, reply) = ReplyRow::from_row(&row)?.read(servidor)?;
                facts.replies.insert(request_id, reply);
            }
            (Either::Right(row), 1) => {
                let row = PostoRow::from_row(&row)?;
                facts.postos.insert(row.id, row.read()?);
            }
            (Either::Right(_), _) if sabotage::has(Bug::Overlap) => {}
            (Either::Right(row), _) => {
                let reserva = Reserva::try_from(ReservaRow::from_row(&row)?)?;
                let holding = Holding { placa: reserva.placa, interval: reserva.interval };
                let held = Held { request_id: reserva.request_id, holding };
                facts.held.entry(reserva.posto_id).or_default().push(held);
            }
        }
    }
    Ok(facts)
}

/// The reservas that hold one of `postos` (a JSON array of ids) at `now` or later.
pub(in crate::store) async fn active_reservas(
    connection: &mut SqliteConnection,
    postos: &str,
    now: Moment,
) -> Result<Vec<Reserva>, StoreError> {
    let found: Vec<ReservaRow> = sqlx::query_as(
        "SELECT id, request_id, posto_id, placa, inicio, fim, status FROM reservas
         WHERE posto_id IN (SELECT value FROM json_each(?1)) AND status <> 'cancelada' AND fim > ?2",
    )
    .bind(postos)
    .bind(now.as_millis())
    .fetch_all(connection)
    .await?;
    found.into_iter().map(Reserva::try_from).collect()
}
