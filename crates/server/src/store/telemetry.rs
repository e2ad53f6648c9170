//! What carros say of themselves, a whole batch with one statement.

use std::collections::HashMap;

use domain::Moment;
use sqlx::SqliteConnection;

use super::rows::json;
use super::{StoreError, Telemetry};

/// Updates the carros that are known; of an unknown one nothing is kept.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    batch: &[Telemetry],
    now: Moment,
) -> Result<(), StoreError> {
    if batch.is_empty() {
        return Ok(());
    }
    let mut latest: HashMap<&str, (f64, Option<f64>, Option<bool>)> = HashMap::new();
    for said in batch {
        let entry = latest.entry(said.placa.as_str()).or_default();
        entry.0 = said.nivel_bateria.get();
        entry.1 = said.taxa_descarga.map(domain::KwhPerKm::get).or(entry.1);
        entry.2 = said.em_carregamento.or(entry.2);
    }
    let rows = json(&latest.into_iter().collect::<Vec<_>>())?;
    sqlx::query(
        "UPDATE carros SET
             nivel_bateria_atual = said.value ->> '$[1][0]',
             taxa_descarga = COALESCE(said.value ->> '$[1][1]', taxa_descarga),
             em_carregamento = COALESCE(said.value ->> '$[1][2]', em_carregamento),
             updated_at = ?2
         FROM json_each(?1) AS said WHERE carros.placa = said.value ->> 0",
    )
    .bind(rows)
    .bind(now.as_millis())
    .execute(connection)
    .await?;
    Ok(())
}
