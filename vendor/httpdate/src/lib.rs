//! What hyper uses of the crate `httpdate`: the date of an HTTP answer; and what `opentelemetry-otlp`
//! does: reading one.
//!
//! The published crate panics before 1970 and after 9999, and hyper asks it for the date whenever
//! it reads from a connection. A machine whose clock was never set would answer no request. Here
//! such a time becomes the nearest one that can be written.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 9999-12-31T23:59:59Z.
const MAX_SECONDS: u64 = 253_402_300_799;
const DAY: u64 = 86_400;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A time, written as `Sun, 06 Nov 1994 08:49:37 GMT`.
#[derive(Debug, Clone, Copy)]
pub struct HttpDate {
    seconds: u64,
}

impl From<SystemTime> for HttpDate {
    fn from(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { seconds: seconds.min(MAX_SECONDS) }
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.seconds / DAY, self.seconds % DAY);
        let weekday = WEEKDAYS[(days % 7) as usize];
        let (year, month, day) = calendar(days);
        let month = MONTHS[month];
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

/// A text that is no date as [`HttpDate`] writes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error;

/// Reads a date as [`HttpDate`] writes it. The two older forms, which no program may send any more, are
/// refused.
pub fn parse_http_date(text: &str) -> Result<SystemTime, Error> {
    let [_, day, month, year, time, "GMT"] = *text.split(' ').collect::<Vec<_>>() else {
        return Err(Error);
    };
    let [hour, minute, second] = *time.split(':').collect::<Vec<_>>() else { return Err(Error) };
    let number = |text: &str| text.parse::<u16>().map(u64::from).map_err(|_| Error);
    let month = MONTHS.iter().position(|name| *name == month).ok_or(Error)?;
    let (year, day) = (number(year)?, number(day)?);
    let (hour, minute, second) = (number(hour)?, number(minute)?, number(second)?);
    let of_years: u64 = (1970..year.min(10_000)).map(days_of_year).sum();
    let of_months: u64 = (0..month).map(|month| days_of_month(year, month)).sum();
    let days = of_years + of_months + day.checked_sub(1).ok_or(Error)?;
    let seconds = days * DAY + hour * 3600 + minute * 60 + second;
    let time = UNIX_EPOCH + Duration::from_secs(seconds.min(MAX_SECONDS));
    // It also has the right weekday, and no 30 February.
    if HttpDate::from(time).to_string() == text { Ok(time) } else { Err(Error) }
}

/// Year, month from 0, and day from 1 of a day counted from 1970-01-01.
fn calendar(days: u64) -> (u64, usize, u64) {
    let mut year = 1970;
    let mut day = days;
    // 400 years have 146,097 days.
    year += day / 146_097 * 400;
    day %= 146_097;
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let mut month = 0;
    while day >= days_of_month(year, month) {
        day -= days_of_month(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: u64, month: usize) -> u64 {
    match month {
        1 => 28 + u64::from(is_leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_a_date() {
        for (seconds, date) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
            (1_475_419_451, "Sun, 02 Oct 2016 14:44:11 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (MAX_SECONDS, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (MAX_SECONDS + 1, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(HttpDate::from(time).to_string(), date);
            let capped = UNIX_EPOCH + Duration::from_secs(seconds.min(MAX_SECONDS));
            assert_eq!(parse_http_date(date), Ok(capped));
        }
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(HttpDate::from(before).to_string(), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "120",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Fri, 30 Feb 2024 00:00:00 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999999999 08:49:37 GMT",
            "Sun, 06 Nov 1994 999999999999999999:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
        ] {
            assert_eq!(parse_http_date(text), Err(Error), "{text}");
        }
    }
}
