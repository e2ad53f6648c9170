//! Tells whoever listens what has changed: `pontos/{posto_id}/status`, `reservas/{id}/status`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bus::{Join, Outgoing};
use protocol::{PontoStatus, ReservaEvent, topics};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::servidor::Servidor;
use crate::store::Change;
use crate::wire;

/// How long changes gather before they are told.
const GATHERING: Duration = Duration::from_millis(20);

/// What was last told of a posto: `disponivel`, `em_manutencao`.
type Told = HashMap<i64, (bool, bool)>;

/// Announces changes until told to stop, and then those that are waiting.
pub(crate) async fn run(
    servidor: Servidor,
    mut changes: mpsc::Receiver<Vec<Change>>,
    stop: CancellationToken,
) {
    // Of the time before nobody here knows what was told: the first change of each is news.
    let mut told = Told::new();
    loop {
        let next = tokio::select! {
            biased;
            next = changes.recv() => next,
            () = stop.cancelled() => None,
        };
        let Some(mut batch) = next else { return };
        // Under load many changes are told with one look at the database.
        tokio::time::sleep(GATHERING).await;
        while let Ok(more) = changes.try_recv() {
            batch.extend(more);
        }
        let mut postos = BTreeSet::new();
        for change in batch {
            match change {
                Change::Posto(id) => {
                    postos.insert(id);
                }
                Change::Reserva(reserva) => announce_reserva(&servidor, &reserva),
            }
        }
        announce_postos(&servidor, postos, &mut told).await;
    }
}

fn announce_reserva(servidor: &Servidor, reserva: &domain::Reserva) {
    let Ok(request_id) = reserva.request_id.parse() else {
        return error!(reserva_id = reserva.id, "a stored request_id is no request_id");
    };
    let event = ReservaEvent {
        server_id: servidor.id.clone(),
        reserva_id: reserva.id,
        request_id,
        placa: reserva.placa.as_str().to_owned(),
        posto_id: reserva.posto_id,
        status: reserva.state,
        timestamp: wire::timestamp(servidor.now()),
    };
    publish(servidor, topics::reserva_status(reserva.id), &event);
}

async fn announce_postos(servidor: &Servidor, ids: BTreeSet<i64>, told: &mut Told) {
    if ids.is_empty() {
        return;
    }
    let ids: Vec<i64> = ids.into_iter().collect();
    let now = servidor.now();
    let postos = match servidor.store.postos_by_id(&ids, now).await {
        Ok(postos) => postos,
        Err(error) => return error!(%error, "changed postos cannot be read"),
    };
    let states: HashMap<i64, (bool, bool)> =
        postos.into_iter().map(|p| (p.id, (p.disponivel, p.em_manutencao))).collect();
    for id in ids {
        // One that was removed can be used no more.
        let state = states.get(&id).copied().unwrap_or((false, false));
        if told.insert(id, state) == Some(state) {
            continue;
        }
        let (disponivel, em_manutencao) = state;
        let event = PontoStatus {
            server_id: servidor.id.clone(),
            ponto_id: id,
            disponivel,
            em_manutencao,
            timestamp: wire::timestamp(now),
        };
        publish(servidor, topics::ponto_status(id), &event);
    }
}

fn publish<T: serde::Serialize>(servidor: &Servidor, topic: String, event: &T) {
    let payload = match serde_json::to_vec(event) {
        Ok(payload) => payload.into(),
        Err(error) => return error!(%topic, %error, "an event cannot be written as JSON"),
    };
    let sent = servidor.bus.publish(Outgoing {
        topic,
        payload,
        expires_at: None,
        retain: false,
        response_topic: None,
        correlation: None,
        join: Join::Never,
        acknowledges: None,
    });
    if let Err(error) = sent {
        warn!(%error, "an event could not be sent");
    }
}
