//! `server/postos/reserva/alteracao`: changes a reserva.

use protocol::{AlteracaoRequest, BadMessage, ReservaRef, read_json};
use tokio::time::Instant;
use tracing::info;
use uuid::Uuid;

use crate::app_state::AppState;
use crate::digest;
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::store::{ChangeReserva, RequestKey, Reserved};
use crate::wire;

/// Namespace of the fingerprints by which changes are distinguished.
const FINGERPRINT_NAMESPACE: Uuid = Uuid::from_u128(0x5e1d_93b8_0c47_4f26_8a9b_71f4_c6d2_3e05);

pub(super) async fn handle(
    app: &AppState,
    payload: &[u8],
    deadline: Instant,
) -> Result<Reply, Failure> {
    let request: AlteracaoRequest = read_json(payload)?;
    let fingerprint = fingerprint(&request)?;
    let AlteracaoRequest { asked, change } = request;
    let ReservaRef { request_id, client_id, listas, reserva_request_id, app: asking, .. } = asked;
    app.array_clients.note(&client_id, listas);
    let command = ChangeReserva {
        key: RequestKey {
            request_id: request_id.as_str().to_owned(),
            fingerprint,
            app: asking.map(|asking| asking.as_str().to_owned()),
        },
        reserva_request_id: reserva_request_id.as_str().to_owned(),
        change: (&change).into(),
        deadline,
    };
    let key = command.key.clone();
    let asked = reserva_request_id.as_str();
    let first_answer = || app.store.first_answer_to_change(&key, asked, app.now());
    let Reserved { reserva, nome, estimativa } = app.write_or_recall(command, first_answer).await?;
    info!(%request_id, %client_id, %reserva_request_id, posto_id = reserva.posto_id,
        reserva_id = reserva.id, "changed");
    let mensagem = wire::changed_mensagem(&reserva, &nome);
    Reply::reserva(client_id, request_id, mensagem, &reserva, estimativa.as_ref())
}

/// Covers which reserva is to be changed how, and neither the client nor the gateway.
fn fingerprint(request: &AlteracaoRequest) -> Result<[u8; 16], BadMessage> {
    Ok(digest::digest(&FINGERPRINT_NAMESPACE, &request.content()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_never_changes_and_covers_what_is_asked() {
        let fingerprint_of = |more: &str| {
            let payload =
                format!(r#"{{"request_id":"r2","client_id":"c1","server_id":"s1",{more}}}"#);
            let request: AlteracaoRequest = read_json(payload.as_bytes()).expect("a command");
            Uuid::from_bytes(fingerprint(&request).expect("JSON")).to_string()
        };
        // Stored with each change: a repeat is compared with what an older version stored.
        let posto = r#""reserva_request_id":"r1","posto_id":6"#;
        assert_eq!(fingerprint_of(posto), "eda2d6de-fb5d-576a-8762-91f966d8a0de");
        let times = r#""reserva_request_id":"r1","inicio":"2026-11-23T09:00:00-03:00","fim":"2026-11-23T14:30:00.5Z""#;
        assert_eq!(fingerprint_of(times), "b5e60791-7775-530c-b42a-43d0ac38f271");
        let app = r#""reserva_request_id":"r1","posto_id":6,"app":"app1""#;
        for other in [app, times, r#""reserva_request_id":"r3","posto_id":6"#] {
            assert_ne!(fingerprint_of(other), fingerprint_of(posto), "{other}");
        }
    }
}
