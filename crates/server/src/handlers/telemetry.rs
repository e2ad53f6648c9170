//! `carros/{placa}/status` and `…/bateria`: what carros say of themselves.

use bus::Delivery;
use protocol::topics::ServerInbound;
use protocol::{BadMessage, CarroBateria, CarroStatus};
use tracing::warn;

use crate::servidor::Servidor;
use crate::store::Telemetry;

pub(super) async fn handle(servidor: Servidor, delivery: Delivery) {
    match read(&servidor, &delivery) {
        Ok(telemetry) => {
            if let Err(error) = servidor.store.record(telemetry).await {
                warn!(topic = delivery.topic, %error, "what a carro said was not kept");
            }
        }
        Err(bad) => servidor.bus.bad_message(&delivery.topic, &bad.to_string()),
    }
    delivery.ack.done();
}

fn read(servidor: &Servidor, delivery: &Delivery) -> Result<Telemetry, BadMessage> {
    match ServerInbound::from_topic(&delivery.topic, &servidor.id) {
        Some(ServerInbound::CarroStatus(placa)) => {
            let said = CarroStatus::from_json(&delivery.payload, placa)?;
            Ok(Telemetry {
                placa: said.placa,
                nivel_bateria: said.nivel_bateria,
                taxa_descarga: None,
                em_carregamento: Some(said.em_carregamento),
            })
        }
        Some(ServerInbound::CarroBateria(placa)) => {
            let said = CarroBateria::from_json(&delivery.payload, placa)?;
            Ok(Telemetry {
                placa: said.placa,
                nivel_bateria: said.nivel_bateria,
                taxa_descarga: said.taxa_descarga,
                em_carregamento: None,
            })
        }
        _ => Err(BadMessage::Fields(Vec::new())),
    }
}
