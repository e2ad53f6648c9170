//! Where a posto is.

use crate::InvalidValue;

/// Mean radius, in metres.
const EARTH_RADIUS: f64 = 6_371_008.8;

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

    /// Whether the numbers are the same, however many digits they were given with: a spreadsheet drops
    /// zeros at their ends.
    pub fn is_same_place(&self, other: &str) -> bool {
        let coordinates = |text: &str| {
            let (latitude, longitude) = text.split_once(',')?;
            Some((latitude.parse::<f64>().ok()?, longitude.parse::<f64>().ok()?))
        };
        coordinates(&self.0) == coordinates(other)
    }

    /// In radians.
    fn coordinates(&self) -> (f64, f64) {
        let radians = |text: &str| text.parse().unwrap_or(0.0_f64).to_radians();
        let (latitude, longitude) = self.0.split_once(',').unwrap_or_default();
        (radians(latitude), radians(longitude))
    }

    /// Along the surface, in whole millimetres: what differs by less is equally far.
    pub fn distance_to(&self, other: &Self) -> i64 {
        let ((latitude, longitude), (other_latitude, other_longitude)) =
            (self.coordinates(), other.coordinates());
        let half_sine = |from: f64, to: f64| ((to - from) / 2.0).sin().powi(2);
        // The haversine formula, which is exact for places close to each other, too.
        let haversine = half_sine(latitude, other_latitude)
            + latitude.cos() * other_latitude.cos() * half_sine(longitude, other_longitude);
        let angle = 2.0 * haversine.clamp(0.0, 1.0).sqrt().asin();
        (angle * EARTH_RADIUS * 1000.0).round() as i64
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
    fn zeros_at_the_end_of_a_number_are_no_other_place() {
        let place = Localizacao::new("-23.543,-46.642").expect("a place");
        for same in ["-23.5430,-46.6420", "-23.543,-46.642", "-023.543,-46.64200"] {
            assert!(place.is_same_place(same), "{same}");
        }
        for other in ["-23.5431,-46.6420", "-23.543,46.642", "-23.543", ""] {
            assert!(!place.is_same_place(other), "{other}");
        }
    }

    #[test]
    fn refuses_what_is_not_on_earth() {
        for bad in ["", "1", "91,0", "0,181", "NaN,0", "inf,0", "1e1,0", "a,b", "1,2,3"] {
            assert!(Localizacao::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_distance_is_along_the_surface_of_the_earth() {
        let metres = |one: &str, other: &str| {
            let place = |text| Localizacao::new(text).expect("a place");
            assert_eq!(
                place(one).distance_to(&place(other)),
                place(other).distance_to(&place(one))
            );
            place(one).distance_to(&place(other)) / 1000
        };
        for (one, other, distance) in [
            ("-23.5540,-46.6370", "-23.554,-46.637", 0),
            // A degree of a meridian, and of the equator.
            ("0,0", "1,0", 111_195),
            ("0,0", "0,1", 111_195),
            // Degrees of longitude are shorter away from the equator.
            ("60,0", "60,1", 55_597),
            // Across the date line and over a pole.
            ("0,179.5", "0,-179.5", 111_195),
            ("89.5,0", "89.5,180", 111_195),
            ("90,0", "-90,0", 20_015_114),
            // São Paulo to Rio de Janeiro.
            ("-23.5505,-46.6333", "-22.9068,-43.1729", 360_749),
        ] {
            assert_eq!(metres(one, other), distance, "{one} to {other}");
        }
    }
}
