//! Periods in steps, by a local calendar.

use crate::{DAY_MS, HOUR, HOUR_MS, InvalidValue, Moment, words};

words! {
    /// How long a step is.
    #[derive(Default)]
    pub enum Passo {
        Hora = "hora",
        #[default]
        Dia = "dia",
        /// From Monday.
        Semana = "semana",
        Mes = "mes",
        Ano = "ano",
    }
}

/// What local time is ahead of UTC: days and months begin by it. The offset is the same in the whole
/// period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fuso {
    hours: i64,
}

/// That of Brasília.
impl Default for Fuso {
    fn default() -> Self {
        Self { hours: -3 }
    }
}

impl Fuso {
    const MIN: i64 = -12;
    const MAX: i64 = 14;
    /// Matches what [`Fuso::parse`] takes, and nothing else.
    pub const PATTERN: &str = r"^([+-](0[0-9]|1[0-2])|\+1[34]):00$";

    /// Reads an offset as RFC 3339 writes it. Statistics are kept by the hour of UTC, so it has whole
    /// hours.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let hours = text.strip_suffix(":00").filter(|hours| hours.len() == 3);
        let hours = hours.filter(|hours| hours.starts_with(['+', '-']));
        let hours = hours.and_then(|hours| hours.parse().ok());
        match hours.filter(|hours| (Self::MIN..=Self::MAX).contains(hours)) {
            Some(hours) => Ok(Self { hours }),
            None => Err(InvalidValue(
                "deve ter horas inteiras de -12:00 a +14:00, por exemplo -03:00".into(),
            )),
        }
    }

    fn local(self, moment: Moment) -> i64 {
        moment.as_millis().saturating_add(self.hours * HOUR_MS)
    }

    fn moment(self, local: i64) -> Moment {
        Moment::from_millis(local.saturating_sub(self.hours * HOUR_MS))
    }

    /// The begin of the day that is so many days before the local day of a moment.
    pub fn days_before(self, moment: Moment, number: i64) -> Moment {
        let day = self.local(moment).div_euclid(DAY_MS);
        self.moment((day - number) * DAY_MS)
    }
}

impl std::fmt::Display for Fuso {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.hours < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:00", self.hours.abs())
    }
}

/// Why a period cannot be divided into steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    #[error("deve ser antes de ate")]
    NotBeforeEnd,
    #[error(
        "{} dá mais de {} passos neste período: peça passos maiores ou um período menor",
        passo.as_str(),
        Steps::MAX
    )]
    TooManySteps { passo: Passo },
}

impl PeriodError {
    /// The parameter, as spelled on the wire, that is wrong.
    pub fn campo(self) -> &'static str {
        match self {
            Self::NotBeforeEnd => "de",
            Self::TooManySteps { .. } => "passo",
        }
    }
}

/// A period in steps, without gaps. The first one may begin within an hour, day, week, month or year,
/// and the last one end within one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// The begin of each, and the end of the last one: two or more.
    bounds: Vec<Moment>,
}

impl Steps {
    /// Steps at most.
    pub const MAX: usize = 1000;

    /// From the hour in which `de` is to the end of the one in which the last moment before `ate` is.
    pub fn new(de: Moment, ate: Moment, passo: Passo, fuso: Fuso) -> Result<Self, PeriodError> {
        if ate <= de {
            return Err(PeriodError::NotBeforeEnd);
        }
        let (from, until) = (begin_of_hour(de), end_of_hour(ate));
        let mut bounds = vec![from];
        let mut next = from;
        while next < until {
            if bounds.len() > Self::MAX {
                return Err(PeriodError::TooManySteps { passo });
            }
            next = passo.end(next, fuso).min(until);
            bounds.push(next);
        }
        Ok(Self { bounds })
    }

    pub fn inicio(&self) -> Moment {
        self.bounds[0]
    }

    pub fn fim(&self) -> Moment {
        self.bounds[self.bounds.len() - 1]
    }

    /// The begin and the end of each step.
    pub fn iter(&self) -> impl Iterator<Item = (Moment, Moment)> {
        self.bounds.windows(2).map(|bounds| (bounds[0], bounds[1]))
    }

    /// The same period as one step.
    pub fn whole(&self) -> Self {
        Self { bounds: vec![self.inicio(), self.fim()] }
    }

    /// The number of the step in which a moment is.
    pub(crate) fn find(&self, moment: Moment) -> Option<usize> {
        if moment < self.inicio() || moment >= self.fim() {
            return None;
        }
        Some(self.bounds.partition_point(|begin| *begin <= moment) - 1)
    }

    /// The first moment after the step of this number.
    pub(crate) fn end_of(&self, step: usize) -> Moment {
        self.bounds[step + 1]
    }
}

fn begin_of_hour(moment: Moment) -> Moment {
    Moment::from_millis(moment.as_millis().div_euclid(HOUR_MS).saturating_mul(HOUR_MS))
}

/// The moment itself, if an hour begins with it.
fn end_of_hour(moment: Moment) -> Moment {
    let begin = begin_of_hour(moment);
    if begin == moment { moment } else { begin + HOUR }
}

impl Passo {
    /// The end of the hour, day, week, month or year in which a moment is.
    fn end(self, moment: Moment, fuso: Fuso) -> Moment {
        let local = fuso.local(moment);
        let day = local.div_euclid(DAY_MS);
        let end = match self {
            Self::Hora => (local.div_euclid(HOUR_MS) + 1) * HOUR_MS,
            Self::Dia => (day + 1) * DAY_MS,
            // 1970 began with a Thursday.
            Self::Semana => (day - (day + 3).rem_euclid(7) + 7) * DAY_MS,
            Self::Mes => {
                let (year, month) = month_of(day);
                first_day(year, month + 1) * DAY_MS
            }
            Self::Ano => first_day(month_of(day).0 + 1, 1) * DAY_MS,
        };
        fuso.moment(end)
    }
}

/// Days since 1970 to the first of a month, from 1; the 13th is the first of the next year.
fn first_day(year: i64, month: i64) -> i64 {
    // Years that begin with March end with the day that a leap year has more.
    let months = year * 12 + month - 3;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 - 719_468
}

/// The year and the month, from 1, of a day since 1970.
fn month_of(day: i64) -> (i64, i64) {
    // The year itself, or one of the two before.
    let year = 1970 + (day * 400).div_euclid(146_097) - 1;
    let after = |(year, month): (i64, i64)| first_day(year, month) <= day;
    let months = (0..36).map(|month| (year + month / 12, month % 12 + 1));
    months.take_while(|month| after(*month)).last().unwrap_or((year, 1))
}

#[cfg(test)]
mod tests;
