//! The facts about a posto that decisions rest on.

use domain::{EnergySource, Holding, Moment, Placa, PostoFacts, Price};
use rusqlite::params;

use super::command::WriteContext;
use crate::failpoints::{self, Bug};
use crate::store::error::StoreError;
use crate::store::rows::reservas::holds_from;
use crate::store::rows::{self, row};

row! {
    pub(in crate::store) struct PostoFactsRow {
        nome: String,
        in_service: bool,
        em_manutencao: bool,
        potencia_maxima: f64,
        preco_kwh: f64,
        charging: Option<String>,
    }
}

impl PostoFactsRow {
    /// Selects by id.
    pub(in crate::store) const SELECT: &str =
        "SELECT p.nome, p.in_service, p.em_manutencao, p.potencia_maxima, p.preco_kwh,
                c.placa AS charging
         FROM postos AS p LEFT JOIN carregamentos AS c ON c.posto_id = p.id AND c.fim IS NULL
         WHERE p.id = ?1 AND p.removed_at IS NULL";

    pub(in crate::store) fn facts(self) -> Result<PostoFacts, StoreError> {
        let Self { nome, in_service, em_manutencao, potencia_maxima, preco_kwh, charging } = self;
        let charging = charging.as_deref().map(rows::placa).transpose()?;
        let corrupt = |_| StoreError::Corrupt("price of a posto".to_owned());
        let preco_kwh = Price::new(preco_kwh).map_err(corrupt)?;
        Ok(PostoFacts { nome, in_service, em_manutencao, charging, potencia_maxima, preco_kwh })
    }
}

row! {
    struct NomeRow {
        nome: String,
    }
}

row! {
    struct IdRow {
        id: i64,
    }
}

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

    /// The same for a carro that asks for it, and how many reservas the carro has: those that hold a
    /// posto now or later, and that in whose session it still charges. Without a placa, none.
    pub(super) fn reserve_facts(
        &self,
        id: i64,
        placa: Option<&Placa>,
    ) -> Result<Option<(PostoFacts, u32)>, StoreError> {
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT p.nome, p.in_service, p.em_manutencao, p.potencia_maxima, p.preco_kwh, c.placa, \
             (SELECT count(*) FROM reservas WHERE placa = ?2 AND ",
            holds_from!("?3"),
            ") FROM postos AS p \
             LEFT JOIN carregamentos AS c ON c.posto_id = p.id AND c.fim IS NULL \
             WHERE p.id = ?1 AND p.removed_at IS NULL"
        ))?;
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
        let mut held = row.get(6)?;
        // A carro charges in one session at a time, so most requests need not look for it.
        if let Some(placa) = placa.filter(|_| held + 1 == self.rules.por_carro) {
            held += self.charging_past_its_reserva(placa)?;
        }
        Ok(Some((facts.facts()?, held)))
    }

    /// How many reservas of a carro hold nothing while it still charges in their session.
    fn charging_past_its_reserva(&self, placa: &Placa) -> Result<u32, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM carregamentos AS c JOIN reservas AS r ON r.id = c.reserva_id
             WHERE c.placa = ?1 AND c.fim IS NULL
               AND (r.held_until IS NULL OR r.held_until <= ?2)",
        )?;
        let parameters = params![placa.as_str(), self.now.as_millis()];
        Ok(statement.query_row(parameters, |row| row.get(0))?)
    }

    /// The reservas that hold a posto at any moment from `inicio` until `fim`. The absences among
    /// them that are due are written, and hold it no more.
    pub(super) fn holdings(
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
        let mut statement = self.connection.prepare_cached(
            "SELECT placa, held_from, held_until, falta_em FROM reservas \
             WHERE posto_id = ?1 AND held_until > ?2 ORDER BY held_until",
        )?;
        let mut rows = statement.query(params![posto_id, inicio.as_millis()])?;
        while let Some(row) = rows.next()? {
            let interval = rows::interval(row.get(1)?, row.get(2)?)?;
            // Reservas of one posto never overlap, so all that follow begin later still: a posto
            // that is booked for a month costs a reservation no more than an empty one.
            if interval.inicio() >= fim {
                break;
            }
            let falta_em: Option<i64> = row.get(3)?;
            let is_absent = falta_em.is_some_and(|due| due <= self.now.as_millis());
            if is_absent && !failpoints::has(Bug::AbsenceKeepsHold) {
                has_absence = true;
                continue;
            }
            let placa: Option<String> = row.get(0)?;
            let placa = placa.as_deref().map(rows::placa).transpose()?;
            holdings.push(Holding { placa, interval });
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
        Ok(self.find::<IdRow>(open, [posto_id])?.map(|row| row.id))
    }

    /// Another session than `except` of this posto or carro that has a moment from `inicio` until
    /// `fim`, or from then on.
    pub(super) fn overlapping_session(
        &self,
        posto_id: i64,
        placa: Option<&Placa>,
        (inicio, fim): (Moment, Option<Moment>),
        except: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let row = self.find::<IdRow>(
            "SELECT * FROM (
                 SELECT id FROM carregamentos WHERE posto_id = ?1 AND inicio < ?4
                   AND (fim IS NULL OR fim > ?3) AND id IS NOT ?5 ORDER BY inicio DESC LIMIT 1)
             UNION ALL SELECT * FROM (
                 SELECT id FROM carregamentos WHERE placa = ?2 AND inicio < ?4
                   AND (fim IS NULL OR fim > ?3) AND id IS NOT ?5 ORDER BY inicio DESC LIMIT 1)",
            params![
                posto_id,
                placa.map(Placa::as_str),
                inicio.as_millis(),
                fim.map_or(i64::MAX, Moment::as_millis),
                except
            ],
        )?;
        Ok(row.map(|row| row.id))
    }

    /// What a posto can give, also one that was removed.
    pub(super) fn energy_source(&self, posto_id: i64) -> Result<EnergySource, StoreError> {
        let sql = "SELECT nome, potencia_maxima FROM postos WHERE id = ?1";
        let row = self.find::<EnergySourceRow>(sql, [posto_id])?;
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
        let row = self.find::<NomeRow>(
            "SELECT p.nome FROM carregamentos AS c JOIN postos AS p ON p.id = c.posto_id
             WHERE c.placa = ?1 AND c.fim IS NULL AND c.posto_id <> ?2",
            params![placa.as_str(), posto_id],
        )?;
        Ok(row.map(|row| row.nome))
    }
}
