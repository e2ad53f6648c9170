//! Intervals of time, and how they may be asked for.

use std::time::Duration;

use crate::{CLOCK_TOLERANCE, Moment, Rules, days};

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

    /// What is wrong with an `inicio` that is asked for at `now`.
    pub(crate) fn of_inicio(inicio: Moment, rules: &Rules, now: Moment) -> Option<Self> {
        if inicio < now - CLOCK_TOLERANCE {
            return Some(Self::InicioInPast);
        }
        let antecedencia = rules.antecedencia;
        (inicio > latest_inicio(rules, now)).then_some(Self::TooFarAhead { antecedencia })
    }

    /// What is wrong with a `fim` that is asked for at `now`. If `inicio` is wrong too, `fim` is compared
    /// with the nearest `inicio` that is possible.
    pub(crate) fn of_fim(
        fim: Moment,
        inicio: Moment,
        wrong_inicio: Option<Self>,
        rules: &Rules,
        now: Moment,
    ) -> Option<Self> {
        if fim <= now {
            return Some(Self::FimInPast);
        }
        if fim <= inicio {
            return wrong_inicio.is_none().then_some(Self::FimNotAfterInicio);
        }
        let from = match wrong_inicio {
            Some(Self::InicioInPast) => now,
            Some(Self::TooFarAhead { .. }) => latest_inicio(rules, now),
            _ => inicio,
        };
        let maxima = rules.maxima;
        (fim > from + maxima).then_some(Self::TooLong { maxima })
    }

    /// Refuses what is wrong, `inicio` first.
    pub(crate) fn check(inicio: Option<Self>, fim: Option<Self>) -> Result<(), Vec<Self>> {
        let wrong: Vec<Self> = inicio.into_iter().chain(fim).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

fn latest_inicio(rules: &Rules, now: Moment) -> Moment {
    now + rules.antecedencia + CLOCK_TOLERANCE
}

impl RequestedInterval {
    /// The interval that is asked for at `now`. Nobody holds a posto in the past, so an `inicio`
    /// that has just passed becomes now.
    ///
    /// # Errors
    /// It cannot be reserved at any posto: what is wrong, each field once.
    pub fn resolve(self, rules: &Rules, now: Moment) -> Result<Interval, Vec<IntervalError>> {
        let asked = self.inicio.unwrap_or(now);
        let fim = self.fim.unwrap_or_else(|| asked + rules.duracao);
        let wrong_inicio = IntervalError::of_inicio(asked, rules, now);
        // A `fim` that was left out follows from `inicio`.
        let is_judged = self.fim.is_some() || wrong_inicio.is_none();
        let wrong_fim = is_judged
            .then(|| IntervalError::of_fim(fim, asked, wrong_inicio, rules, now))
            .flatten();
        IntervalError::check(wrong_inicio, wrong_fim)?;
        Interval::new(asked.max(now), fim).map_err(|wrong| vec![wrong])
    }
}

#[cfg(test)]
mod tests;
