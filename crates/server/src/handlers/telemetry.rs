//! `carros/{placa}/status` and `…/bateria`: the battery of a carro.

use domain::{Kwh, KwhPerKm, Placa};
use protocol::{BadMessage, CarroBateria, CarroStatus};
use tracing::warn;

use crate::app_state::AppState;
use crate::store::RecordTelemetry;
use crate::wire::checked;

pub(super) fn from_status(placa: &str, payload: &[u8]) -> Result<RecordTelemetry, BadMessage> {
    let status = CarroStatus::from_json(payload, placa)?;
    Ok(RecordTelemetry {
        placa: checked("placa", Placa::new(&status.placa))?,
        nivel_bateria: checked("nivel_bateria", Kwh::new(status.nivel_bateria))?,
        taxa_descarga: None,
        em_carregamento: Some(status.em_carregamento),
    })
}

pub(super) fn from_bateria(placa: &str, payload: &[u8]) -> Result<RecordTelemetry, BadMessage> {
    let bateria = CarroBateria::from_json(payload, placa)?;
    let taxa_descarga = bateria.taxa_descarga.map(KwhPerKm::new).transpose();
    Ok(RecordTelemetry {
        placa: checked("placa", Placa::new(&bateria.placa))?,
        nivel_bateria: checked("nivel_bateria", Kwh::new(bateria.nivel_bateria))?,
        taxa_descarga: checked("taxa_descarga", taxa_descarga)?,
        em_carregamento: None,
    })
}

pub(super) async fn record(app: &AppState, topic: &str, telemetry: RecordTelemetry) {
    if let Err(error) = app.store.execute(telemetry).await {
        warn!(topic, %error, "telemetry was not stored");
    }
}
