//! What a charge is likely to need and to cost.

use crate::values::millionths;
use crate::{Carro, Centavos, Price};

/// Counted in whole units of what is shown, so that it is the same wherever it is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Until the battery is full, in Wh.
    pub energia_wh: i64,
    /// Rounded up; `None` at a posto without power.
    pub minutos: Option<i64>,
    pub custo: Centavos,
    pub preco_kwh: Price,
    /// How far the carro gets as it is, in hundreds of metres.
    pub autonomia_hm: i64,
}

impl Estimate {
    /// For a carro at a posto with this power, in kW, and this price.
    pub fn new(carro: &Carro, potencia_maxima: f64, preco_kwh: Price) -> Self {
        let level = millionths(carro.nivel_bateria_atual.get());
        let missing = (millionths(carro.capacidade_bateria.get()) - level).max(0);
        // Beyond six places there is no consumption that a carro has.
        let consumption = millionths(carro.taxa_descarga.get()).max(1);
        let known = Self {
            energia_wh: narrow((missing + 500) / 1000),
            minutos: None,
            custo: Centavos::new(0),
            preco_kwh,
            autonomia_hm: narrow((level * 20 + consumption) / (consumption * 2)),
        };
        known.at(potencia_maxima, preco_kwh)
    }

    /// The same charge at a posto with this power, in kW, and this price.
    pub fn at(self, potencia_maxima: f64, preco_kwh: Price) -> Self {
        let energia_wh = i128::from(self.energia_wh);
        let power = millionths(potencia_maxima);
        let minutos = (power > 0).then(|| div_ceil(energia_wh * 60_000, power));
        let custo = preco_kwh.cost_of_millionths(energia_wh * 1000);
        Self { minutos: minutos.map(narrow), custo, preco_kwh, ..self }
    }

    pub fn energia_kwh(&self) -> f64 {
        self.energia_wh as f64 / 1e3
    }

    pub fn autonomia_km(&self) -> f64 {
        self.autonomia_hm as f64 / 1e1
    }
}

fn div_ceil(dividend: i128, divisor: i128) -> i128 {
    (dividend + divisor - 1) / divisor
}

fn narrow(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CapacidadeBateria, KwhPerKm, Modelo, NivelBateria, Placa};

    fn carro(capacity: f64, level: f64, consumption: f64) -> Carro {
        Carro {
            placa: Placa::new("ABC1234").expect("a placa"),
            modelo: Modelo::new("BYD Dolphin").expect("a model"),
            capacidade_bateria: CapacidadeBateria::new(capacity).expect("a capacity"),
            nivel_bateria_atual: NivelBateria::new(level).expect("a level"),
            taxa_descarga: KwhPerKm::new(consumption).expect("a consumption"),
        }
    }

    #[test]
    fn an_estimate_is_rounded_as_the_contract_says() {
        let price = |price| Price::new(price).expect("a price");
        for (carro, power, price, shown) in [
            // The example of the contract.
            (carro(44.5, 22.3, 0.19), 22.0, price(2.5), (22.2, Some(61), 55.5, 117.4)),
            (carro(50.0, 50.0, 0.2), 22.0, price(2.5), (0.0, Some(0), 0.0, 250.0)),
            (carro(50.0, 28.0, 0.2), 22.0, price(0.0), (22.0, Some(60), 0.0, 140.0)),
            (carro(50.0, 27.999, 0.2), 22.0, price(0.0), (22.001, Some(61), 0.0, 140.0)),
            (carro(50.0, 40.0, 0.2), 0.0, price(1.005), (10.0, None, 10.05, 200.0)),
            // Halves go up: 0.0005 kWh, half a centavo, 0.05 km.
            (carro(1.0, 0.9995, 1.0), 22.0, price(5.0), (0.001, Some(1), 0.01, 1.0)),
            (carro(1.0, 0.0, 1.0), 22.0, price(1.005), (1.0, Some(3), 1.01, 0.0)),
            (carro(10.0, 0.25, 1.0), 22.0, price(1.0), (9.75, Some(27), 9.75, 0.3)),
            (carro(2000.0, 0.0, 10.0), 5000.0, price(1000.0), (2000.0, Some(24), 2e6, 0.0)),
        ] {
            let estimate = Estimate::new(&carro, power, price);
            let found = (
                estimate.energia_kwh(),
                estimate.minutos,
                estimate.custo.brl(),
                estimate.autonomia_km(),
            );
            assert_eq!(found, shown, "{carro:?}");
        }
        let least = carro(2000.0, 2000.0, f64::MIN_POSITIVE);
        assert!(Estimate::new(&least, f64::MIN_POSITIVE, price(1.0)).autonomia_km().is_finite());
    }
}
