//! Charging sessions that are reported after they began, and corrections of those that have ended.

use domain::{
    Carregamento, Correction, Effect, Finished, Moment, Placa, PostoFacts, Rejection, ReportEffect,
    ReportedSession, decide_carregamento_correction, decide_carregamento_report, known_until,
    recorded_time,
};
use rusqlite::params;

use super::carregamentos::{FinishCarregamento, NewSession, StartCarregamento, amounts};
use super::command::{ApplyError, WriteCommand, WriteContext};
use super::housekeeping::statistics::ArchivedSums;
use super::reservas::fulfilment::SessionCarro;
use super::reservas::rows::ConflictRow;
use crate::store::audit::{Action, AuditFields, Target, audit_fields, time};
use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::rows::carros::CarregamentoRow;
use crate::store::rows::reservas::ReservaRow;
use crate::store::rows::row;

/// Records a session that has begun, and may have ended, before it is reported.
///
/// It has happened, so no reserva refuses it; but one that begins ahead of this clock begins now, and
/// may be refused. It fulfils the reservas of its carro whose time it shares; if another held the posto
/// when it began, only those that began later. A session that is reported twice is recorded once, and
/// one that was open ends as the later report says.
#[derive(Debug, Clone)]
pub struct ReportCarregamento {
    pub posto_id: i64,
    pub placa: Placa,
    pub session: ReportedSession,
}

/// A session that was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    pub id: i64,
    /// The reservas of other carros that held the posto meanwhile.
    pub conflitos: Vec<i64>,
}

impl WriteCommand for ReportCarregamento {
    type Output = Reported;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Reported, ApplyError> {
        if let Some(reported) = self.reported_before(context)? {
            return Ok(reported);
        }
        let Self { posto_id, placa, session: reported } = self;
        let session = reported.recorded_at(context.now);
        let (posto_id, inicio) = (*posto_id, session.inicio);
        let first_inicio = Some(reported.inicio).filter(|reported| *reported != inicio);
        if first_inicio.is_some() && session.ended.is_none() {
            // Its begin is ahead of this clock, so it begins now, by the rules of a start: another's
            // reserva refuses it.
            let start = StartCarregamento { posto_id, placa: placa.clone() };
            let id = start.begin(context, first_inicio)?;
            return Ok(Reported { id, conflitos: Vec::new() });
        }
        // Write what is due now first: a late report must not change it.
        context.write_due(posto_id)?;
        let posto = self.posto(context)?;
        let until = known_until(inicio, session.fim(), context.now);
        let conflicts = context.conflicts(posto_id, placa, inicio, until)?;
        let conflitos = ids(&conflicts);
        let own = self.fulfilled_reservas(context, &conflicts, (inicio, until))?;
        let agreed = own.first().map(ReservaRow::facts).transpose()?;
        let own_price = posto.preco_kwh;
        let preco_kwh = agreed.map_or(own_price, |facts| facts.preco_kwh);
        let times = (inicio, session.fim());
        let overlapping = context.overlapping_session(posto_id, Some(placa), times, None)?;
        let source = context.energy_source(posto_id, inicio)?;
        let finished =
            decide_carregamento_report(reported, preco_kwh, &source, overlapping, context.now)?;
        let reserva_id = own.first().map(|row| row.id);
        let new = NewSession {
            posto_id,
            placa,
            inicio,
            first_inicio,
            preco_kwh,
            own_price,
            finished,
            reserva_id,
        };
        let id = new.insert(context)?;
        if let Some(Finished { energia_fornecida, custo, .. }) = finished {
            context.recorded.session(energia_fornecida, custo);
        }
        let after = recorded_fields(&new, &conflitos);
        context.audit(Action::Start, Target::Carregamento(id), None, Some(&after))?;
        // Another session of the carro may be the one that charges there now.
        let still_charges = finished.is_none() || posto.charging.as_ref() == Some(placa);
        let carro = if still_charges { SessionCarro::Charges } else { SessionCarro::HasLeft };
        for row in own {
            context.fulfil(row, inicio, carro)?;
        }
        if finished.is_none() {
            context.forget_arrivals_elsewhere(placa, posto_id)?;
        }
        context.session_changed(posto_id, Some(placa))?;
        if let Some(fim) = session.fim() {
            context.wait_after_session(posto_id, placa, fim)?;
        }
        context.changes.push(Change::Posto(posto_id));
        Ok(Reported { id, conflitos })
    }
}

impl ReportCarregamento {
    /// Finds the session if it was reported before. One that is open ends, if the report has its
    /// end.
    fn reported_before(
        &self,
        context: &mut WriteContext<'_>,
    ) -> Result<Option<Reported>, ApplyError> {
        let Self { posto_id, placa, session } = self;
        let recorded = self.recorded(context)?;
        let (id, inicio, fim) = match session.effect_on(&recorded, context.now)? {
            ReportEffect::New => return Ok(None),
            ReportEffect::Repeats(Carregamento { id, inicio, finished, .. }) => {
                (*id, *inicio, finished.map(|end| end.fim))
            }
            ReportEffect::Ends(Carregamento { id, inicio, .. }, fim, energy) => {
                let (posto_id, id) = (*posto_id, *id);
                FinishCarregamento { posto_id, id, energy, fim: Some(fim) }.apply(context)?;
                (id, *inicio, Some(recorded_time(fim, context.now)))
            }
        };
        // After the end: what began after that is not fulfilled.
        context.write_due(*posto_id)?;
        let until = known_until(inicio, fim, context.now);
        let conflicts = context.conflicts(*posto_id, placa, inicio, until)?;
        Ok(Some(Reported { id, conflitos: ids(&conflicts) }))
    }

    /// The sessions that were first reported with its begin.
    fn recorded(&self, context: &WriteContext<'_>) -> Result<Vec<Carregamento>, StoreError> {
        let Self { posto_id, placa, session } = self;
        let found = context.find_all::<CarregamentoRow>(
            "SELECT * FROM all_carregamentos
             WHERE posto_id = ?1 AND inicio = ?2 AND placa = ?3 AND first_inicio IS NULL
             UNION ALL
             SELECT * FROM all_carregamentos
             WHERE posto_id = ?1 AND first_inicio = ?2 AND placa = ?3",
            params![posto_id, session.inicio.as_millis(), placa.as_str()],
        )?;
        let found = found.into_iter().map(Carregamento::try_from);
        let mut found = found.collect::<Result<Vec<_>, _>>()?;
        // With ORDER BY, SQLite would read all sessions of the posto by their ids.
        found.sort_by_key(|session| session.id);
        Ok(found)
    }

    /// The posto where it was, which may have been removed since.
    fn posto(&self, context: &WriteContext<'_>) -> Result<PostoFacts, ApplyError> {
        match context.any_posto_facts(self.posto_id)? {
            Some((posto, removed_at)) if self.session.is_known_at(removed_at) => Ok(posto),
            _ => Err(context.posto_inexistente(self.posto_id).into()),
        }
    }

    /// The reservas of its carro that it fulfils or has fulfilled. If it began while another held the
    /// posto, these are the ones that began later, while the carro charged there.
    fn fulfilled_reservas(
        &self,
        context: &WriteContext<'_>,
        conflicts: &[ConflictRow],
        (inicio, until): (Moment, Moment),
    ) -> Result<Vec<ReservaRow>, StoreError> {
        let (posto_id, placa) = (self.posto_id, &self.placa);
        context.recall_own_reservas(posto_id, placa, inicio, until)?;
        let mut own = context.reservas_ever_held_by(posto_id, placa, inicio, until)?;
        if conflicts.iter().any(|conflict| conflict.at_begin) {
            own.retain(|row| row.held_from() > inicio);
        }
        Ok(own)
    }
}

fn ids(conflicts: &[ConflictRow]) -> Vec<i64> {
    conflicts.iter().map(|conflict| conflict.id).collect()
}

fn recorded_fields(session: &NewSession<'_>, conflitos: &[i64]) -> AuditFields {
    let mut fields = audit_fields! {
        "posto_id": session.posto_id,
        "inicio": time(session.inicio),
    };
    if let Some(finished) = session.finished {
        fields.insert("fim".to_owned(), time(finished.fim).into());
        fields.append(&mut amounts(Some(finished)));
    }
    if let Some(reserva_id) = session.reserva_id {
        fields.insert("reserva_id".to_owned(), reserva_id.into());
    }
    if !conflitos.is_empty() {
        fields.insert("conflitos".to_owned(), conflitos.into());
    }
    fields
}

/// Corrects a session that has ended; the posto where it was. What it did to reservas stays.
#[derive(Debug, Clone)]
pub struct CorrectCarregamento {
    pub id: i64,
    pub correction: Correction,
}

row! {
    struct CorrectableRow {
        is_archived: bool,
        ..row: CarregamentoRow,
    }
}

impl CorrectableRow {
    /// Selects by id.
    const SELECT: &str = "SELECT * FROM all_carregamentos WHERE id = ?1";
}

impl WriteCommand for CorrectCarregamento {
    type Output = i64;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<i64, ApplyError> {
        let Self { id, correction } = self;
        let row = context.find::<CorrectableRow>(CorrectableRow::SELECT, [id])?;
        let CorrectableRow { is_archived, row } = row.ok_or_else(|| {
            Rejection::CarregamentoDesconhecido { id: *id, server_id: context.server_id.to_owned() }
        })?;
        let session = Carregamento::try_from(row)?;
        let (posto_id, placa) = (session.posto_id, session.placa.as_ref());
        let overlapping = match correction.new_times(&session, context.now) {
            Some((inicio, fim)) => {
                context.overlapping_session(posto_id, placa, (inicio, Some(fim)), Some(*id))?
            }
            None => None,
        };
        let since = correction.inicio.map_or(session.inicio, |inicio| inicio.min(session.inicio));
        let posto = context.energy_source(posto_id, since)?;
        let decided =
            decide_carregamento_correction(&session, correction, &posto, overlapping, context.now);
        if let Effect::Now((inicio, finished)) = decided? {
            let table = if is_archived { "archived_carregamentos" } else { "carregamentos" };
            let update = format!(
                "UPDATE {table} SET inicio = ?2, fim = ?3, energia_fornecida = ?4, custo = ?5,
                     corrigido_em = ?6,
                     first_inicio = COALESCE(first_inicio, CASE WHEN inicio <> ?2 THEN inicio END)
                 WHERE id = ?1"
            );
            context.execute(
                &update,
                params![
                    id,
                    inicio.as_millis(),
                    finished.fim.as_millis(),
                    finished.energia_fornecida.get(),
                    finished.custo.brl(),
                    context.now.as_millis()
                ],
            )?;
            if is_archived && let Some(before) = session.finished {
                let (mut sums, mut less) = (ArchivedSums::new(), ArchivedSums::new());
                sums.session(posto_id, inicio, finished);
                less.session(posto_id, session.inicio, before);
                sums.subtract(&less);
                context.keep_archived_sums(&sums)?;
            }
            let before = session.finished.map(|finished| ended_fields(session.inicio, finished));
            let (before, after) = (before.unwrap_or_default(), ended_fields(inicio, finished));
            let target = Target::Carregamento(*id);
            context.audit_change(Action::Change, target, &before, &after)?;
        }
        Ok(posto_id)
    }
}

fn ended_fields(inicio: Moment, finished: Finished) -> AuditFields {
    let mut fields = audit_fields! {"inicio": time(inicio), "fim": time(finished.fim)};
    fields.append(&mut amounts(Some(finished)));
    fields
}
