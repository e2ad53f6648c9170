//! When absences are due, after a time in which no carro could come or the clock was wrong.

use domain::Moment;
use rusqlite::{Connection, params};

use crate::store::audit::Author;
use crate::store::error::StoreError;
use crate::store::progress::Pause;

/// Corrects at a start when absences are due: no carro could come while the servidor did not run.
/// Tolerances that ended before the last write stay ended; every other reserva that has begun gets
/// a whole tolerance from now. Timestamps later than `now`, left by a clock that ran ahead, are
/// ignored.
pub(in crate::store::writer) fn after_downtime(
    connection: &Connection,
    now: Moment,
) -> Result<(), StoreError> {
    let waiting = "SELECT EXISTS (
        SELECT 1 FROM reservas WHERE falta_em IS NOT NULL AND inicio <= ?1)";
    let is_waiting: bool = connection.query_row(waiting, [now.as_millis()], |row| row.get(0))?;
    if !is_waiting {
        return Ok(());
    }
    // No index has the times of changes, so this reads two tables. Command lines write while no
    // servidor runs.
    let since: Option<i64> = connection.query_row(
        "SELECT max(at) FROM (
             SELECT at FROM writer_probe WHERE at <= ?2
             UNION ALL SELECT max(updated_at) FROM reservas WHERE updated_at <= ?2
             UNION ALL SELECT max(updated_at) FROM carros WHERE updated_at <= ?2
             UNION ALL SELECT * FROM (SELECT decided_at FROM refusals
                                      WHERE decided_at <= ?2 ORDER BY seq DESC LIMIT 1)
             UNION ALL SELECT * FROM (SELECT decided_at FROM alteracoes
                                      WHERE decided_at <= ?2 ORDER BY seq DESC LIMIT 1)
             UNION ALL SELECT * FROM (SELECT decided_at FROM refused_cancellations
                                      WHERE decided_at <= ?2 ORDER BY seq DESC LIMIT 1)
             UNION ALL SELECT * FROM (
                 SELECT quando FROM auditoria
                 WHERE quem <> ?1 AND quando <= ?2 ORDER BY id DESC LIMIT 1))",
        params![Author::CommandLine.as_str(), now.as_millis()],
        |row| row.get(0),
    )?;
    since.map_or(Ok(()), |since| restart_tolerances(connection, Moment::from_millis(since), now))
}

/// Corrects after a pause of the writer when absences are due. After one too short for a stall a
/// carro gets only the rest of its tolerance; otherwise a commit that fails now and then would hold
/// postos for nobody.
pub(in crate::store::writer) fn after_pause(
    pause: Pause,
    connection: &Connection,
    now: Moment,
) -> Result<(), StoreError> {
    let Pause { since, is_stall } = pause;
    if is_stall {
        return restart_tolerances(connection, since, now);
    }
    connection.execute(
        "UPDATE reservas SET falta_em = falta_em + ?1 - max(inicio, ?2)
         WHERE inicio < ?1 AND falta_em > ?2",
        [now.as_millis(), since.as_millis()],
    )?;
    Ok(())
}

/// Corrects after the clock was set back when absences are due: no tolerance may end later than a
/// whole one from now, or from `inicio`. The sweep may have ended reservas early and cleared their
/// `falta_em`; it is set again.
pub(in crate::store::writer) fn after_clock_set_back(
    connection: &Connection,
    now: Moment,
) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE reservas SET falta_em = max(inicio, ?1) + tolerancia
         WHERE tolerancia > 0 AND held_until > ?1 AND status IN ('ativa', 'encerrada')
           AND chegou_em IS NULL AND carregamento_id IS NULL
           AND (falta_em > max(inicio, ?1) + tolerancia
                OR falta_em IS NULL
                   AND EXISTS (SELECT 1 FROM postos AS p
                               WHERE p.id = posto_id AND p.in_service AND NOT p.em_manutencao)
                   AND NOT EXISTS (SELECT 1 FROM carregamentos AS c
                                   WHERE c.posto_id = reservas.posto_id AND c.fim IS NULL))",
        [now.as_millis()],
    )?;
    Ok(())
}

/// Gives a whole tolerance from now to every reserva that has begun and whose tolerance had not
/// ended at `since`: nobody could come after `since`.
fn restart_tolerances(
    connection: &Connection,
    since: Moment,
    now: Moment,
) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE reservas SET falta_em = ?1 + tolerancia WHERE inicio <= ?1 AND falta_em > ?2",
        [now.as_millis(), since.as_millis()],
    )?;
    Ok(())
}
