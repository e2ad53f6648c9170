//! When a carro that does not come is absent.

use std::time::Duration;

use crate::{Interval, Moment};

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
    /// When the tolerance ends. `None` while it does not run: there is no tolerance, the carro has
    /// come, or it cannot use the posto. A tolerance that ends at `fim` or later has no effect
    /// unless the reserva is made longer.
    pub fn due(&self) -> Option<Moment> {
        if self.tolerancia.is_zero() || self.has_come {
            return None;
        }
        let since = self.usable_since?.max(self.interval.inicio());
        Some(since + self.tolerancia)
    }

    /// As [`Self::due`], after a change at `now`. Once the reserva has begun, a change never
    /// postpones the end of the tolerance (`was_due`), at whatever posto; otherwise a client could
    /// hold postos by changes alone. If the tolerance did not run, it starts with the change.
    pub fn due_after_change(&self, was_due: Option<Moment>, now: Moment) -> Option<Moment> {
        let due = self.due()?;
        let was_due = was_due.filter(|_| self.interval.inicio() <= now);
        Some(was_due.map_or(due, |was_due| was_due.min(due)))
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

    #[test]
    fn a_change_gives_no_more_time_once_the_reserva_has_begun() {
        let at = Moment::from_millis;
        let changed = |inicio, usable_since| AbsenceFacts {
            interval: Interval::new(at(inicio), at(200)).expect("not empty"),
            tolerancia: Duration::from_millis(15),
            has_come: false,
            usable_since,
        };
        for (inicio, usable_since, was_due, now, due) in [
            // Not begun: from the begin that it has now.
            (100, Some(at(50)), Some(at(115)), 50, Some(at(115))),
            (120, Some(at(50)), Some(at(115)), 50, Some(at(135))),
            (50, Some(at(50)), Some(at(115)), 50, Some(at(65))),
            (100, None, Some(at(115)), 50, None),
            // Begun: that time runs on.
            (100, Some(at(110)), Some(at(115)), 110, Some(at(115))),
            (100, Some(at(114)), Some(at(115)), 114, Some(at(115))),
            // It did not run: its carro had come, or could not.
            (100, Some(at(110)), None, 110, Some(at(125))),
            (100, None, None, 110, None),
        ] {
            let found = changed(inicio, usable_since).due_after_change(was_due, at(now));
            assert_eq!(found, due, "{inicio} {usable_since:?} {was_due:?} {now}");
        }
        let came = AbsenceFacts { has_come: true, ..changed(100, Some(at(110))) };
        assert_eq!(came.due_after_change(Some(at(115)), at(110)), None);
    }
}
