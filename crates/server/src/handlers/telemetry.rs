//! `carros/{placa}/status` and `…/bateria`: what carros say of themselves.

use bus::Delivery;
use domain::{Kwh, KwhPerKm, Placa};
use protocol::topics::ServerInbound;
use protocol::{BadMessage, CarroBateria, CarroStatus};
use tracing::warn;

use crate::servidor::Servidor;
use crate::store::RecordTelemetry;
use crate::wire::checked;

pub(super) async fn handle(servidor: Servidor, delivery: Delivery) {
    match read(&servidor, &delivery) {
        Ok(telemetry) => {
            if let Err(error) = servidor.store.execute(telemetry).await {
                warn!(topic = delivery.topic, %error, "what a carro said was not kept");
            }
        }
        Err(bad) => servidor.bus.bad_message(&delivery.topic, &bad.to_string()),
    }
    delivery.ack.done();
}

fn read(servidor: &Servidor, delivery: &Delivery) -> Result<RecordTelemetry, BadMessage> {
    let (placa, nivel_bateria, taxa_descarga, em_carregamento) =
        match ServerInbound::from_topic(&delivery.topic, &servidor.id) {
            Some(ServerInbound::CarroStatus(placa)) => {
                let said = CarroStatus::from_json(&delivery.payload, placa)?;
                (said.placa, said.nivel_bateria, None, Some(said.em_carregamento))
            }
            Some(ServerInbound::CarroBateria(placa)) => {
                let said = CarroBateria::from_json(&delivery.payload, placa)?;
                (said.placa, said.nivel_bateria, said.taxa_descarga, None)
            }
            _ => return Err(BadMessage::Fields(Vec::new())),
        };
    Ok(RecordTelemetry {
        placa: checked("placa", Placa::new(&placa))?,
        nivel_bateria: checked("nivel_bateria", Kwh::new(nivel_bateria))?,
        taxa_descarga: taxa_descarga
            .map(|rate| checked("taxa_descarga", KwhPerKm::new(rate)))
            .transpose()?,
        em_carregamento,
    })
}
