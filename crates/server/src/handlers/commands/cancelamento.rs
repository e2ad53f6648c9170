//! `server/postos/reserva/cancelamento`: cancels a reserva.

use domain::{Rejection, Reserva, ReservaState};
use protocol::{AppId, BadMessage, RequestId, ReservaRef, read_json};
use tokio::time::Instant;
use tracing::info;
use uuid::Uuid;

use crate::app_state::AppState;
use crate::digest;
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::store::{CancelReserva, CancelTarget, StoreError};
use crate::wire;

/// Namespace of the digests by which requests to cancel are known again.
const DIGEST_NAMESPACE: Uuid = Uuid::from_u128(0x3b7c_12f4_9a60_4d1e_8f25_c04e_77a1_d9b3);

pub(super) async fn handle(
    app: &AppState,
    payload: &[u8],
    deadline: Instant,
) -> Result<Reply, Failure> {
    let ReservaRef { request_id, client_id, listas, reserva_request_id, app: asking, .. } =
        read_json(payload)?;
    app.array_clients.note(&client_id, listas);
    let target = CancelTarget::Request {
        request_id: reserva_request_id.as_str().to_owned(),
        app: asking.as_ref().map(|asking| asking.as_str().to_owned()),
        digest: digest(&request_id, &reserva_request_id, asking.as_ref())?,
    };
    let cancelled = || cancelled_before(app, &reserva_request_id, asking.as_ref());
    let reserva = app.write_or_recall(CancelReserva { target, deadline }, cancelled).await?;
    info!(%request_id, %client_id, %reserva_request_id, reserva_id = reserva.id, "cancelled");
    Reply::reserva(client_id, request_id, wire::cancelled_mensagem(&reserva), &reserva, None)
}

/// Covers what is asked, and neither the client nor the gateway.
fn digest(
    request_id: &RequestId,
    asked: &RequestId,
    app: Option<&AppId>,
) -> Result<[u8; 16], BadMessage> {
    let ids = [Some(request_id.as_str()), Some(asked.as_str()), app.map(AppId::as_str)];
    Ok(digest::digest(&DIGEST_NAMESPACE, &serde_json::to_vec(&ids)?))
}

/// The reserva, if it is cancelled already: that needs nothing written.
async fn cancelled_before(
    app: &AppState,
    reserva_request_id: &RequestId,
    asking: Option<&AppId>,
) -> Result<Option<Result<Reserva, Rejection>>, StoreError> {
    let (asked, asking) = (reserva_request_id.as_str(), asking.map(AppId::as_str));
    let outcome = app.store.request_outcome(asked, asking, app.now()).await?;
    let current = outcome.and_then(|outcome| outcome.current);
    let reserva = current.map(|current| current.reserva);
    Ok(reserva.filter(|reserva| reserva.facts.state == ReservaState::Cancelada).map(Ok))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_never_changes_and_covers_what_is_asked() {
        let id = |text: &str| text.parse::<RequestId>().expect("an id");
        let app1 = "app1".parse::<AppId>().expect("an app");
        let digest_of = |request_id, asked, app: Option<&AppId>| {
            Uuid::from_bytes(digest(&id(request_id), &id(asked), app).expect("JSON")).to_string()
        };
        // Stored with each refusal: a repeat is compared with what an older version stored.
        let first = digest_of("c1", "r1", None);
        assert_eq!(first, "f6ab0739-b4d6-5b3e-95fa-712aa744e714");
        for (request_id, asked, app) in
            [("c2", "r1", None), ("c1", "r2", None), ("r1", "c1", None), ("c1", "r1", Some(&app1))]
        {
            assert_ne!(digest_of(request_id, asked, app), first, "{request_id} {asked}");
        }
    }
}
