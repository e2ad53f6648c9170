//! When a session can have been.

use crate::{CLOCK_TOLERANCE, Moment};

/// 2020-01-01T00:00:00Z. A charger that has lost its clock begins again in 1970, or when it was built.
const EARLIEST: Moment = Moment::from_millis(1_577_836_800_000);

/// A reported time, as it is recorded at `now`: nothing that is reported has yet to come, but clocks
/// differ. A time that is too far ahead stays as it is, and is refused by the check of times.
pub fn recorded_time(reported: Moment, now: Moment) -> Moment {
    if is_in_future(reported, now) { reported } else { reported.min(now) }
}

/// Whether a reported end may be the one that was recorded of a session: the clock that it came from
/// may have been ahead then, or behind that of the begin.
pub(crate) fn is_recorded_as(reported: Moment, inicio: Moment, recorded: Moment) -> bool {
    let ended_at_begin = recorded == inicio && reported < inicio;
    ended_at_begin || reported >= recorded && !is_in_future(reported, recorded)
}

fn is_in_future(reported: Moment, now: Moment) -> bool {
    reported > now + CLOCK_TOLERANCE
}

/// When a session may have ended at the latest of which `fim` is reported at `now`, if its begin is of
/// another clock.
pub(crate) fn latest_fim(fim: Moment, now: Moment) -> Moment {
    fim.max((fim + CLOCK_TOLERANCE).min(now))
}

/// Why a session that is known at `now` cannot have begun then.
pub(crate) fn wrong_inicio(inicio: Moment, now: Moment) -> Option<SessionTimeError> {
    if is_in_future(inicio, now) {
        return Some(SessionTimeError::InicioInFuture);
    }
    // The servidor's own clock may be wrong, and then it knows no better.
    (inicio < EARLIEST && EARLIEST <= now).then_some(SessionTimeError::InicioTooEarly)
}

/// Why one that began then cannot have ended at `fim`.
pub(crate) fn wrong_fim(inicio: Moment, fim: Moment, now: Moment) -> Option<SessionTimeError> {
    if is_in_future(fim, now) {
        return Some(SessionTimeError::FimInFuture);
    }
    (fim < inicio).then_some(SessionTimeError::FimBeforeInicio)
}

/// Why one that is open, and began at `inicio`, cannot have ended at `fim`. The begin may be of this
/// clock, and the end of one that is behind. If this clock was set back since, it says nothing about the
/// time before the begin.
pub(crate) fn wrong_fim_of_open(
    inicio: Moment,
    fim: Moment,
    now: Moment,
) -> Option<SessionTimeError> {
    if now < inicio {
        return is_in_future(fim, inicio).then_some(SessionTimeError::FimInFuture);
    }
    wrong_fim(inicio - CLOCK_TOLERANCE, fim, now)
}

/// Why a session cannot have begun or ended then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionTimeError {
    #[error("não pode estar no futuro")]
    InicioInFuture,
    #[error("não pode ser antes de 2020: acerte o relógio de quem informa")]
    InicioTooEarly,
    #[error("não pode estar no futuro")]
    FimInFuture,
    #[error("não pode ser antes de inicio")]
    FimBeforeInicio,
}

impl SessionTimeError {
    /// The field, as spelled on the wire, that is wrong.
    pub fn campo(self) -> &'static str {
        match self {
            Self::InicioInFuture | Self::InicioTooEarly => "inicio",
            Self::FimInFuture | Self::FimBeforeInicio => "fim",
        }
    }
}
