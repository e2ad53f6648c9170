//! Points in time on the wire: RFC 3339 with an offset, written in UTC.

use std::fmt;
use std::str::FromStr;

use domain::Moment;
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Month, OffsetDateTime, UtcDateTime, UtcOffset};
use utoipa::ToSchema;

/// 9998-12-31T23:59:59.999Z: the last whole year that every offset of RFC 3339 can write.
const MAX_MILLIS: i64 = 253_370_764_799_999;

/// Um instante, em RFC 3339, com precisão de milissegundos.
//
// Milliseconds since 1970 UTC. Finer fractions are cut off when read, so that what is stored is
// what is answered.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "deve ser uma data RFC 3339 com fuso, entre 1970 e 9998, por exemplo 2026-01-31T18:00:00-03:00"
)]
pub struct InvalidTimestamp;

impl Timestamp {
    /// `None` outside the years 1970 to 9998.
    pub fn from_millis(millis: i64) -> Option<Self> {
        (0..=MAX_MILLIS).contains(&millis).then_some(Self(millis))
    }

    /// The nearest timestamp to `millis` milliseconds since 1970 UTC.
    pub fn clamped(millis: i64) -> Self {
        Self(millis.clamp(0, MAX_MILLIS))
    }

    /// Milliseconds since 1970 UTC.
    pub fn as_millis(self) -> i64 {
        self.0
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        // The library takes any character between date and time.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' ')) {
            return Err(InvalidTimestamp);
        }
        let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        let mut millis = parsed.unix_timestamp() * 1000 + i64::from(parsed.millisecond());
        // The library reads a leap second as the last nanosecond of the one before.
        if text.as_bytes().get(17..19) == Some(b"60") {
            if !may_have_leap_second(parsed) {
                return Err(InvalidTimestamp);
            }
            millis -= i64::from(parsed.millisecond());
        }
        Self::from_millis(millis).ok_or(InvalidTimestamp)
    }
}

/// Leap seconds end a June or a December in UTC, since 1972. Which ones is announced half a year
/// before, so a list of them here would go out of date.
fn may_have_leap_second(parsed: OffsetDateTime) -> bool {
    let utc = parsed.to_offset(UtcOffset::UTC);
    let ends_half_year =
        matches!((utc.month(), utc.day()), (Month::June, 30) | (Month::December, 31));
    ends_half_year && utc.year() >= 1972
}

impl From<Moment> for Timestamp {
    /// A moment that cannot be written, of a broken clock, becomes the nearest one that can.
    fn from(moment: Moment) -> Self {
        Self::clamped(moment.as_millis())
    }
}

impl From<Timestamp> for Moment {
    fn from(timestamp: Timestamp) -> Self {
        Self::from_millis(timestamp.0)
    }
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
    /// Digit by digit: with `write!` a timestamp takes 3,300 instructions, and a reservation with
    /// two of them a third more than now (`benches/instructions`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = UtcDateTime::from_unix_timestamp(self.0 / 1000).map_err(|_| fmt::Error)?;
        let (year, month, day) = utc.to_calendar_date();
        let (hour, minute, second) = utc.as_hms();
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |end: usize, number: u32| {
            let mut rest = number;
            for digit in text[..end].iter_mut().rev().take_while(|byte| byte.is_ascii_digit()) {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        };
        put(4, year.unsigned_abs());
        put(7, u8::from(month).into());
        put(10, day.into());
        put(13, hour.into());
        put(16, minute.into());
        put(19, second.into());
        put(23, (self.0 % 1000) as u32);
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
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
