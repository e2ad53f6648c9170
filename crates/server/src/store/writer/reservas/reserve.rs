//! Reserving a posto.

use domain::{
    AbsenceFacts, Estimate, Moment, PostoFacts, Rejection, Reserva, ReservaCommand, ReservaFacts,
    decide_reserva, millis,
};
use rusqlite::params;
use tokio::time::Instant;

use crate::failpoints::{self, Bug};
use crate::store::answers::first_answer;
use crate::store::answers::request_outcome::{
    AcceptedRow, ForgottenRow, RefusedRow, RequestKey, RequestOutcome, Reserved, UsedRow,
};
use crate::store::answers::stored_rejection::{rejection_name, stored_form};
use crate::store::error::StoreError;
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};
use crate::store::writer::commit::recent_failures::DuplicateKey;
use crate::store::writer::statements::Statement;

/// Reserves a posto; a repeated request gets its first answer again.
#[derive(Debug, Clone)]
pub struct Reserve {
    pub key: RequestKey,
    pub command: ReservaCommand,
    /// The client that changes of the reserva are published to.
    pub client_id: String,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

impl WriteCommand for Reserve {
    type Output = Reserved;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Reserved, ApplyError> {
        if let Some(first) = self.first_outcome(context)? {
            return Ok(first.answer_to(&self.key)?);
        }
        context.check_in_time(self, self.deadline)?;
        let command = &self.command;
        let placa = &command.carro.placa;
        let (server_id, rules, now) = (context.server_id, context.rules, context.now);
        // The reservas of the carro are counted only if there is a limit.
        let counted = (rules.por_carro > 0).then_some(placa);
        let (posto, held) = context.settle_and_read_facts(command.posto_id, counted)?.unzip();
        // An invalid interval is refused below, whether or not the posto is held.
        let holdings = match command.interval.resolve(rules, now) {
            Ok(wanted) => {
                context.settle_and_read_holdings(command.posto_id, wanted.inicio(), wanted.fim())?
            }
            Err(_) => Vec::new(),
        };
        let held = held.unwrap_or_default();
        let decided =
            decide_reserva(command, server_id, posto.as_ref(), &holdings, held, rules, now);
        let (interval, posto) = match decided {
            Ok(given) => given,
            Err(rejection) => {
                self.write_refusal(context, posto.as_ref(), &rejection)?;
                return Err(rejection.into());
            }
        };
        let estimate = Estimate::new(&command.carro, posto.potencia_maxima, posto.preco_kwh);
        let absence = AbsenceFacts {
            interval,
            tolerancia: rules.tolerancia,
            has_come: false,
            usable_since: posto.is_usable_by(Some(placa)).then_some(now),
        };
        let (price, tolerancia) = (posto.preco_kwh, rules.tolerancia);
        let mut reserva = Reserva {
            id: 0,
            request_id: self.key.request_id.clone(),
            posto_id: command.posto_id,
            placa: placa.clone(),
            facts: ReservaFacts::new(interval, price, tolerancia, absence.due(), now),
        };
        self.write_carro(context)?;
        reserva.id = self.insert_reserva(context, &reserva, &posto.nome, &estimate)?;
        context.reserva_changed(&reserva, None);
        context.recorded.reservas += 1;
        if posto.charging.as_ref() == Some(placa) {
            // It is fulfilled at its begin, if the carro is there then: at once, if that is now.
            context.update_absences(command.posto_id)?;
            context.write_fulfilments(Some(command.posto_id))?;
        }
        // As the answer says it, and every repeat of it.
        reserva.facts.falta_em = None;
        Ok(Reserved { reserva, nome: posto.nome.clone(), estimativa: Some(estimate) })
    }

    fn duplicate_key(&self) -> Option<DuplicateKey> {
        let (id, deadline) = (self.key.request_id.clone(), self.deadline);
        Some(DuplicateKey { command: "reserve", id, deadline })
    }
}

impl Reserve {
    /// How the same request was decided before, if it was.
    fn first_outcome(
        &self,
        context: &WriteContext<'_>,
    ) -> Result<Option<RequestOutcome>, StoreError> {
        let request_id = [&self.key.request_id];
        if failpoints::has(Bug::ForgottenReply) {
            context.execute("DELETE FROM refusals WHERE request_id = ?1", request_id)?;
            return Ok(None);
        }
        if failpoints::has(Bug::RepeatedRequest) {
            // The schema has one row for each request.
            let rename =
                "UPDATE reservas SET request_id = request_id || '.' || id WHERE request_id = ?1";
            context.execute(rename, request_id)?;
            return Ok(None);
        }
        let digest = ForgottenRow::digest(&self.key.request_id);
        if !self.is_known(context, digest)? {
            return Ok(None);
        }
        if let Some(accepted) = context.find::<AcceptedRow>(AcceptedRow::SELECT, request_id)? {
            return Ok(Some(accepted.outcome(context.now)?));
        }
        if let Some(refused) = context.find::<RefusedRow>(RefusedRow::SELECT, request_id)? {
            return Ok(Some(refused.outcome(context.server_id)?));
        }
        let parameters = params![digest, self.key.request_id];
        let used = context.find::<UsedRow>(UsedRow::FOR_RESERVATION, parameters)?;
        Ok(used.and_then(|used| used.outcome(&self.key.request_id, context.server_id)))
    }

    /// Whether anything is stored under this `request_id`. Almost never, so one statement asks all
    /// tables, by their indexes alone.
    fn is_known(&self, context: &WriteContext<'_>, digest: [u8; 16]) -> Result<bool, StoreError> {
        if failpoints::has(Bug::ForgottenArchive) {
            let sql = "SELECT EXISTS (SELECT 1 FROM reservas WHERE request_id = ?1)";
            return Ok(context
                .connection
                .query_row(sql, [&self.key.request_id], |row| row.get(0))?);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM reservas WHERE request_id = ?1) \
             OR EXISTS (SELECT 1 FROM refusals WHERE request_id = ?1) \
             OR EXISTS (SELECT 1 FROM alteracoes WHERE request_id = ?1) \
             OR EXISTS (SELECT 1 FROM archived_reservas WHERE request_id = ?1) \
             OR EXISTS (SELECT 1 FROM archived_alteracoes WHERE request_id = ?1) \
             OR EXISTS (SELECT 1 FROM forgotten_requests WHERE digest = ?2)";
        let mut statement = context.statement(Statement::FindRequest, sql)?;
        Ok(statement.query_row(params![self.key.request_id, digest], |row| row.get(0))?)
    }

    /// Stores how the request describes the carro: what is known of a carro is what its newest
    /// reservation said. One that is new may be charging already, without a reserva.
    fn write_carro(&self, context: &WriteContext<'_>) -> Result<(), StoreError> {
        let carro = &self.command.carro;
        let sql = "INSERT INTO carros \
                 (placa, modelo, capacidade_bateria, nivel_bateria_atual, taxa_descarga, updated_at, \
                  em_carregamento) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, \
                 EXISTS (SELECT 1 FROM carregamentos WHERE placa = ?1 AND fim IS NULL)) \
             ON CONFLICT (placa) DO UPDATE SET \
                 modelo = excluded.modelo, \
                 capacidade_bateria = excluded.capacidade_bateria, \
                 nivel_bateria_atual = excluded.nivel_bateria_atual, \
                 taxa_descarga = excluded.taxa_descarga, \
                 updated_at = excluded.updated_at";
        context.statement(Statement::WriteCarro, sql)?.execute(params![
            carro.placa.as_str(),
            carro.modelo.as_str(),
            carro.capacidade_bateria.get(),
            carro.nivel_bateria_atual.get(),
            carro.taxa_descarga.get(),
            context.now.as_millis()
        ])?;
        Ok(())
    }

    /// Adds the reserva to the table and returns its id.
    fn insert_reserva(
        &self,
        context: &WriteContext<'_>,
        reserva: &Reserva,
        nome: &str,
        estimate: &Estimate,
    ) -> Result<i64, StoreError> {
        let facts = &reserva.facts;
        // Without ROLLBACK, SQLite would keep a journal to undo this statement alone.
        let sql = "INSERT OR ROLLBACK INTO reservas \
                 (request_id, posto_id, placa, inicio, fim, status, fingerprint, nome, \
                  created_at, updated_at, desde, app, client_id, preco_kwh, tolerancia, falta_em, \
                  estimativa) \
             VALUES (?1, ?2, ?3, ?4, ?5, 'ativa', ?6, ?7, ?8, ?8, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        context.statement(Statement::InsertReserva, sql)?.execute(params![
            reserva.request_id,
            reserva.posto_id,
            reserva.placa.as_str(),
            facts.interval.inicio().as_millis(),
            facts.interval.fim().as_millis(),
            self.key.fingerprint,
            nome,
            context.now.as_millis(),
            self.key.app,
            self.client_id,
            facts.preco_kwh.get(),
            millis(reserva.facts.tolerancia),
            facts.falta_em.map(Moment::as_millis),
            first_answer::write_estimate(estimate)?
        ])?;
        Ok(context.connection.last_insert_rowid())
    }

    fn write_refusal(
        &self,
        context: &mut WriteContext<'_>,
        posto: Option<&PostoFacts>,
        rejection: &Rejection,
    ) -> Result<(), StoreError> {
        if let Some(name) = rejection_name(rejection) {
            context.count_refusal(posto.map(|_| self.command.posto_id), name);
        }
        let Some((name, detail)) = stored_form(rejection) else {
            return Ok(());
        };
        context.execute(
            "INSERT INTO refusals
                 (request_id, fingerprint, posto_id, nome, rejection, decided_at, placa, app, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                self.key.request_id,
                self.key.fingerprint,
                self.command.posto_id,
                posto.map_or("", |posto| posto.nome.as_str()),
                name,
                context.now.as_millis(),
                self.command.carro.placa.as_str(),
                self.key.app,
                detail
            ],
        )?;
        Ok(())
    }
}
