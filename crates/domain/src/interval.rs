//! Intervals of time, and how they may be asked for.

use std::time::Duration;

use crate::{Moment, Rules, days, millis};

const MINUTE: i64 = 60 * 1000;
/// How far in the past `inicio` may be: clocks differ, and messages take time.
pub(crate) const MAX_LATE: i64 = 5 * MINUTE;

/// A half-open interval `[inicio, fim)`, never empty. Two that touch do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    inicio: Moment,
    fim: Moment,
}

impl Interval {
    pub fn new(inicio: Moment, fim: Moment) -> Result<Self, IntervalError> {
        if fim <= inicio {
            return Err(IntervalError::FimNotAfterInicio);
        }
        Ok(Self { inicio, fim })
    }

    pub fn inicio(self) -> Moment {
        self.inicio
    }

    /// First moment after it.
    pub fn fim(self) -> Moment {
        self.fim
    }

    /// In milliseconds.
    pub fn length(self) -> i64 {
        self.fim.as_millis() - self.inicio.as_millis()
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.inicio < other.fim && other.inicio < self.fim
    }

    /// Whether no moment of the other is outside of it.
    pub fn covers(self, other: Self) -> bool {
        self.inicio <= other.inicio && other.fim <= self.fim
    }

    pub fn contains(self, moment: Moment) -> bool {
        self.inicio <= moment && moment < self.fim
    }
}

/// An interval as it is asked for: either end may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestedInterval {
    /// By default now.
    pub inicio: Option<Moment>,
    /// By default [`Rules::duracao`] after `inicio`.
    pub fim: Option<Moment>,
}

/// Why an interval cannot be reserved at any posto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntervalError {
    #[error("deve ser depois de inicio")]
    FimNotAfterInicio,
    /// The same, where only `inicio` was given.
    #[error("deve ser antes do fim da reserva")]
    InicioNotBeforeFim,
    #[error("não pode mudar, porque a reserva já começou")]
    InicioBegun,
    #[error("já passou")]
    FimInPast,
    #[error("já passou há mais de 5 minutos")]
    InicioInPast,
    #[error("deve ser no máximo {} depois de inicio", in_days(*maxima))]
    TooLong { maxima: Duration },
    #[error("{}", too_far_ahead(*antecedencia))]
    TooFarAhead { antecedencia: Duration },
}

fn in_days(duration: Duration) -> String {
    match days(duration) {
        1 => "1 dia".to_owned(),
        days => format!("{days} dias"),
    }
}

fn too_far_ahead(antecedencia: Duration) -> String {
    if days(antecedencia) == 0 {
        return "não pode ser no futuro".to_owned();
    }
    format!("deve ser no máximo {} depois de agora", in_days(antecedencia))
}

impl IntervalError {
    /// The field, as spelled on the wire, that is wrong.
    pub fn campo(self) -> &'static str {
        match self {
            Self::InicioInPast
            | Self::TooFarAhead { .. }
            | Self::InicioNotBeforeFim
            | Self::InicioBegun => "inicio",
            Self::FimNotAfterInicio | Self::FimInPast | Self::TooLong { .. } => "fim",
        }
    }
}

impl RequestedInterval {
    /// The interval that is asked for at `now`. Nobody holds a posto in the past, so an `inicio`
    /// that has just passed becomes now.
    pub fn resolve(self, rules: &Rules, now: Moment) -> Result<Interval, IntervalError> {
        let asked = self.inicio.unwrap_or(now);
        let fim = self.fim.unwrap_or_else(|| asked.plus_millis(millis(rules.duracao)));
        if let Some(inicio) = self.inicio {
            Interval::new(inicio, fim)?;
        }
        // A `fim` that was left out follows from `inicio`.
        if fim <= now && self.fim.is_some() {
            return Err(IntervalError::FimInPast);
        }
        if asked < now.plus_millis(-MAX_LATE) {
            return Err(IntervalError::InicioInPast);
        }
        if asked > now.plus_millis(millis(rules.antecedencia)) {
            return Err(IntervalError::TooFarAhead { antecedencia: rules.antecedencia });
        }
        if fim > asked.plus_millis(millis(rules.maxima)) {
            return Err(IntervalError::TooLong { maxima: rules.maxima });
        }
        Interval::new(asked.max(now), fim)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    /// Those of the seed's system.
    const MAX_LENGTH: i64 = 31 * DAY;
    const RULES: fn() -> Rules = Rules::default;

    fn at(millis: i64) -> Moment {
        Moment::from_millis(millis)
    }

    /// What was left out is not what is wrong.
    #[test]
    fn an_old_inicio_is_blamed_for_the_fim_that_follows_from_it() {
        let now = at(100 * DAY);
        let ask = |inicio: i64, fim: Option<i64>| {
            let fim = fim.map(at);
            RequestedInterval { inicio: Some(at(inicio)), fim }
                .resolve(&RULES(), now)
                .map_err(IntervalError::campo)
        };
        assert_eq!(ask(90 * DAY, None), Err("inicio"));
        assert_eq!(ask(90 * DAY, Some(91 * DAY)), Err("fim"));
        assert_eq!(ask(90 * DAY, Some(101 * DAY)), Err("inicio"));
    }

    #[test]
    fn the_default_is_24_hours_from_now() {
        let now = at(1_000_000_000);
        let interval = RequestedInterval::default().resolve(&RULES(), now).expect("the default");
        assert_eq!((interval.inicio(), interval.fim()), (now, now.plus_millis(DAY)));
    }

    #[test]
    fn one_missing_end_follows_the_other() {
        let now = at(1_000_000_000);
        let inicio = now.plus_millis(HOUR);
        let open = RequestedInterval { inicio: Some(inicio), fim: None }
            .resolve(&RULES(), now)
            .expect("from then");
        assert_eq!(open.fim(), inicio.plus_millis(DAY));
        let until = RequestedInterval { inicio: None, fim: Some(inicio) }
            .resolve(&RULES(), now)
            .expect("until then");
        assert_eq!((until.inicio(), until.fim()), (now, inicio));
    }

    #[test]
    fn past_empty_and_too_long_intervals_are_refused() {
        let now = at(1_000_000_000);
        let interval = |inicio: i64, fim: i64| RequestedInterval {
            inicio: Some(now.plus_millis(inicio)),
            fim: Some(now.plus_millis(fim)),
        };
        for (asked, expected) in [
            (interval(HOUR, HOUR), IntervalError::FimNotAfterInicio),
            (interval(2 * HOUR, HOUR), IntervalError::FimNotAfterInicio),
            (interval(-HOUR, -1), IntervalError::FimInPast),
            (interval(-HOUR, HOUR), IntervalError::InicioInPast),
            (interval(0, MAX_LENGTH + 1), IntervalError::TooLong { maxima: RULES().maxima }),
            (RequestedInterval { inicio: None, fim: Some(now) }, IntervalError::FimInPast),
        ] {
            assert_eq!(asked.resolve(&RULES(), now), Err(expected), "{asked:?}");
        }
        let late = interval(-MINUTE, HOUR).resolve(&RULES(), now).expect("a little late");
        assert_eq!(late.inicio(), now);
    }

    proptest! {
        #[test]
        fn intervals_overlap_if_they_share_a_moment(a in 0i64..50, b in 1i64..50, c in 0i64..50, d in 1i64..50) {
            let one = Interval::new(at(a), at(a + b)).expect("not empty");
            let other = Interval::new(at(c), at(c + d)).expect("not empty");
            let common = (0..100).any(|moment| one.contains(at(moment)) && other.contains(at(moment)));
            prop_assert_eq!(one.overlaps(other), common);
            prop_assert_eq!(other.overlaps(one), common);
        }

        #[test]
        fn a_resolved_interval_is_never_past_nor_too_long(
            now in 0i64..i64::MAX / 4,
            inicio in proptest::option::of(any::<i64>()),
            fim in proptest::option::of(any::<i64>()),
        ) {
            let interval = RequestedInterval { inicio: inicio.map(at), fim: fim.map(at) };
            if let Ok(interval) = interval.resolve(&RULES(), at(now)) {
                prop_assert!(interval.inicio() >= at(now));
                prop_assert!(interval.fim() > interval.inicio());
                prop_assert!(interval.fim().as_millis() - interval.inicio().as_millis() <= MAX_LENGTH);
            }
        }
    }

    #[test]
    fn one_day_is_said_as_one_and_none_as_no_future() {
        let day = crate::rules::DAY;
        for (error, expected) in [
            (IntervalError::TooLong { maxima: day }, "deve ser no máximo 1 dia depois de inicio"),
            (
                IntervalError::TooLong { maxima: 2 * day },
                "deve ser no máximo 2 dias depois de inicio",
            ),
            (
                IntervalError::TooFarAhead { antecedencia: day },
                "deve ser no máximo 1 dia depois de agora",
            ),
            (IntervalError::TooFarAhead { antecedencia: Duration::ZERO }, "não pode ser no futuro"),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }
}
