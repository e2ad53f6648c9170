//! Quantities with their units, and the placa.

use std::fmt;

/// A value outside what its type can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("deve {0}")]
pub struct InvalidValue(pub(crate) &'static str);

/// A point in time: milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// From milliseconds since 1970 UTC.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970 UTC.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment, `millis` later.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// A licence plate in its normal form: 5 to 8 of `A-Z 0-9`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placa(Box<str>);

impl Placa {
    /// Takes a placa that is in its normal form already.
    ///
    /// # Errors
    /// The text is in no normal form.
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        let normal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if !(5..=8).contains(&text.len()) || !text.bytes().all(normal) {
            return Err(InvalidValue("ter de 5 a 8 letras maiúsculas e números"));
        }
        Ok(Self(text.into()))
    }

    /// The plate's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Placa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $max:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            /// Takes a finite number that is not negative and not beyond what is plausible.
            ///
            /// # Errors
            /// It is any other number.
            pub fn new(number: f64) -> Result<Self, InvalidValue> {
                if (0.0..=$max).contains(&number) {
                    // Adding zero turns a negative zero into zero.
                    Ok(Self(number + 0.0))
                } else {
                    Err(InvalidValue($rule))
                }
            }

            /// The number, in the unit of the type.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }
    };
}

quantity! {
    /// Energy, in kWh.
    Kwh, 1_000_000.0, "estar entre 0 e 1000000 kWh"
}
quantity! {
    /// Consumption, in kWh per km.
    KwhPerKm, 10.0, "estar entre 0 e 10 kWh/km"
}
quantity! {
    /// Power, in kW.
    Kw, 5000.0, "estar entre 0 e 5000 kW"
}
quantity! {
    /// Price of energy, in BRL per kWh.
    Price, 1000.0, "estar entre 0 e 1000 reais por kWh"
}

impl Price {
    /// What `energy` costs, in BRL, rounded to whole centavos, half a centavo up. Price and energy
    /// count as the decimal numbers they were written as, to six places: the product of two
    /// binary fractions falls now below and now above a half.
    #[must_use]
    pub fn cost(self, energy: Kwh) -> f64 {
        let millionths = |number: f64| (number * 1e6).round() as i128;
        let cost = millionths(self.0) * millionths(energy.0);
        let centavos = (cost + 5_000_000_000) / 10_000_000_000;
        centavos as f64 / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_refuse_what_means_nothing() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1, 1e308] {
            assert!(Kwh::new(bad).is_err(), "{bad}");
        }
        let zero = Kwh::new(-0.0).expect("zero").get();
        assert!(zero.is_sign_positive());
    }

    #[test]
    fn cost_is_in_whole_centavos() {
        let price = Price::new(2.5).expect("a price");
        assert_eq!(price.cost(Kwh::new(10.123).expect("energy")), 25.31);
        assert_eq!(price.cost(Kwh::new(0.0).expect("energy")), 0.0);
        for (price, energy, cost) in [
            (3.05, 41.9, 127.80),
            (2.35, 18.3, 43.01),
            (1.005, 1.0, 1.01),
            (2.675, 1.0, 2.68),
            (2.5, 0.001, 0.0),
            (2.5, 0.002, 0.01),
            (1000.0, 1_000_000.0, 1_000_000_000.0),
        ] {
            let price = Price::new(price).expect("a price");
            assert_eq!(price.cost(Kwh::new(energy).expect("energy")), cost, "{price:?} {energy}");
        }
    }

    #[test]
    fn placas_are_in_normal_form() {
        assert!(Placa::new("ABC1D23").is_ok());
        for bad in ["abc1234", "ABC-1234", "AB12", "ABC123456", "ÁBC123"] {
            assert!(Placa::new(bad).is_err(), "{bad}");
        }
    }
}
