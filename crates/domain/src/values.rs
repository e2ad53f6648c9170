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

    /// Makes the sentence for a word that is none of `words`.
    pub fn none_of(words: &[&str]) -> Self {
        let mut sentence = format!("deve ser {}", words.join(", "));
        if let Some(last) = sentence.rfind(", ") {
            sentence.replace_range(last..last + 2, " ou ");
        }
        Self(sentence.into())
    }
}

/// The id of a stored row, as others write it: 1 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(i64);

impl RowId {
    pub const MIN: i64 = 1;

    pub fn new(id: i64) -> Result<Self, InvalidValue> {
        if id < Self::MIN {
            let sentence = format!("deve ser um número inteiro positivo, mas veio {id}");
            return Err(InvalidValue(sentence.into()));
        }
        Ok(Self(id))
    }

    pub const fn get(self) -> i64 {
        self.0
    }
}

/// Hyphens and dashes (what Unicode calls a dash, and what looks like one), blanks and invisible
/// characters, as a class of a regular expression.
macro_rules! separators {
    () => {
        concat!(
            r"[\t-\r \-\u0085\u00A0\u00AD\u058A\u05BE\u061C\u1400\u1680\u1806\u180E\u2000-\u2015",
            r"\u2028-\u202F\u2043\u2053\u205F-\u2064\u2066-\u2069\u207B\u208B\u2212\u2796\u2800",
            r"\u2E17\u2E1A\u2E3A\u2E3B\u2E40\u2E5D\u3000\u301C\u3030\u30A0\u30FC\uFE31\uFE32\uFE58",
            r"\uFE63\uFEFF\uFF0D\uFF70]"
        )
    };
}

/// Whether a character is one of those that `separators!` lists. A test compares the two.
const fn is_separator(character: char) -> bool {
    matches!(
        character,
        '\t'..='\r' | ' ' | '-' | '\u{85}' | '\u{a0}' | '\u{ad}' | '\u{58a}' | '\u{5be}' | '\u{61c}'
        | '\u{1400}' | '\u{1680}' | '\u{1806}' | '\u{180e}' | '\u{2000}'..='\u{2015}'
        | '\u{2028}'..='\u{202f}' | '\u{2043}' | '\u{2053}' | '\u{205f}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}' | '\u{207b}' | '\u{208b}' | '\u{2212}' | '\u{2796}' | '\u{2800}'
        | '\u{2e17}' | '\u{2e1a}' | '\u{2e3a}' | '\u{2e3b}' | '\u{2e40}' | '\u{2e5d}' | '\u{3000}'
        | '\u{301c}' | '\u{3030}' | '\u{30a0}' | '\u{30fc}' | '\u{fe31}' | '\u{fe32}' | '\u{fe58}'
        | '\u{fe63}' | '\u{feff}' | '\u{ff0d}' | '\u{ff70}'
    )
}

/// Characters that nobody sees, and that are no blanks: they come with what is copied from pages and
/// messages.
pub const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// A licence plate in its normal form: 5 to 8 of `A-Z 0-9`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placa(Box<str>);

impl Placa {
    /// Characters of a plate as people write it, hyphens and blanks included. They write few of
    /// those, so a longer text is not read to its end.
    pub const MAX_WRITTEN: usize = 64;
    pub const MIN: usize = 5;
    pub const MAX: usize = 8;
    /// Matches what [`Placa::parse`] takes, with every hyphen and blank that it drops.
    pub const PATTERN: &str =
        concat!("^", separators!(), "*([A-Za-z0-9]", separators!(), "*){5,8}$");

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

    /// Reads a placa as people write it: hyphens and blanks of every kind that keyboards produce
    /// are dropped, letters become upper case. The two Brazilian formats (ABC1234 and the Mercosul
    /// ABC1D23) and those of the neighbouring countries fit. The two forms of one plate are two
    /// placas (decision 0047).
    pub fn parse(raw: &str) -> Result<Self, InvalidValue> {
        // Programs mostly write the normal form.
        if let Ok(placa) = Self::new(raw) {
            return Ok(placa);
        }
        if raw.chars().nth(Self::MAX_WRITTEN).is_some() {
            return Self::new("");
        }
        let written = raw.chars().filter(|character| !is_separator(*character));
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
pub const TEXT_PATTERN: &str = r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF][^\x00-\x1F\x7F-\x9F]*$";

/// `text` without blanks around it, when that is 1 to `max` characters.
pub(crate) fn trimmed(text: &str, max: usize) -> Option<&str> {
    let trimmed = text.trim();
    let fits = (1..=max).contains(&trimmed.chars().take(max + 1).count());
    let is_seen = trimmed.chars().any(|character| !is_invisible(character));
    (fits && is_seen && !text.chars().any(char::is_control)).then_some(trimmed)
}

/// A number as the decimal that it was written as, to six places.
pub(crate) fn millionths(number: f64) -> i128 {
    (number * 1e6).round() as i128
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

        // It is never NaN.
        impl Eq for $name {}

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
mod tests;
