//! The facts for a batch of commands about reservas, each kind with one statement.

use std::collections::{HashMap, HashSet};

use domain::{Holding, Interval, Moment, PostoFacts, Reserva};
use serde::Deserialize;
use sqlx::SqliteConnection;

use super::super::StoreError;
use super::super::rows::{self, ReservaRow, from_row, json};
use super::super::stored_reply::{ReplyRow, StoredReply, replies_sql};
use super::super::transaction::{Transaction, begin};
use crate::sabotage::{self, Bug};

/// An active reserva that holds a posto now or later.
pub(super) struct Held {
    pub(super) request_id: String,
    pub(super) holding: Holding,
}

/// The requests that made the reservas with these numbers.
pub(super) async fn find_request_ids(
    transaction: &mut Transaction<'_>,
    ids: &[i64],
) -> Result<HashMap<i64, String>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT id, request_id FROM reservas WHERE id IN (SELECT value FROM json_each(?1))",
    )
    .bind(json(&ids)?)
    .fetch_all(transaction.inside().await?)
    .await?;
    Ok(rows.into_iter().collect())
}

#[derive(Deserialize)]
struct PostoRow {
    id: i64,
    nome: String,
    #[serde(deserialize_with = "rows::flag")]
    in_service: bool,
    #[serde(deserialize_with = "rows::flag")]
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
pub(super) struct Facts {
    /// Stored replies, by request id.
    pub(super) replies: HashMap<String, StoredReply>,
    pub(super) postos: HashMap<i64, PostoFacts>,
    /// Who holds which posto during the stretches that are asked for, and no one else: a posto
    /// that is booked out for a month costs a reservation no more than an empty one.
    pub(super) held: HashMap<i64, Vec<Held>>,
    /// Number of the newest reserva.
    pub(super) newest: i64,
}

/// What is asked: request ids, postos, and stretches of postos.
pub(super) struct Wanted<'a> {
    pub(super) request_ids: Vec<&'a str>,
    pub(super) postos: HashSet<i64>,
    pub(super) stretches: Vec<(i64, Interval)>,
}

/// All facts as one row of JSON texts: each row of a result wakes its reader once more.
macro_rules! facts {
    () => {
        concat!(
            "SELECT (SELECT json_group_array(json_object(
                         'asked', asked, 'fingerprint', hex(fingerprint),
                         'decided_posto_id', decided_posto_id, 'nome', nome,
                         'rejection', rejection, 'reserva', json_object(
                             'id', id, 'request_id', request_id, 'posto_id', posto_id,
                             'placa', placa, 'inicio', inicio, 'fim', fim, 'status', status)))
                     FROM (",
            replies_sql!("?1"),
            ")),
                    (SELECT json_group_array(json_object('id', id, 'nome', nome,
                         'in_service', in_service, 'em_manutencao', em_manutencao,
                         'charging', charging))
                     FROM (",
            postos_sql!("?2"),
            ")),
                    (SELECT json_group_array(json_object('id', r.id, 'request_id', r.request_id,
                         'posto_id', r.posto_id, 'placa', r.placa, 'inicio', r.inicio,
                         'fim', r.fim, 'status', r.status))
                     FROM reservas AS r WHERE r.id IN (
                         SELECT r.id FROM jsonb_each(?3) AS asked
                         JOIN reservas AS r
                           ON r.posto_id = asked.value ->> 0 AND r.status <> 'cancelada'
                          AND r.fim > asked.value ->> 1 AND r.inicio < asked.value ->> 2)),
                    (SELECT COALESCE(max(id), 0) FROM reservas)"
        )
    };
}

/// Loads the facts, all in one go: a trip to SQLite's thread costs more than the statement.
pub(super) async fn load(
    transaction: &mut Transaction<'_>,
    wanted: &Wanted<'_>,
    servidor: &str,
) -> Result<Facts, StoreError> {
    let stretches = wanted.stretches.iter();
    let stretches: Vec<_> = stretches
        .map(|(posto, asked)| (posto, asked.inicio().as_millis(), asked.fim().as_millis()))
        .collect();
    let (connection, sql) = transaction.begin_with(begin!(facts!()), facts!());
    let found: (String, String, String, i64) = sqlx::query_as(sql)
        .bind(json(&wanted.request_ids)?)
        .bind(json(&wanted.postos)?)
        .bind(json(&stretches)?)
        .fetch_one(connection)
        .await?;
    let replies: Vec<ReplyRow> = rows::from_json(&found.0)?;
    let postos: Vec<PostoRow> = rows::from_json(&found.1)?;
    let reservas: Vec<ReservaRow> = rows::from_json(&found.2)?;
    let mut held: HashMap<i64, Vec<Held>> = HashMap::new();
    for row in reservas.into_iter().filter(|_| !sabotage::has(Bug::Overlap)) {
        let reserva = Reserva::try_from(row)?;
        let holding = Holding { placa: reserva.placa, interval: reserva.interval };
        let holder = Held { request_id: reserva.request_id, holding };
        held.entry(reserva.posto_id).or_default().push(holder);
    }
    Ok(Facts {
        replies: replies.into_iter().map(|row| row.read(servidor)).collect::<Result<_, _>>()?,
        postos: postos
            .into_iter()
            .map(|row| Ok((row.id, row.read()?)))
            .collect::<Result<_, StoreError>>()?,
        held,
        newest: found.3,
    })
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
