//! Recognises that another program uses our id.
//!
//! A broker lets one connection have an id: a second one throws the first out. When both
//! reconnect, as they should, they throw each other out for ever. That is an error of
//! configuration, which only an operator can mend; until then, slow down.

use std::time::Duration;

/// A connection that lasted longer was not thrown out by a program that reconnects at once.
const SHORT: Duration = Duration::from_secs(3);
/// Once may be a restart of ourselves that overlapped.
const TOLD_IN_A_ROW: u32 = 2;
/// A line that breaks looks the same, but rarely breaks so often so soon.
const GUESSED_IN_A_ROW: u32 = 3;

/// How a connection ended, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss {
    /// How long it lasted after CONNACK; `None` if it never got that far.
    pub(crate) lasted: Option<Duration>,
    /// Whether the broker knew our session.
    pub(crate) session_present: bool,
    /// How it ended.
    pub(crate) cause: Cause,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The broker said that the session was taken over.
    TakenOver,
    /// The broker closed it and gave no reason that we could read.
    ClosedByBroker,
    /// Anything else.
    Other,
}

/// Looks at one loss after the other.
#[derive(Debug, Default)]
pub(crate) struct TakeoverWatch {
    in_a_row: u32,
}

impl TakeoverWatch {
    /// Takes a loss in; true if it is a takeover beyond doubt.
    ///
    /// Not every broker says why it closes (Mosquitto 2.0.11 does not), and the library cannot
    /// read a DISCONNECT with a reason and no properties: both look like a plain close. So a
    /// quick close of a session that the broker knew, after connecting at the first attempt,
    /// is a suspicion, and a third one a certainty. A restarting broker is not taken for that:
    /// it has forgotten the session, or refuses connections for a moment.
    pub(crate) fn observe(&mut self, loss: Loss) -> bool {
        let enough = match loss.cause {
            Cause::TakenOver => TOLD_IN_A_ROW,
            Cause::ClosedByBroker => GUESSED_IN_A_ROW,
            Cause::Other => u32::MAX,
        };
        let suspicious = match loss.cause {
            Cause::TakenOver => true,
            Cause::ClosedByBroker => {
                loss.session_present && loss.lasted.is_some_and(|lasted| lasted < SHORT)
            }
            Cause::Other => false,
        };
        if !suspicious {
            self.in_a_row = 0;
            return false;
        }
        self.in_a_row += 1;
        self.in_a_row >= enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(lasted_ms: u64, session_present: bool) -> Loss {
        Loss {
            lasted: Some(Duration::from_millis(lasted_ms)),
            session_present,
            cause: Cause::ClosedByBroker,
        }
    }

    #[test]
    fn the_third_quick_close_in_a_row_is_a_takeover() {
        let mut watch = TakeoverWatch::default();
        assert!(!watch.observe(closed(100, true)));
        assert!(!watch.observe(closed(100, true)));
        assert!(watch.observe(closed(100, true)));
        assert!(watch.observe(closed(100, true)));
    }

    #[test]
    fn a_broker_that_says_so_is_believed() {
        let mut watch = TakeoverWatch::default();
        let told = Loss {
            lasted: Some(Duration::from_secs(3600)),
            session_present: false,
            cause: Cause::TakenOver,
        };
        assert!(!watch.observe(told));
        assert!(watch.observe(told));
    }

    #[test]
    fn a_restarting_broker_is_not_a_takeover() {
        let mut watch = TakeoverWatch::default();
        let refused = Loss { lasted: None, session_present: false, cause: Cause::Other };
        for _ in 0..5 {
            assert!(!watch.observe(closed(100, true)));
            assert!(!watch.observe(refused));
            assert!(!watch.observe(closed(100, false)));
            assert!(!watch.observe(closed(60_000, true)));
        }
    }
}
