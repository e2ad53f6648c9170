//! `server/postos/reserva`: reserves a posto for a carro.

use protocol::ReservaRequest;
use tokio::time::Instant;
use tracing::info;
use uuid::Uuid;

use crate::app_state::AppState;
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::store::{Reserve, Reserved};
use crate::wire;

/// Namespace of the fingerprints that tell one reservation from another.
const FINGERPRINT_NAMESPACE: Uuid = Uuid::from_u128(0x8d0c_61f2_4b7e_4a51_9c3d_e2a7_50f1_6b94);

pub(super) async fn handle(
    app: &AppState,
    payload: &[u8],
    deadline: Instant,
) -> Result<Reply, Failure> {
    let request = ReservaRequest::from_json(payload)?;
    let command = Reserve {
        request_id: request.request_id.as_str().to_owned(),
        fingerprint: fingerprint(&request),
        command: domain::ReservaCommand {
            carro: wire::carro(&request.carro)?,
            posto_id: request.posto_id,
            stretch: wire::stretch(request.inicio, request.fim),
        },
        deadline,
    };
    let reserved = app.store.execute(command).await;
    let Reserved { reserva, nome } = reserved.map_err(|error| app.write_failure(error))?;
    let (request_id, client_id) = (request.request_id, request.client_id);
    info!(%request_id, %client_id, posto_id = reserva.posto_id, reserva_id = reserva.id, "reserved");
    let mensagem = format!(
        "O posto {nome} localizado no servidor {} foi reservado para o carro de placa {}.",
        app.server_id, reserva.placa
    );
    Reply::reserva(client_id, request_id, mensagem, &reserva)
}

/// Covers everything the reservation asks for, and neither the client nor the gateway: a repeat
/// through another gateway is the same request.
fn fingerprint(request: &ReservaRequest) -> [u8; 16] {
    let content = (&request.carro, request.posto_id, request.inicio, request.fim);
    let json = serde_json::to_vec(&content).unwrap_or_default();
    Uuid::new_v5(&FINGERPRINT_NAMESPACE, &json).into_bytes()
}
