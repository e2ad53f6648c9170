//! `server/postos/estimativa`: answers what a charge is likely to need, and whether the posto would
//! be given. Nothing is reserved.

use protocol::{BadMessage, EstimativaReply, ReservaRequest, StatusReply, read_json, to_payload};
use tracing::info;

use crate::app_state::AppState;
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::store::Estimated;
use crate::wire;

pub(super) async fn handle(app: &AppState, payload: &[u8]) -> Result<Reply, Failure> {
    let request: ReservaRequest = read_json(payload)?;
    app.array_clients.note(&request.client_id, request.listas);
    let ReservaRequest { request_id, client_id, .. } = request;
    let command = domain::ReservaCommand {
        carro: request.carro.0,
        posto_id: request.posto_id.get(),
        interval: request.interval,
    };
    let found = app.store.estimate(&command, &app.rules, app.now());
    let Estimated { nome, estimativa, disponivel } = app.read(found).await??;
    info!(%request_id, %client_id, posto_id = command.posto_id, "estimated");
    let is_free = if disponivel { "está livre" } else { "não está livre" };
    let reply = EstimativaReply {
        request_id: request_id.clone(),
        status: StatusReply::Sucesso,
        mensagem: format!(
            "O posto {nome} localizado no servidor {} {is_free} neste período para o carro de placa {}.",
            app.server_id, command.carro.placa
        ),
        estimativa: wire::estimativa(&estimativa),
        disponivel_no_periodo: disponivel,
    };
    let payload = to_payload(&reply).map_err(BadMessage::from)?;
    Ok(Reply::success(client_id, request_id, payload))
}
