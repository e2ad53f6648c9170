//! When a carro that does not come is absent.

use std::time::Duration;

use crate::{Interval, Moment, millis};

/// What decides when the absence of a carro is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbsenceFacts {
    pub interval: Interval,
    /// The one in force when the reserva was made.
    pub tolerancia: Duration,
    /// The carro has come.
    pub has_come: bool,
    /// Since when the posto could be used by this carro: in service, and no other carro charging
    /// there. `None` if it cannot.
    pub usable_since: Option<Moment>,
}

impl AbsenceFacts {
    /// When the absence is due; `None` if that time does not run. One that is due at the end of the
    /// reserva or later never is, unless the reserva is made longer.
    pub fn due(&self) -> Option<Moment> {
        if self.tolerancia.is_zero() || self.has_come {
            return None;
        }
        let since = self.usable_since?.max(self.interval.inicio());
        Some(since.plus_millis(millis(self.tolerancia)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_is_due_a_tolerance_after_the_carro_could_have_come() {
        let at = Moment::from_millis;
        let facts = AbsenceFacts {
            interval: Interval::new(at(100), at(200)).expect("not empty"),
            tolerancia: Duration::from_millis(15),
            has_come: false,
            usable_since: Some(at(0)),
        };
        assert_eq!(facts.due(), Some(at(115)));
        let since = |since| AbsenceFacts { usable_since: since, ..facts };
        for (usable_since, due) in [
            (Some(at(120)), Some(at(135))),
            (Some(at(184)), Some(at(199))),
            (Some(at(185)), Some(at(200))),
            (None, None),
        ] {
            assert_eq!(since(usable_since).due(), due, "{usable_since:?}");
        }
        assert_eq!(AbsenceFacts { tolerancia: Duration::ZERO, ..facts }.due(), None);
        assert_eq!(AbsenceFacts { has_come: true, ..facts }.due(), None);
    }
}
