//! `pontos/{posto_id}/disponibilidade`: a charger goes in or out of service.

use bus::Delivery;
use domain::PostoChange;
use protocol::{Address, PontoDisponibilidade};
use tracing::{info, warn};

use crate::servidor::Servidor;
use crate::store::Edit;

pub(super) async fn handle(servidor: Servidor, delivery: Delivery) {
    // Posto ids repeat across servidores: without a server_id nobody knows whose it is.
    match Address::server_id(&delivery.payload) {
        Ok(Some(id)) if id != servidor.id.as_str() => {}
        _ => act(&servidor, &delivery).await,
    }
    delivery.ack.done();
}

async fn act(servidor: &Servidor, delivery: &Delivery) {
    let posto_id = delivery.topic.split('/').nth(1).unwrap_or_default();
    let said = match PontoDisponibilidade::from_json(&delivery.payload, posto_id) {
        Ok(said) => said,
        Err(bad) => return servidor.bus.bad_message(&delivery.topic, &bad.to_string()),
    };
    let change = PostoChange {
        in_service: Some(said.disponivel),
        em_manutencao: said.em_manutencao,
        ..PostoChange::default()
    };
    let number = servidor.chargers.heard(said.ponto_id.get());
    write(servidor, said.ponto_id.get(), number, change).await;
}

/// Writes a charger's word, or keeps it until that can be done.
pub(super) async fn write(servidor: &Servidor, posto_id: i64, number: u64, change: PostoChange) {
    let outcome = servidor.store.edit(Edit::ChangePosto(posto_id, change.clone())).await;
    match &outcome {
        Ok(posto_id) => info!(posto_id, disponivel = change.in_service, "a charger spoke"),
        Err(error) => warn!(posto_id, %error, "what a charger said was not written"),
    }
    servidor.chargers.note(posto_id, number, change, &outcome);
}
