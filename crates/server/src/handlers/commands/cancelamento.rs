//! `server/postos/reserva/cancelamento`: cancels a reserva.

use protocol::{ReservaRef, read_json};
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
    let reserva = app.write(CancelReserva { target, deadline }).await?;
    info!(%request_id, %client_id, %reserva_request_id, reserva_id = reserva.id, "cancelled");
    Reply::reserva(client_id, request_id, wire::cancelled_mensagem(&reserva), &reserva)
}
