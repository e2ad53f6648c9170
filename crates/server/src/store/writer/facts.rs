//! The facts about a posto that decisions rest on.

use domain::{EnergySource, Holding, Moment, Placa, PostoFacts};
use rusqlite::params;

use super::command::WriteContext;
use super::statements::Statement;
use crate::failpoints::{self, Bug};
use crate::store::audit::Target;
use crate::store::error::StoreError;
use crate::store::rows::postos::{AnyPostoRow, PostoFactsRow};
use crate::store::rows::reservas::{HoldingRow, holds_now_or_later};
use crate::store::rows::row;

row! {
    struct EnergySourceRow {
        nome: String,
        potencia_maxima: f64,
    }
}

impl WriteContext<'_> {
    pub(super) fn posto_facts(&self, id: i64) -> Result<Option<PostoFacts>, StoreError> {
        let row = self.find::<PostoFactsRow>(PostoFactsRow::SELECT, [id])?;
        row.map(PostoFactsRow::facts).transpose()
    }

    /// Reads the facts of a posto that may have been removed, and when that was.
    pub(super) fn any_posto_facts(
        &self,
        id: i64,
    ) -> Result<Option<(PostoFacts, Option<Moment>)>, StoreError> {
        let Some(row) = self.find::<AnyPostoRow>(AnyPostoRow::SELECT, [id])? else {
            return Ok(None);
        };
        Ok(Some((row.facts.facts()?, row.removed_at.map(Moment::from_millis))))
    }

    /// Writes the absences that are due at a posto, because an absence is final as soon as a later
    /// request for the posto is answered. Then reads the facts of the posto, unless it is removed, and
    /// how many reservas the carro has: those that hold a posto now or later, and the one in whose
    /// session it still charges. Without a placa, none are counted.
    pub(super) fn settle_and_read_facts(
        &mut self,
        id: i64,
        placa: Option<&Placa>,
    ) -> Result<Option<(PostoFacts, u32)>, StoreError> {
        let sql = concat!(
            "SELECT p.nome, p.in_service, p.em_manutencao, p.potencia_maxima, p.preco_kwh, c.placa, \
             (SELECT count(*) FROM reservas WHERE placa = ?2 AND ",
            holds_now_or_later!("?3"),
            "), EXISTS (SELECT 1 FROM reservas \
                        WHERE falta_em <= ?3 AND falta_em < fim AND +posto_id = ?1) \
             FROM postos AS p \
             LEFT JOIN carregamentos AS c ON c.posto_id = p.id AND c.fim IS NULL \
             WHERE p.id = ?1 AND p.removed_at IS NULL"
        );
        let mut statement = self.statement(Statement::ReserveFacts, sql)?;
        let mut rows =
            statement.query(params![id, placa.map(Placa::as_str), self.now.as_millis()])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        // By position: each reservation reads this, and looking for a column by its name costs as
        // much as reading it.
        let facts = PostoFactsRow {
            nome: row.get(0)?,
            in_service: row.get(1)?,
            em_manutencao: row.get(2)?,
            potencia_maxima: row.get(3)?,
            preco_kwh: row.get(4)?,
            charging: row.get(5)?,
        };
        let (mut held, has_due_absence): (u32, bool) = (row.get(6)?, row.get(7)?);
        drop(rows);
        drop(statement);
        if has_due_absence && !failpoints::has(Bug::AbsenceKeepsHold) {
            self.write_due_absences(id)?;
        }
        // A carro charges in one session at a time, so most requests need not look for it.
        if let Some(placa) = placa.filter(|_| held + 1 == self.rules.por_carro) {
            held += self.charging_past_its_reserva(placa)?;
        }
        Ok(Some((facts.facts()?, held)))
    }

    /// Counts the reservas of a carro that hold nothing while it still charges in their session.
    /// Where it charges in another reserva by now, that one is counted already.
    fn charging_past_its_reserva(&self, placa: &Placa) -> Result<u32, StoreError> {
        let counted = self.find_value(
            "SELECT count(*) FROM carregamentos AS c JOIN reservas AS r ON r.id = c.reserva_id
             WHERE c.placa = ?1 AND c.fim IS NULL
               AND (r.held_until IS NULL OR r.held_until <= ?2)
               AND NOT EXISTS (
                   SELECT 1 FROM reservas AS next
                   WHERE next.posto_id = c.posto_id AND next.placa = c.placa
                     AND (next.status = 'cumprida' OR next.carregamento_id = c.id)
                     AND next.inicio <= ?2 AND next.held_until > ?2)",
            params![placa.as_str(), self.now.as_millis()],
        )?;
        Ok(counted.unwrap_or_default())
    }

    /// Reads the reservas that hold a posto at any moment from `inicio` until `fim`. Writes the absences
    /// among them that are due: these hold it no more.
    pub(super) fn settle_and_read_holdings(
        &mut self,
        posto_id: i64,
        inicio: Moment,
        fim: Moment,
    ) -> Result<Vec<Holding>, StoreError> {
        if failpoints::has(Bug::Overlap) {
            return Ok(Vec::new());
        }
        let mut has_absence = false;
        let mut holdings = Vec::new();
        let mut statement = self.statement(Statement::Holdings, HoldingRow::SELECT)?;
        let mut rows = statement.query(params![posto_id, inicio.as_millis()])?;
        while let Some(row) = rows.next()? {
            let held_from: i64 = row.get(1)?;
            if held_from >= fim.as_millis() {
                break;
            }
            let (placa, held_until, falta_em) = (row.get(0)?, row.get(2)?, row.get(3)?);
            let row = HoldingRow { placa, held_from, held_until, falta_em };
            if row.is_absent(self.now) && !failpoints::has(Bug::AbsenceKeepsHold) {
                has_absence = true;
                continue;
            }
            holdings.push(row.holding()?);
        }
        drop(rows);
        drop(statement);
        if has_absence {
            self.write_due_absences(posto_id)?;
        }
        Ok(holdings)
    }

    /// The session that is open at a posto.
    pub(super) fn open_session(&self, posto_id: i64) -> Result<Option<i64>, StoreError> {
        let open = "SELECT id FROM carregamentos WHERE posto_id = ?1 AND fim IS NULL";
        self.find_value(open, [posto_id])
    }

    /// Another session than `except` of this posto or carro that has a moment from `inicio` until
    /// `fim`, or from then on. Each session has at least one moment.
    pub(super) fn overlapping_session(
        &self,
        posto_id: i64,
        placa: Option<&Placa>,
        (inicio, fim): (Moment, Option<Moment>),
        except: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let end = fim.map(|fim| fim.max(inicio.plus_millis(1)));
        // A posto has any number of sessions, but only where the clock was set back do some of them
        // overlap: the one that began last is nearly always enough. Those of a carro are few, and
        // earlier releases let it charge at two postos.
        self.find_value(
            "SELECT * FROM (
                 SELECT id FROM (
                     SELECT id, inicio, fim FROM all_carregamentos
                     WHERE posto_id = ?1 AND inicio < ?4 AND id IS NOT ?5
                     ORDER BY inicio DESC LIMIT 64)
                 WHERE fim IS NULL OR max(fim, inicio + 1) > ?3 LIMIT 1)
             UNION ALL SELECT * FROM (
                 SELECT id FROM all_carregamentos
                 WHERE placa = ?2 AND inicio < ?4 AND id IS NOT ?5
                   AND (fim IS NULL OR max(fim, inicio + 1) > ?3)
                 ORDER BY inicio DESC LIMIT 1)",
            params![
                posto_id,
                placa.map(Placa::as_str),
                inicio.as_millis(),
                end.unwrap_or(Moment::MAX).as_millis(),
                except
            ],
        )
    }

    /// What a posto has been able to give since a moment, also one that was removed. If its power was
    /// changed meanwhile, the audit has what it was before.
    pub(super) fn energy_source(
        &self,
        posto_id: i64,
        since: Moment,
    ) -> Result<EnergySource, StoreError> {
        // A posto that was changed more often since has its present power, or the last few.
        let sql = "SELECT nome, max(potencia_maxima, COALESCE((
                 SELECT max(json_extract(antes, '$.potencia_maxima')) FROM (
                     SELECT antes, quando FROM auditoria WHERE alvo = ?2 ORDER BY id DESC LIMIT 64)
                 WHERE quando >= ?3), 0)) AS potencia_maxima
             FROM postos WHERE id = ?1";
        let alvo = Target::Posto(posto_id).to_string();
        let row = self.find::<EnergySourceRow>(sql, params![posto_id, alvo, since.as_millis()])?;
        let missing = || StoreError::Corrupt(format!("posto {posto_id} of a session"));
        let EnergySourceRow { nome, potencia_maxima } = row.ok_or_else(missing)?;
        Ok(EnergySource { nome, potencia_maxima })
    }

    /// The name of another posto at which a carro charges.
    pub(super) fn charging_elsewhere(
        &self,
        placa: &Placa,
        posto_id: i64,
    ) -> Result<Option<String>, StoreError> {
        self.find_value(
            "SELECT p.nome FROM carregamentos AS c JOIN postos AS p ON p.id = c.posto_id
             WHERE c.placa = ?1 AND c.fim IS NULL AND c.posto_id <> ?2",
            params![placa.as_str(), posto_id],
        )
    }
}
