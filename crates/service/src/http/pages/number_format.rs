//! Numbers and prices as people write them. The modules of the pages write them alike, by `Intl`.

use super::Language;

impl Language {
    /// A number with at least `min` and at most `max` decimals.
    pub fn number(self, value: f64, min: usize, max: usize) -> String {
        let written = format!("{value:.max$}");
        let (whole, decimals) = written.split_once('.').unwrap_or((&written, ""));
        let kept = decimals.trim_end_matches('0').len().max(min);
        let (group, point) = match self {
            Self::Portuguese => ('.', ','),
            Self::English => (',', '.'),
        };
        let digits = whole.trim_start_matches('-');
        let mut text = whole[..whole.len() - digits.len()].to_owned();
        for (place, digit) in digits.char_indices() {
            if place > 0 && (digits.len() - place) % 3 == 0 {
                text.push(group);
            }
            text.push(digit);
        }
        if kept > 0 {
            text.push(point);
            text.push_str(&decimals[..kept.min(decimals.len())]);
        }
        text
    }

    pub fn power(self, kw: f64) -> String {
        format!("{} kW", self.number(kw, 0, 1))
    }

    pub fn price_per_kwh(self, price: f64) -> String {
        let amount = self.number(price, 2, 4);
        match self {
            // Between the two is a space that breaks no line.
            Self::Portuguese => format!("R$\u{a0}{amount}/kWh"),
            Self::English => format!("R${amount}/kWh"),
        }
    }
}

#[cfg(test)]
mod tests {
    use Language::{English, Portuguese};

    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (value, min, max, portuguese, english) in [
            (22.0, 0, 1, "22", "22"),
            (44.5, 0, 3, "44,5", "44.5"),
            (0.19, 0, 3, "0,19", "0.19"),
            (2.5, 2, 4, "2,50", "2.50"),
            (2.1234, 2, 4, "2,1234", "2.1234"),
            (1234.5, 0, 1, "1.234,5", "1,234.5"),
            (1_234_567.0, 0, 0, "1.234.567", "1,234,567"),
            (0.0, 2, 4, "0,00", "0.00"),
            (-1234.0, 0, 1, "-1.234", "-1,234"),
        ] {
            assert_eq!(Portuguese.number(value, min, max), portuguese);
            assert_eq!(English.number(value, min, max), english);
        }
        assert_eq!(Portuguese.price_per_kwh(2.1), "R$\u{a0}2,10/kWh");
        assert_eq!(English.price_per_kwh(2.1), "R$2.10/kWh");
        assert_eq!(Portuguese.power(7.4), "7,4 kW");
    }
}
