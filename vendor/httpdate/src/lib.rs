//! What hyper uses of the crate `httpdate`: the date of an HTTP answer.
//!
//! The published crate panics before 1970 and after 9999, and hyper asks it for the date whenever
//! it reads from a connection. A machine whose clock was never set would answer no request. Here
//! such a time becomes the nearest one that can be written.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

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
    use std::time::Duration;

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
        }
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(HttpDate::from(before).to_string(), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
