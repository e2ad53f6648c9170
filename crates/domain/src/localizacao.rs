//! Where a posto is.

use crate::InvalidValue;

/// A place on Earth, `latitude,longitude` in decimal degrees (WGS 84).
///
/// The text is kept as it was given, because its digits say how exact it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localizacao(Box<str>);

fn degrees(text: &str, limit: f64) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    plain && text.len() <= 24 && text.parse().is_ok_and(|number: f64| number.abs() <= limit)
}

impl Localizacao {
    /// Matches texts that [`Localizacao::new`] takes; some that it takes do not match.
    pub const PATTERN: &str = r"^-?(90(\.0+)?|[0-8]?[0-9](\.[0-9]{1,12})?),-?(180(\.0+)?|(1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,12})?)$";

    /// From one text, the coordinates separated by a comma.
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        let coordinates = text.split_once(',').map(|(one, other)| (one.trim(), other.trim()));
        match coordinates {
            Some((latitude, longitude)) if degrees(latitude, 90.0) && degrees(longitude, 180.0) => {
                Ok(Self(format!("{latitude},{longitude}").into()))
            }
            _ => Err(InvalidValue::new(
                "deve ser latitude,longitude em graus decimais, por exemplo -23.5540,-46.6370",
            )),
        }
    }

    /// `latitude,longitude`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_digits_it_was_given() {
        let place = Localizacao::new(" -23.5540, -46.6370 ").expect("a place");
        assert_eq!(place.as_str(), "-23.5540,-46.6370");
    }

    #[test]
    fn refuses_what_is_not_on_earth() {
        for bad in ["", "1", "91,0", "0,181", "NaN,0", "inf,0", "1e1,0", "a,b", "1,2,3"] {
            assert!(Localizacao::new(bad).is_err(), "{bad:?}");
        }
    }
}
