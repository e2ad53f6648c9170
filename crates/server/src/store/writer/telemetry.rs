//! What carros report about themselves.

use domain::{KwhPerKm, NivelBateria, Placa};
use rusqlite::params;

use super::command::{ApplyError, WriteCommand, WriteContext};

/// Updates a known carro; a report of an unknown one is dropped.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordTelemetry {
    pub placa: Placa,
    pub nivel_bateria: NivelBateria,
    pub taxa_descarga: Option<KwhPerKm>,
    pub em_carregamento: Option<bool>,
}

impl WriteCommand for RecordTelemetry {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        context.execute(
            "UPDATE carros SET
                 nivel_bateria_atual = ?2,
                 taxa_descarga = COALESCE(?3, taxa_descarga),
                 em_carregamento = COALESCE(?4, em_carregamento),
                 updated_at = ?5
             WHERE placa = ?1",
            params![
                self.placa.as_str(),
                self.nivel_bateria.get(),
                self.taxa_descarga.map(KwhPerKm::get),
                self.em_carregamento,
                context.now.as_millis()
            ],
        )?;
        if self.em_carregamento == Some(true) {
            context.record_arrival(self.placa.as_str())?;
        }
        Ok(())
    }
}
