//! What passes by itself: reservas end and begin.
//!
//! No promise rests on this. Every query reads the clock, so an ended reserva holds nothing
//! whether or not it has been marked; the sweep marks it and tells whoever listens.

use domain::{Moment, Reserva};
use sqlx::SqliteConnection;

use super::rows::ReservaRow;
use super::{Change, StoreError};

/// The most reservas marked at once, so that a sweep never keeps commands waiting.
const MAX_ENDED: i64 = 512;
/// How long a refusal is kept for repeats of its request.
const REFUSAL_RETENTION_MILLIS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Finds out whether the disk takes writes again.
pub(super) async fn probe(
    connection: &mut SqliteConnection,
    now: Moment,
) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO writer_probe (id, at) VALUES (1, ?1)")
        .bind(now.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks what has ended by `now`, notes what began after `since`, forgets the oldest refusals.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    since: Moment,
    now: Moment,
    changes: &mut Vec<Change>,
) -> Result<(), StoreError> {
    let ended: Vec<ReservaRow> = sqlx::query_as(
        "UPDATE reservas SET status = 'encerrada', updated_at = ?1
         WHERE id IN (SELECT id FROM reservas
                      WHERE status = 'ativa' AND fim <= ?1 ORDER BY fim LIMIT ?2)
         RETURNING id, request_id, posto_id, placa, inicio, fim, status",
    )
    .bind(now.as_millis())
    .bind(MAX_ENDED)
    .fetch_all(&mut *connection)
    .await?;
    for row in ended {
        let reserva = Reserva::try_from(row)?;
        changes.push(Change::Posto(reserva.posto_id));
        changes.push(Change::Reserva(reserva));
    }
    let begun: Vec<i64> = sqlx::query_scalar(
        "SELECT posto_id FROM reservas
         WHERE status = 'ativa' AND inicio > created_at AND inicio > ?1 AND inicio <= ?2",
    )
    .bind(since.as_millis())
    .bind(now.as_millis())
    .fetch_all(&mut *connection)
    .await?;
    changes.extend(begun.into_iter().map(Change::Posto));
    sqlx::query(
        "DELETE FROM refusals
         WHERE seq IN (SELECT seq FROM refusals ORDER BY seq LIMIT ?2) AND decided_at < ?1",
    )
    .bind(now.as_millis() - REFUSAL_RETENTION_MILLIS)
    .bind(MAX_ENDED)
    .execute(connection)
    .await?;
    Ok(())
}
