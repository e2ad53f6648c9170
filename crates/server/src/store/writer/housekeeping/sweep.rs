//! What happens as time passes: reservas begin and end.
//!
//! No promise rests on the sweep. Every query compares with the clock, so an ended reserva holds
//! nothing whether or not it is marked; the sweep marks it so that its end is announced.

use domain::{DAY_MS, Moment};
use rusqlite::{Connection, params};

use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};
use crate::store::writer::reservas::absence::write_end;

/// Rows that one sweep marks or deletes, so that it never delays commands for long.
const MAX_ROWS: i64 = 512;
/// How long a refusal is kept for repeats of its request.
const REFUSAL_RETENTION_MS: i64 = 30 * DAY_MS;

/// Marks the reservas that have ended, those whose carro did not come and those that began while it
/// charged there already, reports those that began since the last sweep and warns of carros that
/// overstay, and deletes the oldest refusals: of reservations, of cancellations, and of changes where
/// there was no reserva.
pub(in crate::store) struct Sweep;

impl WriteCommand for Sweep {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        let (since, now) = (context.last_sweep.as_millis(), context.now.as_millis());
        // First: what is fulfilled neither ends nor is absent.
        context.write_fulfilments(None)?;
        context.write_absences(MAX_ROWS)?;
        context.write_ended(
            write_end!(
                "id IN (SELECT id FROM reservas
                        WHERE status = 'ativa' AND fim <= ?1 AND (falta_em IS NULL OR falta_em >= fim)
                        ORDER BY fim LIMIT ?2)"
            ),
            MAX_ROWS,
        )?;
        context.warn_of_overstays(None, context.now)?;
        let begun = context.find_values(
            "SELECT posto_id FROM reservas
             WHERE status = 'ativa' AND inicio > created_at AND inicio > ?1 AND inicio <= ?2",
            [since, now],
        )?;
        context.changes.extend(begun.into_iter().map(Change::Posto));
        // Rows with a time in the future are skipped, so that they do not block the rows behind them. A
        // clock that ran ahead wrote them, and they are deleted 30 days after that time.
        for delete in [
            "DELETE FROM refusals
             WHERE seq IN (SELECT seq FROM refusals WHERE decided_at <= ?3 ORDER BY seq LIMIT ?2)
               AND decided_at < ?1",
            "DELETE FROM alteracoes
             WHERE seq IN (SELECT seq FROM alteracoes
                           WHERE reserva_id IS NULL AND decided_at <= ?3 ORDER BY seq LIMIT ?2)
               AND decided_at < ?1",
            "DELETE FROM refused_cancellations
             WHERE seq IN (SELECT seq FROM refused_cancellations
                           WHERE decided_at <= ?3 ORDER BY seq LIMIT ?2)
               AND decided_at < ?1",
        ] {
            context.execute(delete, params![now - REFUSAL_RETENTION_MS, MAX_ROWS, now])?;
        }
        context.last_sweep = context.now;
        Ok(())
    }
}

/// Writes a row, to find out whether the database can be written.
pub(in crate::store::writer) fn probe(
    connection: &Connection,
    now: Moment,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO writer_probe (id, at) VALUES (1, ?1)";
    connection.prepare_cached(sql)?.execute([now.as_millis()])?;
    Ok(())
}
