//! `server/postos/reserva/consulta`: says what became of a reservation request.

use domain::Rejection;
use protocol::{ReservaRef, ReservaReply, StatusReply};
use tracing::info;

use super::Reply;
use crate::failure::Failure;
use crate::servidor::Servidor;
use crate::wire;

/// A request that was refused is answered as it was then; one that made a reserva, with how
/// that reserva stands now.
pub(super) async fn handle(servidor: &Servidor, payload: &[u8]) -> Result<Reply, Failure> {
    let ReservaRef { request_id, client_id, reserva_request_id, .. } =
        ReservaRef::from_json(payload)?;
    let outcome = servidor
        .store
        .request_outcome(reserva_request_id.as_str(), servidor.now())
        .await
        .map_err(|error| servidor.cannot_read(&error))?
        .ok_or_else(|| Rejection::ReservaInexistente {
            reserva: reserva_request_id.as_str().to_owned(),
            servidor: servidor.id.as_str().to_owned(),
        })?;
    let reserved = outcome.decision?;
    let reserva = outcome.current.unwrap_or(reserved.reserva);
    info!(%request_id, %client_id, %reserva_request_id, reserva_id = reserva.id, "consulted");
    let reply = ReservaReply {
        request_id: request_id.clone(),
        status: StatusReply::Sucesso,
        mensagem: wire::state_mensagem(&reserva, &reserved.nome),
        reserva: wire::reserva(&reserva),
    };
    Reply::json(client_id, request_id, &reply)
}
