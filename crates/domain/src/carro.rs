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

/// What is known of a carro from its driver's app.
#[derive(Debug, Clone, PartialEq)]
pub struct Carro {
    pub placa: Placa,
    pub modelo: Modelo,
    pub capacidade_bateria: CapacidadeBateria,
    /// At most `capacidade_bateria`, see [`NivelBateria::within`].
    pub nivel_bateria_atual: NivelBateria,
    pub taxa_descarga: KwhPerKm,
}

impl NivelBateria {
    /// Checks that a battery of this capacity can hold it.
    pub fn within(self, capacity: CapacidadeBateria) -> Result<Self, InvalidValue> {
        if self.0 > capacity.get() {
            return Err(InvalidValue(format!("deve estar entre 0 e {}", capacity.get()).into()));
        }
        Ok(self)
    }
}
