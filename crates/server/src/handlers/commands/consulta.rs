//! `server/postos/reserva/consulta`: tells what became of a reservation request.

use domain::Rejection;
use protocol::{RequestId, ReservaRef, read_json};
use tracing::info;

use crate::app_state::AppState;
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::store::{Barrier, RequestOutcome};
use crate::wire;

/// A request that was refused gets the same refusal again; one that made a reserva gets that
/// reserva as it is now.
pub(super) async fn handle(app: &AppState, payload: &[u8]) -> Result<Reply, Failure> {
    let ReservaRef { request_id, client_id, reserva_request_id, .. } = read_json(payload)?;
    let mut found = find(app, &reserva_request_id).await?;
    if found.is_none() {
        // The writer may have it already, past its deadline check. A "no" must be final, so wait
        // until everything the writer has is committed and look again.
        app.write(Barrier).await?;
        found = find(app, &reserva_request_id).await?;
    }
    let outcome = found.ok_or_else(|| Rejection::ReservaInexistente {
        reserva: reserva_request_id.as_str().to_owned(),
        server_id: app.server_id.as_str().to_owned(),
    })?;
    let reserved = outcome.decision?;
    let reserva = outcome.current.unwrap_or(reserved.reserva);
    info!(%request_id, %client_id, %reserva_request_id, reserva_id = reserva.id, "consulted");
    let mensagem = wire::state_mensagem(&reserva, &reserved.nome);
    Reply::reserva(client_id, request_id, mensagem, &reserva)
}

async fn find(app: &AppState, request_id: &RequestId) -> Result<Option<RequestOutcome>, Failure> {
    app.read(app.store.request_outcome(request_id.as_str(), app.now())).await
}
