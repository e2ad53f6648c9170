//! Carros that do not come: when their absence is due, and writing it.
//!
//! Every query counts an absence from the instant at which it is due. It is written by the sweep, or
//! before by what reserves the posto; from then it is final.

use domain::{Moment, Placa};
use rusqlite::params;

use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::rows::reservas::ReservaRow;
use crate::store::writer::command::WriteContext;

/// Writes what [`ReservaFacts::at`](domain::ReservaFacts::at) says of an absence that is due.
macro_rules! write_absence {
    ($condition:literal) => {
        concat!(
            "UPDATE reservas SET status = 'nao_compareceu', motivo = 'ausencia', desde = falta_em,
                 falta_em = NULL, aviso = NULL, versao = versao + 1, updated_at = ?1
             WHERE ",
            $condition,
            " RETURNING *"
        )
    };
}

/// Writes what [`ReservaFacts::at`](domain::ReservaFacts::at) says of a reserva whose `fim` has
/// passed. `desde` stays, because a clock set back undoes this.
macro_rules! write_end {
    ($condition:literal) => {
        concat!(
            "UPDATE reservas SET status = 'encerrada', falta_em = NULL, aviso = NULL, versao = versao + 1,
                 updated_at = ?1
             WHERE ",
            $condition,
            " RETURNING *"
        )
    };
}
pub(in crate::store::writer) use write_end;

impl WriteContext<'_> {
    /// Writes the absences and the ends of one posto that are due.
    pub(in crate::store::writer) fn write_due(&mut self, posto_id: i64) -> Result<(), StoreError> {
        self.write_fulfilments(Some(posto_id))?;
        self.write_due_absences(posto_id)?;
        self.write_ended(
            write_end!(
                "posto_id = ?2 AND status = 'ativa' AND fim <= ?1
                 AND (falta_em IS NULL OR falta_em >= fim)"
            ),
            posto_id,
        )
    }

    /// Writes the absences of one posto that are due.
    pub(in crate::store::writer) fn write_due_absences(
        &mut self,
        posto_id: i64,
    ) -> Result<(), StoreError> {
        // `+` keeps SQLite from the index of the posto, which has all reservas it ever had; the
        // index of `falta_em` has only those that wait.
        let sql = write_absence!("+posto_id = ?2 AND falta_em <= ?1 AND falta_em < fim");
        self.write_ended(sql, posto_id)
    }

    /// Writes the absences of all postos that are due, the oldest first; at most so many.
    pub(in crate::store::writer) fn write_absences(
        &mut self,
        max_rows: i64,
    ) -> Result<(), StoreError> {
        let sql = write_absence!(
            "id IN (SELECT id FROM reservas WHERE falta_em <= ?1 AND falta_em < fim
                    ORDER BY falta_em LIMIT ?2)"
        );
        self.write_ended(sql, max_rows)
    }

    /// Runs a statement that ends reservas, with the time as its first parameter, and reports them.
    pub(in crate::store::writer) fn write_ended(
        &mut self,
        sql: &str,
        parameter: i64,
    ) -> Result<(), StoreError> {
        for row in self.find_all::<ReservaRow>(sql, [self.now.as_millis(), parameter])? {
            let ReservaRow { id, posto_id, .. } = row;
            let for_client = row.client_id.clone().zip(row.reserva()?);
            let for_client =
                for_client.map(|(client_id, reserva)| (client_id, Box::new(reserva.at(self.now))));
            let state = row.facts()?.at(self.now).state;
            self.changes.push(Change::Posto(posto_id));
            self.changes.push(Change::Reserva { id, posto_id, state, for_client, trace: None });
        }
        Ok(())
    }

    /// Computes anew when absences at a posto are due, and which of its reservas a session will
    /// fulfil. What changes whether a carro could come there calls it: its service, and its sessions.
    pub(in crate::store::writer) fn update_absences(
        &mut self,
        posto_id: i64,
    ) -> Result<(), StoreError> {
        self.write_fulfilments(Some(posto_id))?;
        self.write_due_absences(posto_id)?;
        let posto = self.posto_facts(posto_id)?;
        let charging = posto.as_ref().and_then(|posto| posto.charging.as_ref());
        let waiting = self.find_all::<ReservaRow>(
            "SELECT * FROM reservas WHERE posto_id = ?1 AND held_until > ?2
               AND (tolerancia > 0 OR carregamento_id IS NOT NULL OR placa = ?3)
               AND status IN ('ativa', 'encerrada')",
            params![posto_id, self.now.as_millis(), charging.map(Placa::as_str)],
        )?;
        for row in waiting {
            let placa = row.placa()?;
            let charges_there = charging.is_some() && charging == placa.as_ref();
            let usable = posto.as_ref().is_some_and(|posto| posto.is_usable_by(placa.as_ref()));
            let before = row.facts()?.falta_em;
            let due = match before {
                _ if charges_there => None,
                // The tolerance already runs.
                Some(_) if usable => before,
                _ => row.absence(usable.then_some(self.now))?.due(),
            };
            // A reserva that has begun is fulfilled by sessions that begin, not by one linked here.
            let session = match row.inicio() >= self.now {
                true if charges_there => self.open_session(posto_id)?,
                _ => None,
            };
            if (due, session) != (before, row.carregamento_id) {
                self.execute(
                    "UPDATE reservas SET falta_em = ?2, carregamento_id = ?3 WHERE id = ?1",
                    params![row.id, due.map(Moment::as_millis), session],
                )?;
            }
        }
        Ok(())
    }

    /// Postpones the absences of other carros at the posto to a whole tolerance after `fim`, where they are
    /// due earlier. Called when a session of this carro is reported with its end: until then it was in
    /// their way, so their tolerance did not run.
    pub(in crate::store::writer) fn wait_after_session(
        &self,
        posto_id: i64,
        placa: &Placa,
        fim: Moment,
    ) -> Result<(), StoreError> {
        self.execute(
            "UPDATE reservas SET falta_em = ?3 + tolerancia
             WHERE posto_id = ?1 AND placa IS NOT ?2 AND held_until > ?4 AND held_from < ?3
               AND falta_em < ?3 + tolerancia AND status IN ('ativa', 'encerrada')",
            params![posto_id, placa.as_str(), fim.as_millis(), self.now.as_millis()],
        )?;
        Ok(())
    }

    /// Records that a carro has arrived at its reservas that have begun: at those of one posto, if it has
    /// an open session there. Called when the carro reports that it charges.
    pub(in crate::store::writer) fn record_arrival(&self, placa: &str) -> Result<(), StoreError> {
        self.execute(
            "UPDATE reservas SET chegou_em = ?2, falta_em = NULL
             WHERE placa = ?1 AND held_until > ?2 AND inicio <= ?2 AND chegou_em IS NULL
               AND status IN ('ativa', 'encerrada') AND (falta_em IS NULL OR falta_em > ?2)
               AND (posto_id IN (SELECT posto_id FROM carregamentos WHERE placa = ?1 AND fim IS NULL)
                    OR 0 = (SELECT count(posto_id) FROM carregamentos
                            WHERE placa = ?1 AND fim IS NULL))",
            params![placa, self.now.as_millis()],
        )?;
        Ok(())
    }

    /// Expects a carro anew at its reservas of all postos but this one. Called when it begins to charge
    /// here: whatever it reported before, it is at no other posto.
    pub(in crate::store::writer) fn forget_arrivals_elsewhere(
        &mut self,
        placa: &Placa,
        posto_id: i64,
    ) -> Result<(), StoreError> {
        let elsewhere = self.find_values(
            "UPDATE reservas SET chegou_em = NULL
             WHERE placa = ?1 AND held_until > ?2 AND posto_id <> ?3 AND chegou_em IS NOT NULL
               AND status IN ('ativa', 'encerrada')
             RETURNING posto_id",
            params![placa.as_str(), self.now.as_millis(), posto_id],
        )?;
        for posto_id in elsewhere {
            self.update_absences(posto_id)?;
        }
        Ok(())
    }
}
