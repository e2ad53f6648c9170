//! Values with their units and limits. Each type owns the limits, the default and the sentence
//! that says what is wrong; readers and documents quote them.

use std::borrow::Cow;
use std::fmt;

/// A value outside the limits of its type; says what would be right, in Portuguese.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub(crate) Cow<'static, str>);

impl InvalidValue {
    pub(crate) const fn new(sentence: &'static str) -> Self {
        Self(Cow::Borrowed(sentence))
    }
}

/// A point in time: milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment, `millis` later.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// The id of a stored row, as others write it: 1 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(i64);

impl RowId {
    pub const MIN: i64 = 1;

    pub fn new(id: i64) -> Result<Self, InvalidValue> {
        if id < Self::MIN {
            return Err(InvalidValue::new("deve ser um número inteiro positivo"));
        }
        Ok(Self(id))
    }

    pub const fn get(self) -> i64 {
        self.0
    }
}

/// A licence plate in its normal form: 5 to 8 of `A-Z 0-9`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placa(Box<str>);

impl Placa {
    /// A plate as people write it, hyphens and blanks included. They write few of those, so a
    /// longer text is not read to its end.
    pub const MAX_WRITTEN: usize = 64;
    pub const MIN: usize = 5;
    pub const MAX: usize = 8;
    /// Matches every text that [`Placa::parse`] takes, except those with blanks that are not
    /// plain spaces.
    pub const PATTERN: &str = r"^[ -]*([A-Za-z0-9][ -]*){5,8}$";

    /// Takes a placa that is in its normal form already.
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        let normal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if !(Self::MIN..=Self::MAX).contains(&text.len()) || !text.bytes().all(normal) {
            return Err(InvalidValue::new(
                "deve ter de 5 a 8 letras e números, por exemplo ABC1D23",
            ));
        }
        Ok(Self(text.into()))
    }

    /// Reads a placa as people write it: hyphens and blanks are dropped, letters become upper
    /// case. The two Brazilian formats (ABC1234 and the Mercosul ABC1D23) and those of the
    /// neighbouring countries fit.
    pub fn parse(raw: &str) -> Result<Self, InvalidValue> {
        if raw.len() > Self::MAX_WRITTEN {
            return Self::new("");
        }
        let written =
            raw.chars().filter(|character| *character != '-' && !character.is_whitespace());
        let mut normal = String::with_capacity(raw.len());
        normal.extend(written.map(|character| character.to_ascii_uppercase()));
        Self::new(&normal)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Placa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Matches every text that a domain type accepts, if it is not too long: it has a visible character
/// and no control characters.
pub const TEXT_PATTERN: &str =
    r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0][^\x00-\x1F\x7F-\x9F]*$";

/// `text` without blanks around it, when that is 1 to `max` characters.
pub(crate) fn trimmed(text: &str, max: usize) -> Option<&str> {
    let trimmed = text.trim();
    let fits = (1..=max).contains(&trimmed.chars().take(max + 1).count());
    (fits && !text.chars().any(char::is_control)).then_some(trimmed)
}

/// Declares a text of 1 to `max` characters, and its default if it has one.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, max $max:literal $(, default $default:literal)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Characters at most.
            pub const MAX: usize = $max;

            /// Drops blanks around it.
            pub fn new(text: &str) -> Result<Self, InvalidValue> {
                match $crate::values::trimmed(text, Self::MAX) {
                    Some(text) => Ok(Self(text.into())),
                    None => Err(InvalidValue::new(concat!(
                        "deve ter de 1 a ", $max, " caracteres, sem caracteres de controle"
                    ))),
                }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        $(impl Default for $name {
            fn default() -> Self {
                Self($default.into())
            }
        })?
    };
}
pub(crate) use text;

/// Declares a number, its range, and its default if it has one. A range that begins `over` a
/// number leaves that number out.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, over $min:literal to $max:literal $(, default $default:literal)?) => {
        $crate::values::number!(@ $(#[$doc])* $name, $min, $max, true,
            concat!("deve ser maior que ", $min, " e no máximo ", $max) $(, $default)?);
    };
    ($(#[$doc:meta])* $name:ident, from $min:literal to $max:literal $(, default $default:literal)?) => {
        $crate::values::number!(@ $(#[$doc])* $name, $min, $max, false,
            concat!("deve estar entre ", $min, " e ", $max) $(, $default)?);
    };
    (@ $(#[$doc:meta])* $name:ident, $min:literal, $max:literal, $over:literal, $sentence:expr
        $(, $default:literal)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            pub const MIN: f64 = $min as f64;
            pub const MAX: f64 = $max as f64;
            /// Whether `MIN` itself is outside.
            pub const EXCLUDES_MIN: bool = $over;
            pub const SENTENCE: &str = $sentence;

            pub fn new(number: f64) -> Result<Self, InvalidValue> {
                if (Self::MIN..=Self::MAX).contains(&number)
                    && !(Self::EXCLUDES_MIN && number == Self::MIN)
                {
                    // Adding zero turns a negative zero into zero.
                    Ok(Self(number + 0.0))
                } else {
                    Err(InvalidValue::new(Self::SENTENCE))
                }
            }

            /// The number, in the unit of the type.
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        $(impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        })?
    };
}
pub(crate) use number;

#[cfg(test)]
mod tests {
    use crate::{Kw, Kwh, Placa};

    #[test]
    fn numbers_refuse_what_is_out_of_range() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1, 1e308] {
            assert!(Kwh::new(bad).is_err(), "{bad}");
            assert!(Kw::new(bad).is_err(), "{bad}");
        }
        let zero = Kwh::new(-0.0).expect("zero").get();
        assert!(zero.is_sign_positive());
        assert_eq!(
            Kw::new(0.0).expect_err("over 0").to_string(),
            "deve ser maior que 0 e no máximo 5000"
        );
        assert_eq!(Kwh::new(-1.0).expect_err("below 0").to_string(), "deve estar entre 0 e 10000");
    }

    #[test]
    fn placas_are_in_normal_form() {
        assert!(Placa::new("ABC1D23").is_ok());
        for bad in ["abc1234", "ABC-1234", "AB12", "ABC123456", "ÁBC123"] {
            assert!(Placa::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn placas_are_read_as_people_write_them() {
        for (raw, placa) in [
            ("ABC1234", Some("ABC1234")),
            (" abc-1d23 ", Some("ABC1D23")),
            ("abc 12", Some("ABC12")),
            ("AB12", None),
            ("ABC123456", None),
            ("ÁBC1234", None),
            ("ABC_123", None),
            ("", None),
        ] {
            assert_eq!(Placa::parse(raw).ok().as_ref().map(Placa::as_str), placa, "{raw:?}");
        }
        assert!(Placa::parse(&"-".repeat(1 << 20)).is_err());
    }
}
