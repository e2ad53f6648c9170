//! The facts for a batch of commands about reservas, each kind with one statement.

use std::collections::HashMap;

use domain::{Holding, Interval, Moment, PostoFacts, Reserva};
use sqlx::SqliteConnection;

use super::super::StoreError;
use super::super::rows::{self, ReservaRow, from_row, json};
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

/// What must be known of the postos whose ids are in a JSON array.
pub(in crate::store) async fn find_postos(
    connection: &mut SqliteConnection,
    ids: &str,
) -> Result<HashMap<i64, PostoFacts>, StoreError> {
    let found: Vec<PostoRow> = sqlx::query_as(
        "SELECT p.id, p.nome, p.in_service, p.em_manutencao, c.placa AS charging
         FROM postos AS p
         LEFT JOIN carregamentos AS c ON c.posto_id = p.id AND c.fim IS NULL
         WHERE p.id IN (SELECT value FROM json_each(?1)) AND p.removed_at IS NULL",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let facts = |row: PostoRow| {
        let charging = row.charging.as_deref().map(rows::placa).transpose()?;
        let (nome, in_service, em_manutencao) = (row.nome, row.in_service, row.em_manutencao);
        Ok((row.id, PostoFacts { nome, in_service, em_manutencao, charging }))
    };
    found.into_iter().map(facts).collect()
}

/// Who holds which posto during the stretches that are asked for, and no one else: a posto that
/// is booked out for a month costs a reservation no more than an empty one.
pub(super) async fn find_held(
    connection: &mut SqliteConnection,
    asked: &[(i64, Interval)],
) -> Result<HashMap<i64, Vec<Held>>, StoreError> {
    if asked.is_empty() || sabotage::has(Bug::Overlap) {
        return Ok(HashMap::new());
    }
    let asked: Vec<_> = asked
        .iter()
        .map(|(posto, wanted)| (posto, wanted.inicio().as_millis(), wanted.fim().as_millis()))
        .collect();
    let found: Vec<ReservaRow> = sqlx::query_as(
        "SELECT DISTINCT r.id, r.request_id, r.posto_id, r.placa, r.inicio, r.fim, r.status
         FROM json_each(?1) AS asked
         JOIN reservas AS r ON r.posto_id = asked.value ->> 0 AND r.status <> 'cancelada'
              AND r.fim > asked.value ->> 1 AND r.inicio < asked.value ->> 2",
    )
    .bind(json(&asked)?)
    .fetch_all(connection)
    .await?;
    let mut held: HashMap<i64, Vec<Held>> = HashMap::new();
    for row in found {
        let reserva = Reserva::try_from(row)?;
        let holding = Holding { placa: reserva.placa, interval: reserva.interval };
        let entry = held.entry(reserva.posto_id).or_default();
        entry.push(Held { request_id: reserva.request_id, holding });
    }
    Ok(held)
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
