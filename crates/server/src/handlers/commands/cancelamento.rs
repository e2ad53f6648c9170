//! `server/postos/reserva/cancelamento`: gives a posto back.

use tokio::time::Instant;

use protocol::{ReservaRef, ReservaReply, StatusReply};
use tracing::info;

use super::Reply;
use crate::failure::Failure;
use crate::servidor::Servidor;
use crate::store::CancelTarget;
use crate::wire;

pub(super) async fn handle(
    servidor: &Servidor,
    payload: &[u8],
    deadline: Instant,
) -> Result<Reply, Failure> {
    let ReservaRef { request_id, client_id, reserva_request_id, .. } =
        ReservaRef::from_json(payload)?;
    let target = CancelTarget::RequestId(reserva_request_id.as_str().to_owned());
    let reserva = servidor
        .store
        .cancel(target, deadline)
        .await
        .map_err(|error| Failure::from_write(error, &servidor.id))?;
    info!(%request_id, %client_id, %reserva_request_id, reserva_id = reserva.id, "cancelled");
    let reply = ReservaReply {
        request_id: request_id.clone(),
        status: StatusReply::Sucesso,
        mensagem: wire::cancelled_mensagem(&reserva),
        reserva: wire::reserva(&reserva),
    };
    Reply::json(client_id, request_id, &reply)
}
