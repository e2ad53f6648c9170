//! Moving what ended long ago out of the tables that reservations are decided by, and back what a late
//! report changes (docs/decisions/0082).

use std::time::Duration;

use domain::{Carregamento, Moment, Placa};
use rusqlite::params;

use super::statistics::ArchivedSums;
use crate::failpoints::{self, CrashPoint};
use crate::store::error::StoreError;
use crate::store::rows::carros::CarregamentoRow;
use crate::store::rows::json;
use crate::store::rows::reservas::{ReservaRow, archivable, old_enough};
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};

/// The columns that a reserva has in both tables, except when its posto came free.
const RESERVA: &str = "id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at, \
    fingerprint, nome, app, client_id, desde, motivo, preco_kwh, versao, tolerancia, chegou_em, aviso, \
    estimativa, first_answer, posto_desde";
const CARREGAMENTO: &str = "id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo, \
    reserva_id, corrigido_em, first_inicio, own_price";
const ALTERACAO: &str = "request_id, fingerprint, app, reserva_id, decided_at, answer";

/// Archives some of what ended so long ago, if nothing can change it by itself any more.
#[derive(Debug, Clone)]
pub struct ArchiveEnded {
    pub age: Duration,
    /// What to look at, as [`Store`](crate::store::Store) finds it; sessions of these reservas too.
    pub reservas: Vec<i64>,
    pub carregamentos: Vec<i64>,
}

/// What was archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archived {
    pub reservas: usize,
    pub carregamentos: usize,
    /// Some may be left: this was enough for one transaction.
    pub may_be_more: bool,
    /// No other command shared the transaction.
    pub was_alone: bool,
}

impl WriteCommand for ArchiveEnded {
    type Output = Archived;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Archived, ApplyError> {
        let cutoff = (context.now - self.age).as_millis();
        let reservas = json(&self.reservas)?;
        let carregamentos = context.find_all::<CarregamentoRow>(
            "SELECT * FROM carregamentos
             WHERE (id IN (SELECT value FROM json_each(?1))
                    OR reserva_id IN (SELECT value FROM json_each(?2)))
               AND fim <= ?3
               AND NOT EXISTS (SELECT 1 FROM reservas AS r WHERE r.carregamento_id = carregamentos.id)",
            params![json(&self.carregamentos)?, reservas, cutoff],
        )?;
        let mut sums = ArchivedSums::new();
        let mut sessions = Vec::new();
        for row in carregamentos {
            if sums.is_large() {
                break;
            }
            let session = Carregamento::try_from(row)?;
            let finished = session.finished.ok_or_else(|| {
                StoreError::Corrupt(format!("end of carregamento {}", session.id))
            })?;
            sums.session(session.posto_id, session.inicio, finished);
            sessions.push(session.id);
        }
        archive_carregamentos(context, &sessions)?;
        // After their sessions, which refer to them.
        let mut reservas = context.find_all::<ReservaRow>(
            concat!(
                "SELECT * FROM reservas AS r WHERE id IN (SELECT value FROM json_each(?1)) AND ",
                old_enough!("?2"),
                " AND ",
                archivable!("?2")
            ),
            params![reservas, cutoff],
        )?;
        let mut counted = 0;
        for row in &reservas {
            if sums.is_large() {
                break;
            }
            sums.reserva(row)?;
            counted += 1;
        }
        reservas.truncate(counted);
        archive_reservas(context, &reservas)?;
        context.keep_archived_sums(&sums)?;
        Ok(Archived {
            reservas: reservas.len(),
            carregamentos: sessions.len(),
            may_be_more: sums.is_large(),
            was_alone: context.commands == 1,
        })
    }
}

fn archive_carregamentos(context: &WriteContext<'_>, ids: &[i64]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = json(ids)?;
    let copy = format!(
        "INSERT INTO archived_carregamentos ({CARREGAMENTO}) SELECT {CARREGAMENTO} FROM carregamentos
         WHERE id IN (SELECT value FROM json_each(?1))"
    );
    context.execute(&copy, [&ids])?;
    failpoints::crash_at(CrashPoint::Archiving);
    let delete = "DELETE FROM carregamentos WHERE id IN (SELECT value FROM json_each(?1))";
    context.execute(delete, [&ids])?;
    Ok(())
}

fn archive_reservas(context: &WriteContext<'_>, rows: &[ReservaRow]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids = json(&rows.iter().map(|row| row.id).collect::<Vec<_>>())?;
    // An archived reserva holds nothing, even if the clock is set back.
    let reservas = format!(
        "INSERT INTO archived_reservas (livre_desde, {RESERVA})
         SELECT CASE WHEN status IN ('encerrada', 'cumprida') THEN COALESCE(livre_desde, fim)
                     ELSE livre_desde END, {RESERVA}
         FROM reservas WHERE id IN (SELECT value FROM json_each(?1))"
    );
    let alteracoes = format!(
        "INSERT INTO archived_alteracoes ({ALTERACAO}) SELECT {ALTERACAO} FROM alteracoes
         WHERE reserva_id IN (SELECT value FROM json_each(?1)) ORDER BY seq"
    );
    context.execute(&reservas, [&ids])?;
    context.execute(&alteracoes, [&ids])?;
    // The last write is looked up in the hot tables after a start, so it is noted here too.
    let written = "UPDATE writer_probe SET at = max(at, (
        SELECT max(updated_at) FROM reservas WHERE id IN (SELECT value FROM json_each(?1))))";
    context.execute(written, [&ids])?;
    failpoints::crash_at(CrashPoint::Archiving);
    for delete in [
        "DELETE FROM alteracoes WHERE reserva_id IN (SELECT value FROM json_each(?1))",
        "DELETE FROM reservas WHERE id IN (SELECT value FROM json_each(?1))",
    ] {
        context.execute(delete, [&ids])?;
    }
    Ok(())
}

/// SQL that selects of the archived reservas of posto `?1` that ended after `?3` and may have begun before
/// `?4`. By an index with both bounds, for most reservas are no longer than 31 days by default, and by one
/// of those that are: else a late report would look at all that ended since.
macro_rules! archived_between {
    ($select:literal, $conditions:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM archived_reservas
             WHERE posto_id = ?1 AND fim > ?3 AND fim < ?4 + 2678400000 AND ",
            $conditions,
            " UNION ALL SELECT ",
            $select,
            " FROM archived_reservas
             WHERE posto_id = ?1 AND fim > ?3 AND fim - inicio > 2678400000
               AND fim >= ?4 + 2678400000 AND ",
            $conditions
        )
    };
}
pub(in crate::store::writer) use archived_between;

impl WriteContext<'_> {
    /// Takes out of the archive the reservas of this carro that held this posto at a moment from
    /// `inicio` until `end`: a session that is reported so late fulfils them.
    pub(in crate::store::writer) fn recall_own_reservas(
        &self,
        posto_id: i64,
        placa: &Placa,
        inicio: Moment,
        end: Moment,
    ) -> Result<(), StoreError> {
        let found = self.find_values(
            concat!(
                archived_between!(
                    "id",
                    "placa = ?2 AND livre_desde > max(?3, held_from) AND held_from < ?4"
                ),
                " ORDER BY id"
            ),
            params![posto_id, placa.as_str(), inicio.as_millis(), end.as_millis()],
        )?;
        for id in found {
            self.recall(id)?;
        }
        Ok(())
    }

    fn recall(&self, id: i64) -> Result<(), StoreError> {
        let archived = "SELECT * FROM all_reservas WHERE id = ?1";
        if let Some(row) = self.find::<ReservaRow>(archived, [id])? {
            let (mut sums, mut less) = (ArchivedSums::new(), ArchivedSums::new());
            sums.reserva(&row)?;
            less.subtract(&sums);
            self.keep_archived_sums(&less)?;
        }
        let copy = format!(
            "INSERT INTO reservas (livre_desde, {RESERVA}) SELECT livre_desde, {RESERVA}
             FROM archived_reservas WHERE id = ?1"
        );
        self.execute(&copy, [id])?;
        self.execute("DELETE FROM archived_reservas WHERE id = ?1", [id])?;
        // It holds its posto until its end again, as far as that is over and nobody else held it: the
        // clock may have been set back meanwhile.
        self.execute(
            "UPDATE reservas AS r SET livre_desde = NULL
             WHERE id = ?1 AND livre_desde = fim AND fim <= ?2 AND NOT EXISTS (
                 SELECT 1 FROM reservas AS other
                 WHERE other.posto_id = r.posto_id AND other.held_until > r.held_from
                   AND other.held_from < r.fim)",
            params![id, self.now.as_millis()],
        )?;
        Ok(())
    }
}
