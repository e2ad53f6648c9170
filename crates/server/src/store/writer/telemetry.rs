//! What carros report about themselves.

use domain::{CapacidadeBateria, InvalidValue, KwhPerKm, NivelBateria, Placa};
use rusqlite::params;

use super::command::{ApplyError, WriteCommand, WriteContext};

/// Updates a known carro; a report of an unknown one is dropped. The output says what is wrong with a
/// level that the battery of the carro cannot hold: nothing of it is kept then, but that the carro
/// charges.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordTelemetry {
    pub placa: Placa,
    pub nivel_bateria: NivelBateria,
    pub taxa_descarga: Option<KwhPerKm>,
    pub em_carregamento: Option<bool>,
}

impl WriteCommand for RecordTelemetry {
    type Output = Option<InvalidValue>;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Option<InvalidValue>, ApplyError> {
        let capacity = context.find_value::<f64>(
            "SELECT capacidade_bateria FROM carros WHERE placa = ?1",
            [self.placa.as_str()],
        )?;
        let capacity = capacity.and_then(|capacity| CapacidadeBateria::new(capacity).ok());
        let wrong = capacity.and_then(|capacity| capacity.check_level(self.nivel_bateria).err());
        let is_possible = wrong.is_none();
        let nivel_bateria = is_possible.then(|| self.nivel_bateria.get());
        let taxa_descarga = self.taxa_descarga.filter(|_| is_possible);
        context.execute(
            "UPDATE carros SET
                 nivel_bateria_atual = COALESCE(?2, nivel_bateria_atual),
                 taxa_descarga = COALESCE(?3, taxa_descarga),
                 em_carregamento = COALESCE(?4, em_carregamento),
                 updated_at = ?5
             WHERE placa = ?1",
            params![
                self.placa.as_str(),
                nivel_bateria,
                taxa_descarga.map(KwhPerKm::get),
                self.em_carregamento,
                context.now.as_millis()
            ],
        )?;
        if self.em_carregamento == Some(true) {
            context.record_arrival(self.placa.as_str())?;
        }
        Ok(wrong)
    }
}
