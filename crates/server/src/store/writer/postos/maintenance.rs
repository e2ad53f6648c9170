//! Taking a posto out of service, or away for good, and what becomes of its reservas.

use std::collections::BTreeSet;

use domain::{
    Disposition, Interval, Moment, Motivo, MovePlan, Placa, PostoChange, PostoUse, Rejection,
    Reserva, ReservaState, decide_posto_removal,
};
use rusqlite::params;

use super::edit;
use super::moving::Affected;
use crate::store::audit::{Action, Target, audit_fields};
use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::rows::postos::PostoRow;
use crate::store::rows::reservas::holds_now_or_later;
use crate::store::rows::row;
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};

/// Puts a posto in or out of service, as its operator says. If it is out of service then, its
/// reservas are affected.
#[derive(Debug, Clone)]
pub struct SetService {
    pub posto_id: i64,
    pub in_service: bool,
    /// `None`: it stays as it is.
    pub em_manutencao: Option<bool>,
    pub disposition: Disposition,
    /// Only reservas that begin before this are affected.
    pub until: Option<Moment>,
    /// Nothing changes: the output is what would become of everything.
    pub simulate: bool,
}

/// A posto, and what became of the reservas that were affected, by their begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Maintained {
    pub posto: PostoRow,
    pub reservas: Vec<AffectedReserva>,
}

/// What became of one reserva, as the operator is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffectedReserva {
    pub id: i64,
    pub placa: Placa,
    pub interval: Interval,
    pub outcome: ReservaOutcome,
    /// The posto that it has now.
    pub posto_id: i64,
    /// The client that made it, which the change is published to.
    pub client_id: Option<String>,
}

/// What became of a reserva.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservaOutcome {
    Kept,
    /// It stays, because no other posto will do.
    NoPosto,
    Moved,
    Cancelled,
}

impl WriteCommand for SetService {
    type Output = Maintained;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Maintained, ApplyError> {
        context.apply_or_simulate(self.simulate, |context| self.set(context))
    }
}

impl SetService {
    fn set(&self, context: &mut WriteContext<'_>) -> Result<Maintained, ApplyError> {
        let posto_id = self.posto_id;
        let in_service = Some(self.in_service);
        let em_manutencao = self.em_manutencao;
        let change = PostoChange { in_service, em_manutencao, ..PostoChange::default() };
        let missing = context.posto_inexistente(posto_id);
        if edit::update(context, posto_id, &change, Action::Change)? == 0 {
            return Err(missing.into());
        }
        let row = context.posto_row(posto_id)?.ok_or_else(|| missing.clone())?;
        // A fault of the charger alone touches no reserva.
        let is_out = !row.states.operador_disponivel || row.states.operador_em_manutencao;
        let reservas = if is_out {
            let affected = context.affected_reservas(posto_id, self.until)?;
            let plan = context.plan_moves(posto_id, &affected, self.disposition)?;
            context.apply_disposition(affected, self.disposition, Motivo::Manutencao, &plan)?
        } else {
            Vec::new()
        };
        // Absences that are due already are written first, so that this change cannot undo them.
        context.update_absences(posto_id)?;
        context.changes.push(Change::Posto(posto_id));
        let posto = context.posto_row(posto_id)?.ok_or(missing)?;
        Ok(Maintained { posto, reservas })
    }
}

/// Removes a posto. The output is what became of its reservas.
///
/// Where they are kept, only a posto that has none is removed; where they are to be moved, only if each
/// finds another posto. The row stays for the reservas that name it, and its id is not used again.
#[derive(Debug, Clone)]
pub struct RemovePosto {
    pub posto_id: i64,
    pub disposition: Disposition,
    /// Nothing changes: the output is what would become of everything.
    pub simulate: bool,
}

row! {
    struct PostoUseRow {
        nome: String,
        held: i64,
        charging: bool,
    }
}

impl WriteCommand for RemovePosto {
    type Output = Vec<AffectedReserva>;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Vec<AffectedReserva>, ApplyError> {
        context.apply_or_simulate(self.simulate, |context| self.remove(context))
    }
}

impl RemovePosto {
    fn remove(&self, context: &mut WriteContext<'_>) -> Result<Vec<AffectedReserva>, ApplyError> {
        let Self { posto_id, disposition, .. } = *self;
        context.write_due_absences(posto_id)?;
        let parameters = [posto_id, context.now.as_millis()];
        let found = context.find::<PostoUseRow>(
            concat!(
                "SELECT nome,
                 (SELECT count(*) FROM reservas WHERE posto_id = ?1 AND ",
                holds_now_or_later!("?2"),
                ") AS held,
                 EXISTS (SELECT 1 FROM carregamentos
                         WHERE posto_id = ?1 AND fim IS NULL) AS charging
             FROM postos WHERE id = ?1 AND removed_at IS NULL"
            ),
            parameters,
        )?;
        let PostoUseRow { nome, held, charging } =
            found.ok_or_else(|| context.posto_inexistente(posto_id))?;
        let affected = context.affected_reservas(posto_id, None)?;
        let held = usize::try_from(held).unwrap_or(usize::MAX);
        decide_posto_removal(
            &nome,
            PostoUse { charging, held, affected: affected.len() },
            disposition,
        )?;
        let plan = context.plan_moves(posto_id, &affected, disposition)?;
        let left = plan.left();
        if !left.is_empty() && !self.simulate {
            return Err(Rejection::ReservasSemPosto { nome, reservas: left }.into());
        }
        let reservas =
            context.apply_disposition(affected, disposition, Motivo::PostoRemovido, &plan)?;
        if self.simulate {
            return Ok(reservas);
        }
        let before = if context.is_audited() { edit::find(context, posto_id)? } else { None };
        context.execute("UPDATE postos SET removed_at = ?2 WHERE id = ?1", parameters)?;
        context.keep_service(posto_id)?;
        if let Some(before) = before {
            let target = Target::Posto(posto_id);
            context.audit(Action::Remove, target, Some(&before.audit_fields()), None)?;
        }
        context.changes.push(Change::Posto(posto_id));
        Ok(reservas)
    }
}

impl WriteContext<'_> {
    fn posto_row(&self, posto_id: i64) -> Result<Option<PostoRow>, StoreError> {
        let ids = format!("[{posto_id}]");
        let now = self.now.as_millis();
        self.find(PostoRow::SELECT, params![now, ids, now])
    }

    /// Keeps, moves or cancels each of these reservas.
    fn apply_disposition(
        &mut self,
        affected: Vec<Affected>,
        disposition: Disposition,
        motivo: Motivo,
        plan: &MovePlan,
    ) -> Result<Vec<AffectedReserva>, StoreError> {
        let mut reservas = Vec::with_capacity(affected.len());
        let mut new_postos = BTreeSet::new();
        for Affected { mut reserva, client_id } in affected {
            let posto_id = plan.posto_of(reserva.id);
            let outcome = match (disposition, posto_id) {
                (Disposition::Keep, _) => ReservaOutcome::Kept,
                (Disposition::Cancel, _) => {
                    self.cancel_affected(&mut reserva, client_id.clone(), motivo)?;
                    ReservaOutcome::Cancelled
                }
                (Disposition::Move, Some(posto_id)) => {
                    self.move_reserva(&mut reserva, client_id.clone(), posto_id)?;
                    new_postos.insert(posto_id);
                    ReservaOutcome::Moved
                }
                (Disposition::Move, None) => ReservaOutcome::NoPosto,
            };
            let Reserva { id, posto_id, placa, facts, .. } = reserva;
            let interval = facts.interval;
            reservas.push(AffectedReserva { id, placa, interval, outcome, posto_id, client_id });
        }
        for posto_id in new_postos {
            self.update_absences(posto_id)?;
        }
        Ok(reservas)
    }

    fn cancel_affected(
        &mut self,
        reserva: &mut Reserva,
        client_id: Option<String>,
        motivo: Motivo,
    ) -> Result<(), StoreError> {
        let before = audit_fields! {"status": reserva.facts.state.as_str()};
        reserva.facts = reserva.facts.with_state(ReservaState::Cancelada, Some(motivo), self.now);
        self.write_state(reserva, client_id)?;
        let after = audit_fields! {
            "status": reserva.facts.state.as_str(),
            "motivo": motivo.as_str(),
        };
        self.audit_change(Action::Cancel, Target::Reserva(reserva.id), &before, &after)
    }
}
