//! What passes by itself: reservas end and begin.
//!
//! No promise rests on this. Every query reads the clock, so an ended reserva holds nothing
//! whether or not it has been marked; the sweep marks it and tells whoever listens.

use domain::{Moment, Reserva};
use rusqlite::{Connection, params};

use super::super::rows::ReservaRow;
use super::super::{Change, StoreError};
use super::facts::execute;

/// The most reservas marked at once, so that a sweep never keeps commands waiting.
const MAX_ENDED: i64 = 512;
/// How long a refusal is kept for repeats of its request.
const REFUSAL_RETENTION_MILLIS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Finds out whether the disk takes writes again.
pub(super) fn probe(connection: &Connection, now: Moment) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT OR REPLACE INTO writer_probe (id, at) VALUES (1, ?1)",
        [now.as_millis()],
    )?;
    Ok(())
}

/// Marks what has ended by `now`, notes what began after `since`, forgets the oldest refusals.
pub(super) fn apply(
    connection: &Connection,
    since: Moment,
    now: Moment,
    changes: &mut Vec<Change>,
) -> Result<(), StoreError> {
    let (since, now) = (since.as_millis(), now.as_millis());
    let mut ended = connection.prepare_cached(
        "UPDATE reservas SET status = 'encerrada', updated_at = ?1
         WHERE id IN (SELECT id FROM reservas
                      WHERE status = 'ativa' AND fim <= ?1 ORDER BY fim LIMIT ?2)
         RETURNING id, request_id, posto_id, placa, inicio, fim, status",
    )?;
    for row in ended.query_map([now, MAX_ENDED], |row| ReservaRow::try_from(row))? {
        let reserva = Reserva::try_from(row?)?;
        changes.push(Change::Posto(reserva.posto_id));
        changes.push(Change::Reserva(reserva));
    }
    let mut begun = connection.prepare_cached(
        "SELECT posto_id FROM reservas
         WHERE status = 'ativa' AND inicio > created_at AND inicio > ?1 AND inicio <= ?2",
    )?;
    for posto_id in begun.query_map([since, now], |row| row.get(0))? {
        changes.push(Change::Posto(posto_id?));
    }
    execute(
        connection,
        "DELETE FROM refusals
         WHERE seq IN (SELECT seq FROM refusals ORDER BY seq LIMIT ?2) AND decided_at < ?1",
        params![now - REFUSAL_RETENTION_MILLIS, MAX_ENDED],
    )?;
    Ok(())
}
