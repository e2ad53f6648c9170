//! What sessions do to reservas: they fulfil those of their carro, free what is left of them when
//! they end, and keep the next carro waiting.

use domain::{Aviso, Carregamento, Moment, Placa, Reserva, ReservaFacts, ReservaState};
use rusqlite::params;

use super::command::WriteContext;
use crate::failpoints::{self, Bug};
use crate::store::audit::{Action, AuditFields, Target, audit_fields, time};
use crate::store::error::StoreError;
use crate::store::rows::reservas::ReservaRow;
use crate::store::rows::row;

row! {
    /// A reserva of another carro at the posto of a session.
    pub(super) struct ConflictRow {
        pub id: i64,
        /// It held the posto when the session began.
        pub at_begin: bool,
    }
}

impl WriteContext<'_> {
    /// Writes what has begun while a carro charges there, at one posto or at all: reservas of that
    /// carro are fulfilled, those of others are warned.
    pub(super) fn write_begun(&mut self, posto_id: Option<i64>) -> Result<(), StoreError> {
        self.write_fulfilments(posto_id)?;
        self.warn_of_overstays(posto_id)
    }

    /// Writes that reservas were fulfilled whose carro charged there already when they began.
    pub(super) fn write_fulfilments(&mut self, posto_id: Option<i64>) -> Result<(), StoreError> {
        let begun = self.find_all::<ReservaRow>(
            "SELECT * FROM reservas
             WHERE carregamento_id IS NOT NULL AND inicio <= ?1 AND (?2 IS NULL OR posto_id = ?2)
               AND status IN ('ativa', 'encerrada') ORDER BY inicio",
            params![self.now.as_millis(), posto_id],
        )?;
        for row in begun {
            if let (Some(session), Some(mut reserva)) = (row.carregamento_id, row.reserva()?) {
                // The first one is whose price the session has.
                self.execute(
                    "UPDATE carregamentos SET reserva_id = ?2, preco_kwh = ?3
                     WHERE id = ?1 AND reserva_id IS NULL AND fim IS NULL",
                    params![session, reserva.id, reserva.facts.preco_kwh.get()],
                )?;
                reserva.facts = reserva.facts.at(self.now);
                self.write_state(&reserva, row.client_id)?;
            }
        }
        Ok(())
    }

    /// Tells the clients of reservas that have begun, once, that another carro still charges there.
    pub(super) fn warn_of_overstays(&mut self, posto_id: Option<i64>) -> Result<(), StoreError> {
        // Reservas of one posto never overlap, so only the next one to end can have begun.
        let begun = self.find_all::<ReservaRow>(
            "SELECT r.* FROM carregamentos AS c
             JOIN reservas AS r ON r.id = (
                 SELECT next.id FROM reservas AS next
                 WHERE next.posto_id = c.posto_id AND next.held_until > ?1
                 ORDER BY next.held_until LIMIT 1)
             WHERE c.fim IS NULL AND (?2 IS NULL OR c.posto_id = ?2)
               AND r.inicio <= ?1 AND r.status IN ('ativa', 'encerrada') AND r.aviso IS NULL
               AND r.carregamento_id IS NULL AND r.placa <> c.placa",
            params![self.now.as_millis(), posto_id],
        )?;
        for row in begun {
            self.write_aviso(row, Aviso::PostoOcupado)?;
        }
        Ok(())
    }

    /// The reserva that holds a posto now.
    pub(super) fn holder(&self, posto_id: i64) -> Result<Option<ReservaRow>, StoreError> {
        let next = self.find::<ReservaRow>(
            "SELECT * FROM reservas WHERE posto_id = ?1 AND held_until > ?2
             ORDER BY held_until LIMIT 1",
            params![posto_id, self.now.as_millis()],
        )?;
        match next {
            Some(row) if row.facts()?.holds_at(self.now) => Ok(Some(row)),
            _ => Ok(None),
        }
    }

    /// The reservas of this carro at this posto that hold it at a moment from `inicio` until `end`.
    pub(super) fn own_reservas(
        &self,
        posto_id: i64,
        placa: &Placa,
        inicio: Moment,
        end: Moment,
    ) -> Result<Vec<ReservaRow>, StoreError> {
        self.find_all(
            "SELECT * FROM reservas WHERE posto_id = ?1 AND placa = ?2
               AND held_until > ?3 AND held_from < ?4 ORDER BY inicio",
            params![posto_id, placa.as_str(), inicio.as_millis(), end.as_millis()],
        )
    }

    /// The reservas of others that held this posto at a moment from `inicio` until `end`, also those
    /// that have been given up since.
    pub(super) fn conflicts(
        &self,
        posto_id: i64,
        placa: &Placa,
        inicio: Moment,
        end: Moment,
    ) -> Result<Vec<ConflictRow>, StoreError> {
        self.find_all(
            "SELECT id, held_from <= ?3 AS at_begin FROM reservas
             WHERE posto_id = ?1 AND held_until > ?3 AND held_from < ?4 AND placa IS NOT ?2
             UNION ALL
             SELECT id, held_from <= ?3 AS at_begin FROM reservas
             WHERE posto_id = ?1 AND held_until IS NULL AND desde > ?3 AND desde > held_from
               AND held_from < ?4 AND min(desde, fim) > max(?3, held_from)
               AND placa IS NOT ?2
             ORDER BY id",
            params![posto_id, placa.as_str(), inicio.as_millis(), end.as_millis()],
        )
    }

    /// A session began at `begin`, now or before: it fulfils this reserva of its carro, if that is
    /// still open to it. Once the session has `ended`, what is left of the reserva is free.
    pub(super) fn fulfil(
        &mut self,
        row: ReservaRow,
        begin: Moment,
        ended: bool,
    ) -> Result<(), StoreError> {
        let Some(reserva) = row.reserva()? else { return Ok(()) };
        let before = reserva.facts;
        if !before.is_open_to_session(self.now) {
            return Ok(());
        }
        let facts = before.at(self.now).fulfilled(begin);
        let facts = if ended { facts.freed(self.now) } else { facts };
        self.write_change(reserva, row.client_id, facts)
    }

    /// A session has ended: what is left of its carro's reserva is free, and the next carro, if its
    /// reserva has begun already, may come.
    pub(super) fn session_ended(&mut self, session: &Carregamento) -> Result<(), StoreError> {
        if let Some(placa) = &session.placa
            && !failpoints::has(Bug::SessionEndKeepsHold)
        {
            self.free_own(session, placa)?;
        }
        let Some(row) = self.holder(session.posto_id)? else { return Ok(()) };
        let Some(reserva) = row.reserva()? else { return Ok(()) };
        let facts = reserva.facts.at(self.now);
        let is_own = session.placa.as_ref() == Some(&reserva.placa);
        if !is_own && facts.state == ReservaState::Ativa && facts.aviso == Some(Aviso::PostoOcupado)
        {
            self.write_aviso(row, Aviso::PostoLivre)?;
        }
        Ok(())
    }

    /// Frees what its carro has left, also if the clock was set back to before the begin: nobody
    /// else would.
    fn free_own(&mut self, session: &Carregamento, placa: &Placa) -> Result<(), StoreError> {
        let end = Moment::from_millis(i64::MAX);
        for row in self.own_reservas(session.posto_id, placa, self.now, end)? {
            let Some(reserva) = row.reserva()? else { continue };
            let facts = reserva.facts.at(self.now);
            match facts.state {
                ReservaState::Cumprida => {
                    let freed = ReservaFacts { versao: facts.versao + 1, ..facts.freed(self.now) };
                    self.write_change(reserva, row.client_id, freed)?;
                }
                // As earlier releases left it.
                ReservaState::Ativa
                    if facts.holds_at(self.now) && session.reserva_id == Some(reserva.id) =>
                {
                    self.fulfil(row, session.inicio, true)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes what became of a reserva, and reports it.
    fn write_change(
        &mut self,
        mut reserva: Reserva,
        client_id: Option<String>,
        facts: ReservaFacts,
    ) -> Result<(), StoreError> {
        let before = shown(&reserva.facts);
        reserva.facts = facts;
        self.audit_change(Action::Change, Target::Reserva(reserva.id), &before, &shown(&facts))?;
        self.write_state(&reserva, client_id)
    }

    fn write_aviso(&mut self, row: ReservaRow, aviso: Aviso) -> Result<(), StoreError> {
        let Some(mut reserva) = row.reserva()? else { return Ok(()) };
        let facts = reserva.facts.at(self.now);
        reserva.facts = ReservaFacts { aviso: Some(aviso), versao: facts.versao + 1, ..facts };
        self.execute(
            "UPDATE reservas SET aviso = ?2, versao = ?3, updated_at = ?4 WHERE id = ?1",
            params![row.id, aviso.as_str(), reserva.facts.versao, self.now.as_millis()],
        )?;
        self.reserva_changed(&reserva, row.client_id);
        Ok(())
    }
}

fn shown(facts: &ReservaFacts) -> AuditFields {
    audit_fields! {
        "status": facts.state.as_str(),
        "livre_desde": facts.livre_desde.map(time),
    }
}
