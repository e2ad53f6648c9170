//! `server/postos/reserva/consulta`: says what became of a reservation request.

use domain::Rejection;
use protocol::{RequestId, ReservaRef, ReservaReply, StatusReply};
use tracing::info;

use super::Reply;
use crate::failure::Failure;
use crate::servidor::Servidor;
use crate::store::RequestOutcome;
use crate::wire;

/// A request that was refused is answered as it was then; one that made a reserva, with how
/// that reserva stands now.
pub(super) async fn handle(servidor: &Servidor, payload: &[u8]) -> Result<Reply, Failure> {
    let ReservaRef { request_id, client_id, reserva_request_id, .. } =
        ReservaRef::from_json(payload)?;
    let mut found = find(servidor, &reserva_request_id).await?;
    if found.is_none() {
        // It may be in the writer's hands, past its last look at the clock: "no" must be final.
        let settled = servidor.store.settled().await;
        settled.map_err(|error| Failure::from_write(error, &servidor.id))?;
        found = find(servidor, &reserva_request_id).await?;
    }
    let outcome = found.ok_or_else(|| Rejection::ReservaInexistente {
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

async fn find(
    servidor: &Servidor,
    request_id: &RequestId,
) -> Result<Option<RequestOutcome>, Failure> {
    let found = servidor.store.request_outcome(request_id.as_str(), servidor.now()).await;
    found.map_err(|error| servidor.cannot_read(&error))
}
