//! Where a posto stands.

use std::fmt;

/// A place on Earth, `latitude,longitude` in decimal degrees (WGS 84).
///
/// The text is kept as it was given: its digits say how exact it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localizacao(Box<str>);

/// Why a text is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("deve ser latitude,longitude em graus decimais, por exemplo -23.5540,-46.6370")]
pub struct InvalidLocalizacao;

fn degrees(text: &str, limit: f64) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    plain && text.len() <= 24 && text.parse().is_ok_and(|number: f64| number.abs() <= limit)
}

impl Localizacao {
    /// From the two coordinates as texts.
    ///
    /// # Errors
    /// One of them is no number of degrees.
    pub fn from_degrees(latitude: &str, longitude: &str) -> Result<Self, InvalidLocalizacao> {
        let (latitude, longitude) = (latitude.trim(), longitude.trim());
        if !degrees(latitude, 90.0) || !degrees(longitude, 180.0) {
            return Err(InvalidLocalizacao);
        }
        Ok(Self(format!("{latitude},{longitude}").into()))
    }

    /// From one text, the coordinates separated by a comma.
    ///
    /// # Errors
    /// It is not two numbers of degrees.
    pub fn new(text: &str) -> Result<Self, InvalidLocalizacao> {
        let (latitude, longitude) = text.split_once(',').ok_or(InvalidLocalizacao)?;
        Self::from_degrees(latitude, longitude)
    }

    /// `latitude,longitude`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Localizacao {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
            assert_eq!(Localizacao::new(bad), Err(InvalidLocalizacao), "{bad:?}");
        }
    }
}
