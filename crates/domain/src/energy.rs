//! What energy costs, and whether a posto can have given as much as it is said to have.

use crate::values::{millionths, number};
use crate::{InvalidValue, Moment, Price, Rejection};

number! {
    /// Energy that a session delivers, in kWh.
    Kwh, from 0 to 10000
}

/// Energy that a session is reported to have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportedEnergy {
    pub energia_fornecida: Kwh,
    /// Its reporter says that it is right, even if it is implausible.
    pub confirmado: bool,
}

/// An amount of money. It is added up and compared as what it is, a whole number of centavos; the
/// database and JSON have it in BRL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Centavos(i64);

impl Centavos {
    pub const fn new(centavos: i64) -> Self {
        Self(centavos)
    }

    pub const fn get(self) -> i64 {
        self.0
    }

    pub fn brl(self) -> f64 {
        self.0 as f64 / 100.0
    }

    /// The amount that [`Self::brl`] writes so, or the nearest.
    pub fn from_brl(brl: f64) -> Self {
        Self((brl * 100.0).round() as i64)
    }
}

impl Price {
    /// What `energy` costs, rounded to whole centavos, half a centavo up. Price and energy
    /// count as the decimal numbers they were written as, to six places: the product of two
    /// binary fractions is now just below a half, now just above.
    pub fn cost(self, energy: Kwh) -> Centavos {
        self.cost_of_millionths(millionths(energy.get()))
    }

    /// The same for energy in millionths of a kWh.
    pub(crate) fn cost_of_millionths(self, energy: i128) -> Centavos {
        let cost = millionths(self.get()) * energy;
        Centavos(i64::try_from((cost + 5_000_000_000) / 10_000_000_000).unwrap_or(i64::MAX))
    }
}

/// What must be known of a posto that is said to have given energy.
#[derive(Debug, Clone, PartialEq)]
pub struct EnergySource {
    pub nome: String,
    /// In kW.
    pub potencia_maxima: f64,
}

impl EnergySource {
    /// Refuses more energy than the posto gives in this time at its full power, and a tenth: data
    /// sheets are rounded, and clocks differ. Nothing is added for short times, however inexact: who
    /// reports more than that confirms it.
    pub fn check(
        &self,
        energy: ReportedEnergy,
        inicio: Moment,
        fim: Moment,
    ) -> Result<(), Rejection> {
        let length_ms = fim.as_millis().saturating_sub(inicio.as_millis()).max(0);
        let limite_wh = self.limit(length_ms);
        let energy_millionths = millionths(energy.energia_fornecida.get());
        if energy.confirmado || energy_millionths <= i128::from(limite_wh) * 1000 {
            return Ok(());
        }
        Err(Rejection::EnergiaImplausivel { nome: self.nome.clone(), length_ms, limite_wh })
    }

    /// In whole Wh, as meters count, rounded up.
    fn limit(&self, length_ms: i64) -> i64 {
        // kW in millionths by milliseconds, to Wh; and a tenth more.
        const DIVISOR: i128 = 36_000_000_000;
        let limit = millionths(self.potencia_maxima) * i128::from(length_ms) * 11;
        i64::try_from((limit + DIVISOR - 1) / DIVISOR).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn check(power: f64, length: i64, kwh: f64, confirmado: bool) -> Result<(), Rejection> {
        let posto = EnergySource { nome: "Ponto 5".to_owned(), potencia_maxima: power };
        let energia_fornecida = Kwh::new(kwh).expect("energy");
        let inicio = Moment::from_millis(1000);
        let energy = ReportedEnergy { energia_fornecida, confirmado };
        posto.check(energy, inicio, inicio.plus_millis(length))
    }

    #[test]
    fn a_posto_gives_its_power_and_a_tenth() {
        for (power, length, most) in [
            (22.0, 60 * MINUTE, 24.2),
            (22.0, 30 * MINUTE, 12.1),
            (7.4, 20 * MINUTE, 2.714),
            (150.0, 1000, 0.046),
            (22.0, 1, 0.001),
            (22.0, 0, 0.0),
            (0.0, 60 * MINUTE, 0.0),
            (0.1, 60 * MINUTE, 0.11),
            (1000.0, 365 * 24 * 60 * MINUTE, Kwh::MAX),
        ] {
            assert_eq!(check(power, length, most, false), Ok(()), "{power} kW, {length} ms");
            if most < Kwh::MAX {
                let more = most + 0.000_001;
                let refused = check(power, length, more, false);
                let refused = matches!(refused, Err(Rejection::EnergiaImplausivel { .. }));
                assert!(refused, "{power} kW, {length} ms");
                assert_eq!(check(power, length, more, true), Ok(()));
            }
        }
    }

    #[test]
    fn the_refusal_says_how_much_it_gives() {
        for (power, length, sentence) in [
            (22.0, 30 * MINUTE, "Em 30 minutos o posto Ponto 5 fornece no máximo 12,1 kWh."),
            (22.0, MINUTE, "Em 1 minuto o posto Ponto 5 fornece no máximo 0,404 kWh."),
            (22.0, 59_999, "Em 59 segundos o posto Ponto 5 fornece no máximo 0,404 kWh."),
            (22.0, 999, "Em menos de 1 segundo o posto Ponto 5 fornece no máximo 0,007 kWh."),
            (22.0, 0, "Em menos de 1 segundo o posto Ponto 5 fornece no máximo 0 kWh."),
            (0.0, 1000, "Em 1 segundo o posto Ponto 5 fornece no máximo 0 kWh."),
        ] {
            let refused = check(power, length, 9000.0, false).expect_err("too much").to_string();
            let end = " Se a energia_fornecida está certa, repita com confirmado.";
            assert_eq!(refused, format!("{sentence}{end}"));
        }
    }

    #[test]
    fn cost_is_in_whole_centavos() {
        let price = Price::new(2.5).expect("a price");
        assert_eq!(price.cost(Kwh::new(10.123).expect("energy")), Centavos(2531));
        assert_eq!(price.cost(Kwh::new(0.0).expect("energy")), Centavos(0));
        for (price, energy, cost) in [
            (3.05, 41.9, 127.80),
            (2.35, 18.3, 43.01),
            (1.005, 1.0, 1.01),
            (2.675, 1.0, 2.68),
            (2.5, 0.001, 0.0),
            (2.5, 0.002, 0.01),
            (Price::MAX, Kwh::MAX, 10_000_000.0),
        ] {
            let price = Price::new(price).expect("a price");
            let found = price.cost(Kwh::new(energy).expect("energy"));
            assert_eq!(found.brl(), cost, "{price:?} {energy}");
        }
    }

    #[test]
    fn an_amount_is_the_same_after_it_was_written_in_brl() {
        let most = 1_000_000_000;
        for centavos in (0..100_000).chain(most - 1000..=most).chain([i64::from(u32::MAX)]) {
            let amount = Centavos(centavos);
            assert_eq!(Centavos::from_brl(amount.brl()), amount);
        }
        // Earlier releases rounded the product of two binary fractions.
        assert_eq!(Centavos::from_brl((3.05_f64 * 41.9 * 100.0).round() / 100.0).get(), 12_779);
    }
}
