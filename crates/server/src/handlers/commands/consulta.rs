//! `server/postos/reserva/consulta`: tells what became of a reservation request.

use domain::Rejection;
use protocol::{AppId, ReservaRef, read_json};
use tracing::info;

use crate::app_state::AppState;
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::store::CurrentReserva;
use crate::wire;

/// A request that was refused gets the same refusal again; one that made a reserva gets that
/// reserva as it is now.
pub(super) async fn handle(app: &AppState, payload: &[u8]) -> Result<Reply, Failure> {
    let ReservaRef { request_id, client_id, reserva_request_id, app: asking, .. } =
        read_json(payload)?;
    let asking = asking.as_ref().map(AppId::as_str);
    // The writer may have a command that changes it, past its deadline check.
    app.read(app.store.settled()).await?;
    let found = app.store.request_outcome(reserva_request_id.as_str(), asking, app.now());
    let found = app.read(found).await?;
    let outcome = found.ok_or_else(|| Rejection::ReservaInexistente {
        reserva: reserva_request_id.as_str().to_owned(),
        server_id: app.server_id.as_str().to_owned(),
    })?;
    let reserved = outcome.decision?;
    let CurrentReserva { reserva, nome } = outcome
        .current
        .unwrap_or(CurrentReserva { reserva: reserved.reserva, nome: reserved.nome });
    info!(%request_id, %client_id, %reserva_request_id, reserva_id = reserva.id, "consulted");
    let mensagem = wire::state_mensagem(&reserva, &nome);
    Reply::reserva(client_id, request_id, mensagem, &reserva, None)
}
