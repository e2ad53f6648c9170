//! `server/postos/reserva/cancelamento`: cancels a reserva.

use domain::{Reserva, ReservaState};
use protocol::{RequestId, ReservaRef, read_json};
use tokio::time::Instant;
use tracing::info;

use crate::app_state::AppState;
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::store::{CancelReserva, CancelTarget};
use crate::wire;

pub(super) async fn handle(
    app: &AppState,
    payload: &[u8],
    deadline: Instant,
) -> Result<Reply, Failure> {
    let ReservaRef { request_id, client_id, reserva_request_id, .. } = read_json(payload)?;
    let target = CancelTarget::RequestId(reserva_request_id.as_str().to_owned());
    let reserva = match app.write(CancelReserva { target, deadline }).await {
        Err(failure) if failure.is_unwritten() => {
            cancelled_before(app, &reserva_request_id, failure).await?
        }
        written => written?,
    };
    info!(%request_id, %client_id, %reserva_request_id, reserva_id = reserva.id, "cancelled");
    Reply::reserva(client_id, request_id, wire::cancelled_mensagem(&reserva), &reserva)
}

/// The reserva, if it is cancelled already: that needs nothing written.
async fn cancelled_before(
    app: &AppState,
    reserva_request_id: &RequestId,
    failure: Failure,
) -> Result<Reserva, Failure> {
    match app.store.request_outcome(reserva_request_id.as_str(), app.now()).await {
        Ok(outcome) => {
            let current = outcome.and_then(|outcome| outcome.current);
            current.filter(|reserva| reserva.state == ReservaState::Cancelada).ok_or(failure)
        }
        Err(error) => Err(app.unknown(&error)),
    }
}
