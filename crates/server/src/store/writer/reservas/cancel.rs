//! Cancelling a reserva.

use domain::{Effect, Motivo, Rejection, Reserva, ReservaState, decide_cancelamento};
use rusqlite::params;
use tokio::time::Instant;

use crate::store::answers::request_outcome::is_visible;
use crate::store::answers::stored_rejection::{About, rejection, rejection_name};
use crate::store::audit::{Action, AuditFields, Target, audit_fields};
use crate::store::error::{StoreError, WriteError};
use crate::store::rows::reservas::ReservaRow;
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};
use crate::store::writer::commit::recent_failures::DuplicateKey;

/// Cancels a reserva; one that is cancelled already stays so.
#[derive(Debug, Clone)]
pub struct CancelReserva {
    pub target: CancelTarget,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

#[derive(Debug, Clone)]
pub enum CancelTarget {
    /// The reserva that this request made, for somebody who names this app, or none.
    Request {
        request_id: String,
        app: Option<String>,
        /// Of the request to cancel: the same in every repeat, and in no other.
        digest: [u8; 16],
    },
    Id(i64),
}

impl WriteCommand for CancelReserva {
    type Output = Reserva;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Reserva, ApplyError> {
        if let Some(first) = self.first_refusal(context)? {
            return Err(first.into());
        }
        let decided = self.decide(context);
        if let Err(ApplyError::Refused(WriteError::Rejected(rejection))) = &decided
            && let CancelTarget::Request { digest, .. } = &self.target
        {
            context.check_in_time(self, self.deadline)?;
            write_refusal(context, digest, rejection)?;
        }
        decided
    }

    fn duplicate_key(&self) -> Option<DuplicateKey> {
        let (command, id) = match &self.target {
            // Another app has another answer.
            CancelTarget::Request { request_id, app, .. } => {
                let app = app.as_deref().unwrap_or_default();
                ("cancel by request_id", format!("{app} {request_id}"))
            }
            CancelTarget::Id(id) => ("cancel by id", id.to_string()),
        };
        Some(DuplicateKey { command, id, deadline: self.deadline })
    }
}

fn write_refusal(
    context: &mut WriteContext<'_>,
    digest: &[u8; 16],
    rejection: &Rejection,
) -> Result<(), StoreError> {
    let Some(name) = rejection_name(rejection) else { return Ok(()) };
    context.count_refusal(None, name);
    context.execute(
        "INSERT INTO refused_cancellations (digest, decided_at, rejection) VALUES (?1, ?2, ?3)",
        params![digest, context.now.as_millis(), name],
    )?;
    Ok(())
}

fn state(state: ReservaState) -> AuditFields {
    audit_fields! {"status": state.as_str()}
}

impl CancelReserva {
    fn decide(&self, context: &mut WriteContext<'_>) -> Result<Reserva, ApplyError> {
        let (mut reserva, client_id) = self.find(context)?;
        if reserva.facts.state != ReservaState::Cancelada {
            context.check_in_time(self, self.deadline)?;
        }
        match decide_cancelamento(&reserva.facts, context.now)? {
            Effect::Now(()) => {
                let before = reserva.facts.at(context.now);
                let motivo = match &self.target {
                    CancelTarget::Request { .. } => Motivo::Pedido,
                    CancelTarget::Id(_) => Motivo::Operador,
                };
                reserva.facts =
                    before.with_state(ReservaState::Cancelada, Some(motivo), context.now);
                context.write_state(&reserva, client_id)?;
                context.audit_change(
                    Action::Cancel,
                    Target::Reserva(reserva.id),
                    &state(before.state),
                    &state(reserva.facts.state),
                )?;
            }
            Effect::Already(()) => {}
        }
        Ok(reserva)
    }

    /// How a copy of this request was refused before, if it was.
    fn first_refusal(&self, context: &WriteContext<'_>) -> Result<Option<Rejection>, StoreError> {
        let CancelTarget::Request { request_id, digest, .. } = &self.target else {
            return Ok(None);
        };
        let sql = "SELECT rejection FROM refused_cancellations WHERE digest = ?1";
        let Some(name) = context.find_value::<String>(sql, [digest])? else { return Ok(None) };
        // Only a reserva is refused, and the request names it.
        let about = About { request_id, server_id: context.server_id, ..About::default() };
        let first = rejection(&name, None, about);
        first.map(Some).ok_or_else(|| StoreError::Corrupt(format!("refused cancellation {name}")))
    }

    /// The reserva, and the client that made it.
    fn find(&self, context: &WriteContext<'_>) -> Result<(Reserva, Option<String>), ApplyError> {
        let row: Option<ReservaRow> = match &self.target {
            CancelTarget::Request { request_id, app, .. } => context
                .find::<ReservaRow>(
                    "SELECT * FROM all_reservas WHERE request_id = ?1",
                    [request_id],
                )?
                .filter(|row| is_visible(row.app.as_deref(), app.as_deref())),
            CancelTarget::Id(id) => {
                context.find("SELECT * FROM all_reservas WHERE id = ?1", [id])?
            }
        };
        let row = row.ok_or_else(|| Rejection::ReservaInexistente {
            reserva: match &self.target {
                CancelTarget::Request { request_id, .. } => request_id.clone(),
                CancelTarget::Id(id) => id.to_string(),
            },
            server_id: context.server_id.to_owned(),
        })?;
        // A forgotten one held nothing when it was forgotten.
        let reserva = row.reserva()?.ok_or(Rejection::ReservaEncerrada)?;
        Ok((reserva, row.client_id))
    }
}
