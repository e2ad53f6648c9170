//! `server/postos/reserva/consulta`: answers what became of a request to reserve, or to change a
//! reserva.

use domain::Rejection;
use protocol::{AppId, ConsultaRequest, ReservaRef, read_json};
use tracing::info;

use crate::app_state::AppState;
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::store::CurrentReserva;
use crate::wire;

/// A request that was refused gets the same refusal again; one that made a reserva, or changed it,
/// gets that reserva as it is now. Where only reservations are asked about, the id of a change is
/// answered as what it is.
pub(super) async fn handle(app: &AppState, payload: &[u8]) -> Result<Reply, Failure> {
    let ConsultaRequest { asked, somente_reserva } = read_json(payload)?;
    let ReservaRef { request_id, client_id, listas, reserva_request_id, app: asking, .. } = asked;
    app.array_clients.note(&client_id, listas);
    let (asked, asking) = (reserva_request_id.as_str(), asking.as_ref().map(AppId::as_str));
    // The writer may have a command that changes it, past its deadline check.
    app.read(app.store.settled()).await?;
    let (mut is_change, now) = (false, app.now());
    let mut found = app.read(app.store.request_outcome(asked, asking, now)).await?;
    if found.is_none() {
        found = app.read(app.store.change_outcome(asked, asking, now)).await?;
        is_change = true;
    }
    let outcome = found.ok_or_else(|| Rejection::ReservaInexistente {
        reserva: asked.to_owned(),
        server_id: app.server_id.as_str().to_owned(),
    })?;
    if is_change && somente_reserva == Some(true) {
        return Err(Failure::OfChange(reserva_request_id));
    }
    let reserved = outcome.decision.map_err(|rejection| match rejection {
        // Which one it named is not kept: the id may be that of somebody else's request.
        Rejection::ReservaInexistente { .. } if is_change => {
            Failure::NothingToChange(app.server_id.clone())
        }
        other => other.into(),
    })?;
    let CurrentReserva { reserva, nome } = outcome
        .current
        .unwrap_or(CurrentReserva { reserva: reserved.reserva, nome: reserved.nome });
    info!(%request_id, %client_id, %reserva_request_id, reserva_id = reserva.id, "consulted");
    let done = if is_change { "A alteração foi feita. " } else { "" };
    let mensagem = format!("{done}{}", wire::state_mensagem(&reserva, &nome));
    Reply::reserva(client_id, request_id, mensagem, &reserva, None)
}
