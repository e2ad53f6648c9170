//! `pontos/{posto_id}/disponibilidade`: a charger reports that it is in or out of service.

use domain::PostoChange;
use protocol::{BadMessage, PontoDisponibilidade};
use tracing::{info, warn};

use crate::app_state::AppState;
use crate::store::ChangePosto;

/// The posto's id and its change.
pub(super) fn read(posto_id: &str, payload: &[u8]) -> Result<(i64, PostoChange), BadMessage> {
    let report = PontoDisponibilidade::from_json(payload, posto_id)?;
    let change = PostoChange {
        in_service: Some(report.disponivel),
        em_manutencao: report.em_manutencao,
        ..PostoChange::default()
    };
    Ok((report.ponto_id.get(), change))
}

pub(super) async fn record(app: &AppState, posto_id: i64, change: PostoChange) {
    let number = app.charger_messages.register(posto_id);
    write(app, posto_id, number, change).await;
}

/// Writes a charger message. One that the database cannot store now stays for a retry.
pub(super) async fn write(app: &AppState, posto_id: i64, number: u64, change: PostoChange) {
    let outcome = app.store.execute(ChangePosto { posto_id, change: change.clone() }).await;
    match &outcome {
        Ok(()) => info!(posto_id, disponivel = change.in_service, "charger message stored"),
        Err(error) => warn!(posto_id, %error, "a charger message was not stored"),
    }
    app.charger_messages.record_outcome(posto_id, number, change, &outcome);
}
