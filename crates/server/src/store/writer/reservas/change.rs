//! Changing a reserva: its interval or its posto, in one statement.

use domain::{
    AbsenceFacts, ChangedReserva, Effect, Estimate, Moment, PostoFacts, Price, Rejection, Reserva,
    ReservaChange, ReservaFacts, ReservaState, decide_alteracao, from_now,
};
use rusqlite::params;
use tokio::time::Instant;

use crate::failpoints::{self, Bug};
use crate::store::answers::change_answer::{ChangeRow, write_changed, write_refused};
use crate::store::answers::first_answer::read_estimate;
use crate::store::answers::request_outcome::{
    AcceptedRow, ForgottenRow, RequestKey, RequestOutcome, Reserved, UsedRow, is_visible,
};
use crate::store::answers::stored_rejection::rejection_name;
use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::rows::reservas::ReservaRow;
use crate::store::rows::row;
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};
use crate::store::writer::commit::recent_failures::DuplicateKey;

/// Changes the reserva that a request made; a repeated change gets its first answer again.
#[derive(Debug, Clone)]
pub struct ChangeReserva {
    /// Of the change.
    pub key: RequestKey,
    /// The request that made the reserva.
    pub reserva_request_id: String,
    pub change: ReservaChange,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

row! {
    /// A reserva with the estimate of its first answer.
    struct ChangeableRow {
        is_archived: bool,
        estimativa: Option<String>,
        ..reserva: ReservaRow,
    }
}

impl WriteCommand for ChangeReserva {
    type Output = Reserved;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Reserved, ApplyError> {
        if let Some(first) = self.first_outcome(context)? {
            return Ok(first.answer_to_change(&self.key, &self.reserva_request_id)?);
        }
        context.check_in_time(self, self.deadline)?;
        if let Some(row) = self.find(context)? {
            // The row is then what the reserva is.
            context.update_absences(row.reserva.posto_id)?;
        }
        let Some(row) = self.find(context)? else {
            let rejection = self.reserva_inexistente(context);
            self.write_refusal(context, None, &rejection, 0, None)?;
            return Err(rejection.into());
        };
        // A forgotten one is not found by a request.
        let reserva = row.reserva.reserva()?.ok_or(Rejection::ReservaEncerrada)?;
        let posto_id = self.change.posto_of(&reserva);
        let posto = context.posto_facts(posto_id)?;
        let changed = match self.decide(context, &reserva, posto.as_ref())? {
            Ok(effect) => self.write(context, &row, reserva, effect)?,
            Err(rejection) => {
                if failpoints::has(Bug::ChangeDropsFirst) {
                    context.execute(
                        "UPDATE reservas SET status = 'cancelada', motivo = 'pedido', desde = ?2,
                             falta_em = NULL, versao = versao + 1, updated_at = ?2
                         WHERE id = ?1 AND status = 'ativa'",
                        params![row.reserva.id, context.now.as_millis()],
                    )?;
                }
                self.write_refusal(context, Some(&row), &rejection, posto_id, posto.as_ref())?;
                return Err(rejection.into());
            }
        };
        self.write_answer(context, Some(&row), &write_changed(&changed)?)?;
        Ok(changed)
    }

    fn duplicate_key(&self) -> Option<DuplicateKey> {
        let (id, deadline) = (self.key.request_id.clone(), self.deadline);
        Some(DuplicateKey { command: "change", id, deadline })
    }
}

impl ChangeReserva {
    /// How the same change was decided before, if it was.
    fn first_outcome(
        &self,
        context: &WriteContext<'_>,
    ) -> Result<Option<RequestOutcome>, StoreError> {
        let request_id = [&self.key.request_id];
        if let Some(change) = context.find::<ChangeRow>(ChangeRow::SELECT, request_id)? {
            let current = match &change.reserva_request_id {
                Some(made) => context.find::<AcceptedRow>(AcceptedRow::SELECT, [made])?,
                None => None,
            };
            let current = current.map(|row| row.outcome(context.now)).transpose()?;
            let current = current.and_then(|outcome| outcome.current);
            return Ok(Some(change.outcome(context.server_id, current)?));
        }
        let parameters = params![ForgottenRow::digest(&self.key.request_id), self.key.request_id];
        let used = context.find::<UsedRow>(UsedRow::FOR_CHANGE, parameters)?;
        Ok(used.and_then(|used| used.outcome(&self.key.request_id, context.server_id)))
    }

    /// The reserva, if this app may know of it.
    fn find(&self, context: &WriteContext<'_>) -> Result<Option<ChangeableRow>, StoreError> {
        let sql = "SELECT * FROM all_reservas WHERE request_id = ?1";
        let row = context.find::<ChangeableRow>(sql, [&self.reserva_request_id])?;
        Ok(row.filter(|row| is_visible(row.reserva.app.as_deref(), self.key.app.as_deref())))
    }

    fn reserva_inexistente(&self, context: &WriteContext<'_>) -> Rejection {
        Rejection::ReservaInexistente {
            reserva: self.reserva_request_id.clone(),
            server_id: context.server_id.to_owned(),
        }
    }

    fn decide<'p>(
        &self,
        context: &mut WriteContext<'_>,
        reserva: &Reserva,
        posto: Option<&'p PostoFacts>,
    ) -> Result<Result<Effect<ChangedReserva<'p>>, Rejection>, StoreError> {
        let (change, server_id, rules, now) =
            (&self.change, context.server_id, context.rules, context.now);
        // What has ended, or has an invalid interval, is refused below without asking for these.
        let holdings = match change.interval(reserva.facts.interval, rules, now) {
            Ok(wanted) if !reserva.facts.is_over(now) => {
                let wanted = from_now(wanted, now);
                context.settle_and_read_holdings(
                    change.posto_of(reserva),
                    wanted.inicio(),
                    wanted.fim(),
                )?
            }
            _ => Vec::new(),
        };
        Ok(decide_alteracao(reserva, change, server_id, posto, &holdings, rules, now))
    }

    /// Writes what was decided, and reports it; the answer.
    fn write(
        &self,
        context: &mut WriteContext<'_>,
        row: &ChangeableRow,
        before: Reserva,
        effect: Effect<ChangedReserva<'_>>,
    ) -> Result<Reserved, StoreError> {
        let (changed, is_change) = match effect {
            Effect::Now(changed) => (changed, true),
            Effect::Already(same) => (same, false),
        };
        let ChangedReserva { posto_id, posto, mut facts, is_expected_anew } = changed;
        let estimativa = estimate(row, posto, facts.preco_kwh)?;
        if is_change {
            facts.falta_em = absence(context, row, &changed)?;
        }
        let mut reserva = Reserva { posto_id, facts, ..before.clone() };
        if is_change {
            if before.posto_id != posto_id && before.facts.holds_at(context.now) {
                context.keep_hold(before.posto_id, &before.facts)?;
                context.changes.push(Change::Posto(before.posto_id));
            }
            context.update_reserva(&reserva, is_expected_anew)?;
            context.reserva_changed(&reserva, row.reserva.client_id.clone());
            if let Some(session) = session_of(context, posto, &reserva)? {
                if is_expected_anew && facts.state == ReservaState::Cumprida {
                    context.link_session(session, &reserva)?;
                }
                context.update_absences(posto_id)?;
            }
        }
        // As the answer says it, and every repeat of it.
        reserva.facts = ReservaFacts { falta_em: None, posto_desde: None, ..reserva.facts };
        Ok(Reserved { reserva, nome: posto.nome.clone(), estimativa })
    }

    fn write_refusal(
        &self,
        context: &mut WriteContext<'_>,
        row: Option<&ChangeableRow>,
        rejection: &Rejection,
        posto_id: i64,
        posto: Option<&PostoFacts>,
    ) -> Result<(), StoreError> {
        let nome = posto.map_or("", |posto| posto.nome.as_str());
        if let Some(name) = rejection_name(rejection) {
            context.count_refusal(posto.map(|_| posto_id), name);
        }
        match write_refused(rejection, posto_id, nome)? {
            Some(answer) => self.write_answer(context, row, &answer),
            None => Ok(()),
        }
    }

    fn write_answer(
        &self,
        context: &WriteContext<'_>,
        row: Option<&ChangeableRow>,
        answer: &str,
    ) -> Result<(), StoreError> {
        let is_archived = row.is_some_and(|row| row.is_archived);
        if is_archived {
            // The last write is looked up in the hot tables after a start, so it is noted here too.
            let sql = "UPDATE writer_probe SET at = max(at, ?1)";
            context.execute(sql, [context.now.as_millis()])?;
        }
        let table = if is_archived { "archived_alteracoes" } else { "alteracoes" };
        let insert = format!(
            "INSERT INTO {table} (request_id, fingerprint, app, reserva_id, decided_at, answer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        );
        context.execute(
            &insert,
            params![
                self.key.request_id,
                self.key.fingerprint,
                self.key.app,
                row.map(|row| row.reserva.id),
                context.now.as_millis(),
                answer
            ],
        )?;
        Ok(())
    }
}

/// The session in which the carro of a reserva charges at a posto.
fn session_of(
    context: &WriteContext<'_>,
    posto: &PostoFacts,
    reserva: &Reserva,
) -> Result<Option<i64>, StoreError> {
    match posto.charging.as_ref() == Some(&reserva.placa) {
        true => Ok(context.open_session(reserva.posto_id)?),
        false => Ok(None),
    }
}

/// Computes when the absence of the carro is due after the change. At another time or posto it has
/// not come yet.
fn absence(
    context: &WriteContext<'_>,
    row: &ChangeableRow,
    changed: &ChangedReserva<'_>,
) -> Result<Option<Moment>, StoreError> {
    let ChangedReserva { posto, facts, is_expected_anew, .. } = changed;
    if facts.state != ReservaState::Ativa {
        return Ok(None);
    }
    let placa = row.reserva.placa()?;
    let usable_since = posto.is_usable_by(placa.as_ref()).then_some(context.now);
    let before = row.reserva.absence(usable_since)?;
    let has_come = before.has_come && !is_expected_anew;
    let after = AbsenceFacts { interval: facts.interval, has_come, ..before };
    Ok(after.due_after_change(row.reserva.facts()?.falta_em, context.now))
}

/// Computes the estimate of the first answer anew, with the power of this posto and the price that
/// holds now.
fn estimate(
    row: &ChangeableRow,
    posto: &PostoFacts,
    preco_kwh: Price,
) -> Result<Option<Estimate>, StoreError> {
    let Some(json) = &row.estimativa else { return Ok(None) };
    let corrupt = || StoreError::Corrupt("estimate of a request".to_owned());
    let first = read_estimate(json, preco_kwh).ok_or_else(corrupt)?;
    Ok(Some(first.at(posto.potencia_maxima, preco_kwh)))
}
