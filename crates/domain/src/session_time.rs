//! When a session can have been.

use crate::{CLOCK_TOLERANCE, Moment};

/// 2020-01-01T00:00:00Z. A charger that has lost its clock begins again in 1970, or when it was built.
const EARLIEST: Moment = Moment::from_millis(1_577_836_800_000);

/// A reported time, as it is recorded at `now`: nothing that is reported has yet to come, but clocks
/// differ. A time that is too far ahead stays as it is, and is refused by the check of times.
pub fn recorded_time(reported: Moment, now: Moment) -> Moment {
    if is_in_future(reported, now) { reported } else { reported.min(now) }
}

/// Whether a reported end may be the one that was recorded: the clock that it came from may have been
/// ahead then.
pub(crate) fn is_recorded_as(reported: Moment, recorded: Moment) -> bool {
    reported >= recorded && !is_in_future(reported, recorded)
}

fn is_in_future(reported: Moment, now: Moment) -> bool {
    reported > now + CLOCK_TOLERANCE
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
