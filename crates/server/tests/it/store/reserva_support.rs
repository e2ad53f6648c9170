//! What the tests of reservas share.

use std::time::Duration;

use domain::{ChargerMessage, NivelBateria, Placa, Rejection, ReservaFacts, ReservaState, Rules};
use server::store::{
    Change, FinishCarregamento, RecordChargerMessage, RecordTelemetry, StartCarregamento,
    WriteError,
};

use crate::support::{TestStore, charger, energy, now, placa};

pub(crate) const MINUTE: i64 = 60_000;

/// Fifteen minutes of tolerance.
pub(crate) fn patient() -> Rules {
    Rules { tolerancia: Duration::from_secs(15 * 60), ..Rules::default() }
}

pub(crate) fn rejected<T: std::fmt::Debug>(outcome: Result<T, WriteError>) -> Rejection {
    match outcome {
        Err(WriteError::Rejected(rejection)) => rejection,
        other => panic!("not a refusal: {other:?}"),
    }
}

impl TestStore {
    /// A reserva as it is now, by its request.
    pub(crate) async fn facts(&self, request_id: &str) -> ReservaFacts {
        let outcome = self.store.request_outcome(request_id, None, now()).await.expect("a read");
        outcome.and_then(|outcome| outcome.current).expect("a reserva").reserva.facts
    }

    pub(crate) fn execute_sql(&self, sql: &str) {
        let file = rusqlite::Connection::open(self.path()).expect("the file");
        file.execute_batch(sql).expect(sql);
    }

    /// Changes of reservas since the last call, as they were reported.
    pub(crate) fn published(&mut self) -> Vec<(i64, ReservaState, Option<i64>)> {
        let mut published = Vec::new();
        while let Ok(changes) = self.changes.try_recv() {
            published.extend(changes.into_iter().filter_map(|change| match change {
                Change::Reserva { id, state, for_client, .. } => {
                    Some((id, state, for_client.map(|(_, reserva)| reserva.facts.versao)))
                }
                Change::Posto(_) => None,
            }));
        }
        published
    }

    pub(crate) async fn charger_says(&self, disponivel: bool) {
        let message =
            ChargerMessage { disponivel, em_manutencao: None, retained: None, replayed: false };
        let command = RecordChargerMessage { source: charger(1), message };
        self.store.execute(command).await.expect("it is written");
    }

    pub(crate) async fn charges(&self, placa: Placa) -> i64 {
        self.store.execute(StartCarregamento { posto_id: 1, placa }).await.expect("it may")
    }

    pub(crate) async fn leaves(&self, id: i64) {
        let finish = FinishCarregamento { posto_id: 1, id, energy: energy(1.0), fim: None };
        self.store.execute(finish).await.expect("it ends");
    }

    pub(crate) async fn reports_charging(&self, plate: &str) {
        let report = RecordTelemetry {
            placa: placa(plate),
            nivel_bateria: NivelBateria::new(30.0).expect("a level"),
            taxa_descarga: None,
            em_carregamento: Some(true),
        };
        self.store.execute(report).await.expect("it is known");
    }
}
