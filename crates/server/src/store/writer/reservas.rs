//! Reservations and cancellations, in order of arrival: each finds on disk what was decided
//! before it, in its own transaction too.

use domain::{
    Cancel, Moment, PostoFacts, Rejection, Reserva, ReservaState, decide_cancelamento,
    decide_reserva,
};
use rusqlite::{Connection, params};
use tokio::time::Instant;

use super::super::stored_reply;
use super::super::{
    CancelTarget, Cancellation, Change, Reservation, Reserved, StoreError, WriteError,
};
use super::denied::{Denied, Key};
use super::facts::{self, execute};

/// What a command came to; the outer error is of the store, and undoes the whole transaction.
pub(super) type Outcome<T> = Result<Result<T, WriteError>, StoreError>;

/// Where and when commands are decided.
pub(super) struct Decider<'a> {
    pub(super) connection: &'a Connection,
    pub(super) servidor: &'a str,
    pub(super) now: Moment,
    pub(super) clock: Instant,
    pub(super) denied: &'a Denied,
}

impl Decider<'_> {
    /// Reserves a posto, or gives the first answer again to a repeated request.
    pub(super) fn reserve(
        &self,
        asked: &Reservation,
        changes: &mut Vec<Change>,
    ) -> Outcome<Reserved> {
        let stored = facts::stored_reply(self.connection, &asked.request_id, self.servidor)?;
        if let Some(reply) = stored {
            return Ok(reply.answer(asked.fingerprint).map_err(WriteError::Rejected));
        }
        if let Some(fault) = self.fault_of_the_moment(asked, asked.deadline) {
            return Ok(Err(fault));
        }
        let command = &asked.command;
        let posto = facts::posto(self.connection, command.posto_id)?;
        // A stretch that makes no sense is refused whoever holds the posto.
        let holdings = match command.stretch.resolve(self.now) {
            Ok(wanted) => {
                facts::holdings(self.connection, command.posto_id, wanted.inicio(), wanted.fim())?
            }
            Err(_) => Vec::new(),
        };
        match decide_reserva(command, self.servidor, posto.as_ref(), &holdings, self.now) {
            Ok(interval) => {
                let nome = posto.map(|posto| posto.nome).unwrap_or_default();
                let reserva = Reserva {
                    id: 0,
                    request_id: asked.request_id.clone(),
                    posto_id: command.posto_id,
                    placa: command.carro.placa.clone(),
                    interval,
                    state: ReservaState::Ativa,
                };
                let reserved = self.write(asked, Reserved { reserva, nome })?;
                self.note(&reserved.reserva, changes);
                Ok(Ok(reserved))
            }
            Err(rejection) => {
                self.write_refusal(asked, posto.as_ref(), &rejection)?;
                Ok(Err(rejection.into()))
            }
        }
    }

    /// Cancels a reserva; one that is cancelled already stays so.
    pub(super) fn cancel(
        &self,
        asked: &Cancellation,
        changes: &mut Vec<Change>,
    ) -> Outcome<Reserva> {
        let Some(mut reserva) = facts::reserva(self.connection, &asked.target)? else {
            let reserva = match &asked.target {
                CancelTarget::RequestId(id) => id.clone(),
                CancelTarget::Id(id) => id.to_string(),
            };
            let servidor = self.servidor.to_owned();
            return Ok(Err(Rejection::ReservaInexistente { reserva, servidor }.into()));
        };
        if reserva.state != ReservaState::Cancelada
            && let Some(fault) = self.fault_of_the_moment(asked, asked.deadline)
        {
            return Ok(Err(fault));
        }
        match decide_cancelamento(&reserva, self.now) {
            Ok(Cancel::Now) => {
                execute(
                    self.connection,
                    "UPDATE reservas SET status = 'cancelada', updated_at = ?2 WHERE id = ?1",
                    params![reserva.id, self.now.as_millis()],
                )?;
                reserva.state = ReservaState::Cancelada;
                self.note(&reserva, changes);
                Ok(Ok(reserva))
            }
            Ok(Cancel::Already) => Ok(Ok(reserva)),
            Err(rejection) => Ok(Err(rejection.into())),
        }
    }

    /// Why a command that is new to us is not carried out, whatever it asks.
    fn fault_of_the_moment(
        &self,
        command: impl Into<Key>,
        deadline: Instant,
    ) -> Option<WriteError> {
        let denied = self.denied.already(command, deadline);
        denied.or_else(|| (self.clock > deadline).then_some(WriteError::Expired))
    }

    /// Writes what was decided; the reserva with the number it has got.
    fn write(&self, asked: &Reservation, mut made: Reserved) -> Result<Reserved, StoreError> {
        let now = self.now.as_millis();
        // The carro as its driver's app describes it now.
        let carro = &asked.command.carro;
        execute(
            self.connection,
            "INSERT INTO carros
                 (placa, modelo, capacidade_bateria, nivel_bateria_atual, taxa_descarga, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (placa) DO UPDATE SET
                 modelo = excluded.modelo,
                 capacidade_bateria = excluded.capacidade_bateria,
                 nivel_bateria_atual = excluded.nivel_bateria_atual,
                 taxa_descarga = excluded.taxa_descarga,
                 updated_at = excluded.updated_at",
            params![
                carro.placa.as_str(),
                carro.modelo.as_str(),
                carro.capacidade_bateria.get(),
                carro.nivel_bateria_atual.get(),
                carro.taxa_descarga.get(),
                now
            ],
        )?;
        let reserva = &mut made.reserva;
        execute(
            self.connection,
            "INSERT INTO reservas
                 (request_id, posto_id, placa, inicio, fim, status, fingerprint, nome,
                  created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, 'ativa', ?6, ?7, ?8, ?8)",
            params![
                reserva.request_id,
                reserva.posto_id,
                reserva.placa.as_str(),
                reserva.interval.inicio().as_millis(),
                reserva.interval.fim().as_millis(),
                asked.fingerprint,
                made.nome,
                now
            ],
        )?;
        reserva.id = self.connection.last_insert_rowid();
        Ok(made)
    }

    fn write_refusal(
        &self,
        asked: &Reservation,
        posto: Option<&PostoFacts>,
        rejection: &Rejection,
    ) -> Result<(), StoreError> {
        let Some(word) = stored_reply::rejection_word(rejection) else {
            return Ok(());
        };
        execute(
            self.connection,
            "INSERT INTO refusals (request_id, fingerprint, posto_id, nome, rejection, decided_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                asked.request_id,
                asked.fingerprint,
                asked.command.posto_id,
                posto.map_or("", |posto| posto.nome.as_str()),
                word,
                self.now.as_millis()
            ],
        )?;
        Ok(())
    }

    fn note(&self, reserva: &Reserva, changes: &mut Vec<Change>) {
        // One that is yet to begin leaves its posto as it is; the sweep tells when it begins.
        if reserva.interval.contains(self.now) {
            changes.push(Change::Posto(reserva.posto_id));
        }
        changes.push(Change::Reserva(reserva.clone()));
    }
}
