//! What sessions do to reservas: they fulfil those of their carro, free what is left of them when
//! they end, and keep the next carro waiting.

use domain::{
    Aviso, Carregamento, Moment, Placa, Reserva, ReservaFacts, ReservaState, decide_session_end,
    decide_unfulfilled, known_until,
};
use rusqlite::params;

use crate::failpoints::{self, Bug};
use crate::store::audit::{Action, AuditFields, Target, audit_fields, time};
use crate::store::error::StoreError;
use crate::store::rows::reservas::ReservaRow;
use crate::store::writer::command::WriteContext;

/// A reserva in which nobody has charged, though a session seemed to go on in it.
pub(in crate::store::writer) struct Unfulfilled {
    pub(in crate::store::writer) reserva: Reserva,
    client_id: Option<String>,
    /// Its state without that session.
    facts: ReservaFacts,
}

/// Whether the carro that a session is of still charges at the posto.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::writer) enum SessionCarro {
    Charges,
    HasLeft,
}

impl WriteContext<'_> {
    /// Writes what has begun at a posto by the moment `until`, while a carro charges there: reservas
    /// of that carro are fulfilled, the clients of others are warned.
    pub(in crate::store::writer) fn write_begun(
        &mut self,
        posto_id: i64,
        until: Moment,
    ) -> Result<(), StoreError> {
        self.write_fulfilments_until(Some(posto_id), until)?;
        self.warn_of_overstays(Some(posto_id), until)
    }

    /// Writes that reservas were fulfilled whose carro charged there already when they began, at one
    /// posto or at all.
    pub(in crate::store::writer) fn write_fulfilments(
        &mut self,
        posto_id: Option<i64>,
    ) -> Result<(), StoreError> {
        self.write_fulfilments_until(posto_id, self.now)
    }

    fn write_fulfilments_until(
        &mut self,
        posto_id: Option<i64>,
        until: Moment,
    ) -> Result<(), StoreError> {
        let begun = self.find_all::<ReservaRow>(
            "SELECT * FROM reservas
             WHERE carregamento_id IS NOT NULL AND inicio <= ?1 AND (?2 IS NULL OR posto_id = ?2)
               AND status IN ('ativa', 'encerrada') ORDER BY inicio",
            params![until.as_millis(), posto_id],
        )?;
        for row in begun {
            if let (Some(session), Some(mut reserva)) = (row.carregamento_id, row.reserva()?) {
                self.link_session(session, &reserva)?;
                reserva.facts = reserva.facts.at(self.now);
                self.write_state(&reserva, row.client_id)?;
            }
        }
        Ok(())
    }

    /// Records which reserva an open session fulfils, and gives the session its price. If it fulfils
    /// several, it keeps the first one and that one's price.
    pub(in crate::store::writer) fn link_session(
        &self,
        session: i64,
        reserva: &Reserva,
    ) -> Result<(), StoreError> {
        self.execute(
            "UPDATE carregamentos SET reserva_id = ?2, preco_kwh = ?3
             WHERE id = ?1 AND reserva_id IS NULL AND fim IS NULL",
            params![session, reserva.id, reserva.facts.preco_kwh.get()],
        )?;
        Ok(())
    }

    /// Warns the clients of reservas that have begun by the moment `until` that another carro charges
    /// there: once for each carro that does.
    pub(in crate::store::writer) fn warn_of_overstays(
        &mut self,
        posto_id: Option<i64>,
        until: Moment,
    ) -> Result<(), StoreError> {
        // Reservas of one posto never overlap, so only the next one to end can have begun.
        let begun = self.find_all::<ReservaRow>(
            "SELECT r.* FROM carregamentos AS c
             JOIN reservas AS r ON r.id = (
                 SELECT next.id FROM reservas AS next
                 WHERE next.posto_id = c.posto_id AND next.held_until > ?1
                 ORDER BY next.held_until LIMIT 1)
             WHERE c.fim IS NULL AND (?2 IS NULL OR c.posto_id = ?2)
               AND r.inicio <= ?3 AND r.status IN ('ativa', 'encerrada')
               AND r.aviso IS NOT 'posto_ocupado' AND r.carregamento_id IS NULL AND r.placa <> c.placa",
            params![self.now.as_millis(), posto_id, until.as_millis()],
        )?;
        for row in begun {
            self.write_aviso(row, Aviso::PostoOcupado)?;
        }
        Ok(())
    }

    /// Writes that a session which began at `begin`, now or before, fulfils this reserva of its carro,
    /// if the reserva is still open to it. Frees what is left of the reserva if the carro has left.
    pub(in crate::store::writer) fn fulfil(
        &mut self,
        row: ReservaRow,
        begin: Moment,
        carro: SessionCarro,
    ) -> Result<(), StoreError> {
        let Some(reserva) = row.reserva()? else { return Ok(()) };
        let before = reserva.facts;
        if !before.is_open_to_session(self.now) {
            return Ok(());
        }
        let facts = before.at(self.now).fulfilled(begin);
        let facts = match carro {
            SessionCarro::Charges => facts,
            SessionCarro::HasLeft => facts.freed(self.now),
        };
        self.write_change(reserva, row.client_id, facts)
    }

    /// Finds the reservas that an open session fulfilled though it had ended, at `fim`, before they
    /// began, each with its state without that session.
    pub(in crate::store::writer) fn wrongly_fulfilled(
        &self,
        session: &Carregamento,
        fim: Moment,
    ) -> Result<Vec<Unfulfilled>, StoreError> {
        let Some(placa) = session.placa.as_ref().filter(|_| session.finished.is_none()) else {
            return Ok(Vec::new());
        };
        let until = known_until(session.inicio, Some(fim), self.now);
        let mut found = Vec::new();
        for row in self.reservas_held_by(session.posto_id, placa, fim, Moment::MAX)? {
            let (Some(reserva), made) = (row.reserva()?, row.created_at()) else { continue };
            if let Some(facts) = decide_unfulfilled(&reserva.facts, made, until, self.now) {
                found.push(Unfulfilled { reserva, client_id: row.client_id, facts });
            }
        }
        Ok(found)
    }

    /// Writes that nobody has charged in a reserva.
    pub(in crate::store::writer) fn unfulfil(
        &mut self,
        wrong: Unfulfilled,
    ) -> Result<(), StoreError> {
        let Unfulfilled { reserva, client_id, facts } = wrong;
        // What the carro reported was of that session.
        self.execute("UPDATE reservas SET chegou_em = NULL WHERE id = ?1", [reserva.id])?;
        self.write_change(reserva.at(self.now), client_id, facts)
    }

    /// Frees what is left of the reserva of a session that has ended, and tells the client of the next
    /// reserva, if that has begun already, that the posto is free.
    pub(in crate::store::writer) fn session_ended(
        &mut self,
        session: &Carregamento,
    ) -> Result<(), StoreError> {
        if let Some(placa) = &session.placa
            && !failpoints::has(Bug::SessionEndKeepsHold)
        {
            self.free_fulfilled(session, placa)?;
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

    /// Frees the reservas of this carro that the session has fulfilled. Also looks at reservas that
    /// began after the session or have not begun: another clock may have been in force when they were
    /// fulfilled.
    fn free_fulfilled(&mut self, session: &Carregamento, placa: &Placa) -> Result<(), StoreError> {
        let from = session.inicio.min(self.now);
        for row in self.reservas_held_by(session.posto_id, placa, from, Moment::MAX)? {
            let Some(reserva) = row.reserva()? else { continue };
            let before = reserva.facts.at(self.now);
            match decide_session_end(&before, self.now) {
                Some(facts) if facts.versao == before.versao => {
                    self.execute(
                        "UPDATE reservas SET livre_desde = ?2 WHERE id = ?1",
                        params![row.id, facts.livre_desde.map(Moment::as_millis)],
                    )?;
                }
                Some(facts) => self.write_change(reserva, row.client_id, facts)?,
                None => {}
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
        "livre_desde": facts.free_early().map(time),
    }
}
