//! Points in time, and durations between them.

use std::ops::{Add, Sub};
use std::time::Duration;

pub const HOUR: Duration = Duration::from_secs(60 * 60);
pub const DAY: Duration = HOUR.saturating_mul(24);

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 60 * 60 * 1000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// How far the clocks of two programs may differ, with the time that messages take: a moment that
/// somebody names may be as much in the past, or later than is allowed.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A point in time: milliseconds since 1970 UTC. A sum that would be outside of what it counts is the
/// first or the last there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    pub const MAX: Self = Self(i64::MAX);

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

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

/// In milliseconds, as moments count.
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Whole days.
pub fn days(duration: Duration) -> u64 {
    duration.as_secs() / DAY.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_added_and_taken_away_as_far_as_moments_count() {
        let moment = Moment::from_millis(5);
        assert_eq!(moment + HOUR, moment.plus_millis(HOUR_MS));
        assert_eq!(moment - DAY, moment.plus_millis(-DAY_MS));
        assert_eq!(moment + Duration::from_micros(1999), moment.plus_millis(1));
        assert_eq!(moment + Duration::MAX, Moment::MAX);
        let before = Moment::from_millis(-5);
        assert_eq!(before - Duration::MAX, Moment::from_millis(i64::MIN));
    }
}
