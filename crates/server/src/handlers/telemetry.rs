//! `carros/{placa}/status` and `…/bateria`: the battery of a carro.

use protocol::{BadMessage, CarroBateria, CarroStatus, topics};
use tracing::warn;

use crate::app_state::AppState;
use crate::store::RecordTelemetry;

pub(super) fn from_status(placa: &str, payload: &[u8]) -> Result<RecordTelemetry, BadMessage> {
    let status = CarroStatus::from_json(payload, placa)?;
    Ok(RecordTelemetry {
        placa: status.placa,
        nivel_bateria: status.nivel_bateria,
        taxa_descarga: None,
        em_carregamento: Some(status.em_carregamento),
    })
}

pub(super) fn from_bateria(placa: &str, payload: &[u8]) -> Result<RecordTelemetry, BadMessage> {
    let bateria = CarroBateria::from_json(payload, placa)?;
    Ok(RecordTelemetry {
        placa: bateria.placa,
        nivel_bateria: bateria.nivel_bateria,
        taxa_descarga: bateria.taxa_descarga,
        em_carregamento: None,
    })
}

pub(super) async fn record(app: &AppState, topic: &str, telemetry: RecordTelemetry) {
    match app.store.execute(telemetry).await {
        Ok(None) => {}
        Ok(Some(wrong)) => app.bus.bad_message(topic, &format!("nivel_bateria {wrong}")),
        Err(error) => {
            let topic = &*topics::loggable(topic);
            warn!(topic, %error, "telemetry was not stored");
        }
    }
}
