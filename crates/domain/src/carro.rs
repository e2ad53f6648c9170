//! Carros, and the values that describe them.

use crate::values::{number, text};
use crate::{InvalidValue, Placa};

text! {
    /// Make and model of a carro.
    Modelo, max 120
}
number! {
    /// Capacity of a battery, in kWh.
    CapacidadeBateria, over 0 to 2000
}
number! {
    /// Energy in a battery, in kWh.
    NivelBateria, from 0 to 2000
}
number! {
    /// Consumption, in kWh per km.
    KwhPerKm, over 0 to 10
}

/// A carro, as its driver's app describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Carro {
    pub placa: Placa,
    pub modelo: Modelo,
    pub capacidade_bateria: CapacidadeBateria,
    /// At most `capacidade_bateria`, see [`CapacidadeBateria::check_level`].
    pub nivel_bateria_atual: NivelBateria,
    pub taxa_descarga: KwhPerKm,
}

impl CapacidadeBateria {
    /// Checks that a battery of this capacity can hold `level`.
    pub fn check_level(self, level: NivelBateria) -> Result<NivelBateria, InvalidValue> {
        if level.get() > self.get() { Err(self.level_error()) } else { Ok(level) }
    }

    /// The error for a level that is out of range for this capacity.
    pub fn level_error(self) -> InvalidValue {
        // As people here write it, on the pages too.
        let capacity = self.get().to_string().replace('.', ",");
        InvalidValue(format!("deve estar entre 0 e {capacity}").into())
    }
}
