//! What carros say of themselves.

use domain::{KwhPerKm, Moment};
use rusqlite::{Connection, params};

use super::super::{StoreError, Telemetry};
use super::facts::execute;

/// Updates a carro that is known; of an unknown one nothing is kept.
pub(super) fn apply(
    connection: &Connection,
    said: &Telemetry,
    now: Moment,
) -> Result<(), StoreError> {
    execute(
        connection,
        "UPDATE carros SET
             nivel_bateria_atual = ?2,
             taxa_descarga = COALESCE(?3, taxa_descarga),
             em_carregamento = COALESCE(?4, em_carregamento),
             updated_at = ?5
         WHERE placa = ?1",
        params![
            said.placa.as_str(),
            said.nivel_bateria.get(),
            said.taxa_descarga.map(KwhPerKm::get),
            said.em_carregamento,
            now.as_millis()
        ],
    )?;
    Ok(())
}
