//! Points in time as they travel: RFC 3339 with an offset, written in UTC.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// 9998-12-31T23:59:59.999Z: the last whole year that every offset of RFC 3339 can write.
const MAX_MILLIS: i64 = 253_370_764_799_999;

/// A point in time, in whole milliseconds since 1970 UTC.
///
/// Finer fractions are cut off when read, so that what is stored is what is answered.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(i64);

/// Why a text or number is no timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "deve ser uma data RFC 3339 com fuso, entre 1970 e 9998, por exemplo 2026-01-31T18:00:00-03:00"
)]
pub struct InvalidTimestamp;

impl Timestamp {
    /// From milliseconds since 1970 UTC; `None` outside the years 1970 to 9998.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        (0..=MAX_MILLIS).contains(&millis).then_some(Self(millis))
    }

    /// The timestamp nearest to `millis` milliseconds since 1970 UTC.
    #[must_use]
    pub fn clamped(millis: i64) -> Self {
        Self(millis.clamp(0, MAX_MILLIS))
    }

    /// Milliseconds since 1970 UTC.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        // jiff reads more than RFC 3339 (a bracketed zone, an hour alone); the profile does not.
        let bytes = text.as_bytes();
        let date_and_time = bytes.len() >= "2026-01-31T18:00:00Z".len()
            && matches!(bytes[10], b'T' | b't' | b' ')
            && bytes[13] == b':'
            && bytes[16] == b':';
        if !date_and_time || text.contains(['[', ',']) || !has_full_offset(text) {
            return Err(InvalidTimestamp);
        }
        let parsed: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        Self::from_millis(parsed.as_millisecond()).ok_or(InvalidTimestamp)
    }
}

/// RFC 3339 writes an offset as `Z` or `±hh:mm`, nothing shorter or longer, up to 23:59.
fn has_full_offset(text: &str) -> bool {
    if text.ends_with(['Z', 'z']) {
        return true;
    }
    let Some(offset) = text.len().checked_sub(6).and_then(|at| text.get(at..)) else {
        return false;
    };
    matches!(offset.as_bytes(), [b'+' | b'-', h1, h2, b':', m1, m2]
        if [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) && [*h1, *h2] < *b"24")
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, InvalidTimestamp> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> String {
        timestamp.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{timestamp:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339_and_writes_utc_with_milliseconds() {
        for (text, written) in [
            ("2026-01-31T18:00:00-03:00", "2026-01-31T21:00:00.000Z"),
            ("2026-01-31T18:00:00Z", "2026-01-31T18:00:00.000Z"),
            ("2026-01-31t18:00:00.1239z", "2026-01-31T18:00:00.123Z"),
            ("2026-01-31 18:00:00+00:00", "2026-01-31T18:00:00.000Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("9998-12-31T23:59:59.999Z", "9998-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().expect(text).to_string(), written);
        }
    }

    #[test]
    fn refuses_what_has_no_offset_or_no_place_on_the_calendar() {
        for text in [
            "",
            "2026-01-31",
            "2026-01-31T18:00:00",
            "2026-02-30T18:00:00Z",
            "2026-01-31T18:00:00-03",
            "2026-01-31T18:00:00-0300",
            "2026-01-31T18:00:00-03:00[America/Sao_Paulo]",
            "1969-12-31T23:59:59Z",
            "9999-01-01T00:00:00Z",
            "20260131T180000Z",
            "ontem às oito da noite, mais ou menos",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp), "{text:?}");
        }
    }
}
