//! Publishes what has changed: on `pontos/{posto_id}/status` and `reservas/{id}/status` for
//! everybody, and on `client/{client_id}/reservas/status` for the client that made a reserva.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bus::{Join, MessageTrace, Outgoing};
use domain::ReservaState;
use protocol::{ClientId, PontoStatus, ReservaClientEvent, ReservaEvent, to_payload, topics};
use service::Trace;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::app_state::AppState;
use crate::failpoints::{self, Bug};
use crate::store::Change;
use crate::wire;

/// How long changes are collected before they are published: under load one query then reads the
/// postos of many changes.
const LINGER: Duration = Duration::from_millis(20);

/// Postos that are read and published at once.
const MAX_AT_ONCE: usize = 1000;

/// How soon a posto is tried again whose state could not be read or published.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The last published `disponivel` and `em_manutencao` of each posto.
type LastPublished = HashMap<i64, (bool, bool)>;

/// Publishes changes until `stop`, and then those that are still waiting.
pub(crate) async fn run(
    app: Arc<AppState>,
    mut changes: mpsc::Receiver<Vec<Change>>,
    stop: CancellationToken,
) {
    // After a restart we do not know what was published, so each posto's first change always is.
    let mut last_published = LastPublished::new();
    let mut unpublished = BTreeSet::new();
    let mut retry_at = Instant::now();
    loop {
        let next = tokio::select! {
            biased;
            // First, so that changes that come steadily do not put it off.
            () = can_retry(&app, retry_at), if !unpublished.is_empty() => {
                Some(std::mem::take(&mut unpublished).into_iter().map(Change::Posto).collect())
            }
            next = changes.recv() => next,
            () = stop.cancelled() => None,
        };
        let Some(mut batch) = next else { return };
        tokio::time::sleep(LINGER).await;
        while let Ok(more) = changes.try_recv() {
            batch.extend(more);
        }
        let mut posto_ids = BTreeSet::new();
        for change in batch {
            match change {
                Change::Posto(id) => {
                    posto_ids.insert(id);
                }
                Change::Reserva { id, posto_id, state, for_client, trace } => {
                    let trace = app.tracer.at(trace.as_deref());
                    announce_reserva(&app, id, posto_id, state, for_client, trace);
                }
            }
        }
        let posto_ids: Vec<i64> = posto_ids.into_iter().collect();
        for (part, posto_ids) in posto_ids.chunks(MAX_AT_ONCE).enumerate() {
            if part > 0 {
                // A file of postos can change more of them than the outbox holds.
                app.bus.wait_for_capacity().await;
            }
            let failed = announce_postos(&app, posto_ids, &mut last_published).await;
            if unpublished.is_empty() {
                retry_at = Instant::now() + RETRY_INTERVAL;
            }
            unpublished.extend(failed);
        }
    }
}

/// Waits until what could not be published may be tried again: for a while, and then for place in the
/// outbox, without which each attempt would fail and be logged.
async fn can_retry(app: &AppState, at: Instant) {
    tokio::time::sleep_until(at).await;
    app.bus.wait_for_capacity().await;
}

/// Publishes that a reserva has changed. Only the event for the client that made it says whose it
/// is.
fn announce_reserva(
    app: &AppState,
    id: i64,
    posto_id: i64,
    state: ReservaState,
    for_client: Option<(String, Box<domain::Reserva>)>,
    trace: Option<Trace>,
) {
    let (server_id, timestamp) = (&app.server_id, app.now().into());
    let event = ReservaEvent {
        server_id: server_id.clone(),
        reserva_id: id,
        posto_id,
        status: state.into(),
        timestamp,
    };
    publish(app, topics::reserva_status(id), &event, Join::Never, None);
    let Some((client_id, reserva)) = for_client else { return };
    if state == ReservaState::Cancelada && failpoints::has(Bug::UnpublishedCancel) {
        return;
    }
    let (Ok(client_id), Ok(request_id)) =
        (client_id.parse::<ClientId>(), reserva.request_id.parse())
    else {
        return error!(reserva_id = id, "a stored id of a client or request is none");
    };
    let event = ReservaClientEvent {
        server_id: server_id.clone(),
        request_id,
        reserva: wire::reserva(&reserva),
        timestamp,
    };
    if failpoints::has(Bug::PublicPlaca) {
        publish(app, topics::reserva_status(id), &event, Join::Never, None);
    }
    let topic = topics::client_reserva_status(&client_id);
    let span = trace.and_then(|trace| {
        let (kind, request_id) = ("reservas/status", Some(&event.request_id));
        trace.publish(service::SpanMessage { kind, topic: &topic, request_id })
    });
    let join = if app.array_clients.has(&client_id) { Join::WhenWaiting } else { Join::Never };
    publish(app, topic, &event, join, span.map(MessageTrace::new));
}

/// Publishes the state of the postos of which it is not the last published one. Returns those for
/// which that failed.
async fn announce_postos(
    app: &AppState,
    ids: &[i64],
    last_published: &mut LastPublished,
) -> Vec<i64> {
    let now = app.now();
    let postos = match app.store.postos_by_id(ids, now).await {
        Ok(postos) => postos,
        Err(error) => {
            error!(%error, "changed postos cannot be read");
            return ids.to_vec();
        }
    };
    let mut unpublished = Vec::new();
    let states: HashMap<i64, (bool, bool)> =
        postos.into_iter().map(|p| (p.id, (p.disponivel, p.em_manutencao))).collect();
    for &id in ids {
        // A posto that is not found was removed.
        let state = states.get(&id).copied().unwrap_or((false, false));
        if last_published.get(&id) == Some(&state) {
            continue;
        }
        let (disponivel, em_manutencao) = state;
        let event = PontoStatus {
            server_id: app.server_id.clone(),
            ponto_id: id,
            disponivel,
            em_manutencao,
            timestamp: now.into(),
        };
        if publish(app, topics::ponto_status(id), &event, Join::Never, None) {
            last_published.insert(id, state);
        } else {
            unpublished.push(id);
        }
    }
    unpublished
}

/// Hands an event to the bus, which sends it when it can. Returns whether the bus took it; if not, the
/// reason is logged.
fn publish<T: serde::Serialize>(
    app: &AppState,
    topic: String,
    event: &T,
    join: Join,
    trace: Option<MessageTrace>,
) -> bool {
    let payload = match to_payload(event) {
        Ok(payload) => payload,
        Err(error) => {
            error!(%topic, %error, "an event cannot be written as JSON");
            return false;
        }
    };
    let sent = app.bus.publish(Outgoing { join, trace, ..Outgoing::new(topic, payload) });
    if let Err(error) = &sent {
        warn!(%error, "an event could not be published");
    }
    sent.is_ok()
}
