//! `server/postos/reserva`: reserves a posto for a carro.

use protocol::{BadMessage, ReservaRequest, read_json};
use tokio::time::Instant;
use tracing::info;
use uuid::Uuid;

use crate::app_state::AppState;
use crate::digest;
use crate::failpoints::{Bug, has};
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::store::{RequestKey, Reserve, Reserved};

/// Namespace of the fingerprints by which reservations are distinguished.
const FINGERPRINT_NAMESPACE: Uuid = Uuid::from_u128(0x8d0c_61f2_4b7e_4a51_9c3d_e2a7_50f1_6b94);

pub(super) async fn handle(
    app: &AppState,
    payload: &[u8],
    deadline: Instant,
) -> Result<Reply, Failure> {
    let request: ReservaRequest = read_json(payload)?;
    app.array_clients.note(&request.client_id, request.listas);
    let command = Reserve {
        key: RequestKey {
            request_id: request.request_id.as_str().to_owned(),
            fingerprint: fingerprint(&request)?,
            app: request.app.map(|app| app.as_str().to_owned()),
        },
        command: domain::ReservaCommand {
            carro: request.carro.0,
            posto_id: request.posto_id.get(),
            interval: request.interval,
        },
        client_id: request.client_id.as_str().to_owned(),
        deadline,
    };
    let key = command.key.clone();
    let first_answer = || app.store.first_answer(&key, app.now());
    let Reserved { reserva, nome, estimativa } = app.write_or_recall(command, first_answer).await?;
    let (request_id, client_id) = (request.request_id, request.client_id);
    info!(%request_id, %client_id, posto_id = reserva.posto_id, reserva_id = reserva.id, "reserved");
    if has(Bug::LoggedPlaca) {
        info!(placa = %reserva.placa, "reserved");
    }
    let mensagem = format!(
        "O posto {nome} localizado no servidor {} foi reservado para o carro de placa {}.",
        app.server_id, reserva.placa
    );
    Reply::reserva(client_id, request_id, mensagem, &reserva, estimativa.as_ref())
}

/// Covers everything the reservation asks for, and neither the client nor the gateway: a repeat
/// through another gateway is the same request.
fn fingerprint(request: &ReservaRequest) -> Result<[u8; 16], BadMessage> {
    Ok(digest::digest(&FINGERPRINT_NAMESPACE, &request.content()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_never_changes() {
        let fingerprint_of = |more: &str| {
            let payload = format!(
                r#"{{"request_id":"r1","client_id":"c1","server_id":"s1","posto_id":5,{more}"carro":{{
                    "placa":"abc-1234","modelo":" BYD Dolphin ","capacidade_bateria":44.5,
                    "nivel_bateria_atual":22,"taxa_descarga":0.19}}}}"#
            );
            let request: ReservaRequest = read_json(payload.as_bytes()).expect("a command");
            Uuid::from_bytes(fingerprint(&request).expect("JSON")).to_string()
        };
        // Stored with each reserva: a repeat is compared with what an older version stored.
        assert_eq!(fingerprint_of(""), "a414e7cb-2c63-59fe-9ef6-030d8f886768");
        let times = r#""inicio":"2026-11-23T09:00:00-03:00","fim":"2026-11-23T14:30:00.5Z","#;
        assert_eq!(fingerprint_of(times), "e1e3a9bf-f953-5006-aa72-60f9abfd6de6");
    }
}
