//! Cancelling a reserva.

use domain::{Effect, Rejection, Reserva, ReservaState, decide_cancelamento};
use rusqlite::params;
use tokio::time::Instant;

use super::command::{ApplyError, WriteCommand, WriteContext};
use super::recent_failures::Retry;
use crate::store::audit::{Action, AuditFields, Target, audit_fields};
use crate::store::rows::reservas::ReservaRow;

/// Cancels a reserva; one that is cancelled already stays so.
#[derive(Debug, Clone)]
pub struct CancelReserva {
    pub target: CancelTarget,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

#[derive(Debug, Clone)]
pub enum CancelTarget {
    /// The reserva that this request made.
    RequestId(String),
    Id(i64),
}

impl WriteCommand for CancelReserva {
    type Output = Reserva;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Reserva, ApplyError> {
        let mut reserva = self.find(context)?;
        if reserva.state != ReservaState::Cancelada {
            context.check_in_time(self, self.deadline)?;
        }
        match decide_cancelamento(&reserva, context.now)? {
            Effect::Now(()) => {
                context.execute(
                    "UPDATE reservas SET status = 'cancelada', updated_at = ?2 WHERE id = ?1",
                    params![reserva.id, context.now.as_millis()],
                )?;
                let (before, after) = (state(reserva.state), state(ReservaState::Cancelada));
                context.audit_change(
                    Action::Cancel,
                    Target::Reserva(reserva.id),
                    &before,
                    &after,
                )?;
                reserva.state = ReservaState::Cancelada;
                context.reserva_changed(&reserva);
            }
            Effect::Already(()) => {}
        }
        Ok(reserva)
    }

    fn retry(&self) -> Option<Retry> {
        let (command, id) = match &self.target {
            CancelTarget::RequestId(id) => ("cancel by request_id", id.clone()),
            CancelTarget::Id(id) => ("cancel by id", id.to_string()),
        };
        Some(Retry { command, id, deadline: self.deadline })
    }
}

fn state(state: ReservaState) -> AuditFields {
    audit_fields! {"status": state.as_str()}
}

impl CancelReserva {
    fn find(&self, context: &WriteContext<'_>) -> Result<Reserva, ApplyError> {
        let row: Option<ReservaRow> = match &self.target {
            CancelTarget::RequestId(id) => {
                context.find("SELECT * FROM reservas WHERE request_id = ?1", [id])?
            }
            CancelTarget::Id(id) => context.find("SELECT * FROM reservas WHERE id = ?1", [id])?,
        };
        let row = row.ok_or_else(|| Rejection::ReservaInexistente {
            reserva: match &self.target {
                CancelTarget::RequestId(id) => id.clone(),
                CancelTarget::Id(id) => id.to_string(),
            },
            server_id: context.server_id.to_owned(),
        })?;
        Ok(Reserva::try_from(row)?)
    }
}
