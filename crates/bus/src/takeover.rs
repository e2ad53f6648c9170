//! Recognises that another program uses the same MQTT id.
//!
//! A broker allows one connection for each id: a second one ends the first. When both programs
//! reconnect, as they should, each disconnects the other for ever. Only an operator can correct
//! that; until then, both reconnect more slowly.

use std::time::Duration;

use crate::ReasonCode;
use crate::connection::{Loss, Reason};

/// A connection that lasted longer was not ended by a program that reconnects at once.
const SHORT: Duration = Duration::from_secs(3);
/// One takeover can be a restart of this program that overlapped.
const REPORTED_IN_A_ROW: u32 = 2;
/// A network that breaks looks the same, but rarely breaks so often so soon.
const SUSPECTED_IN_A_ROW: u32 = 3;

#[derive(Debug, Default)]
pub(crate) struct TakeoverDetector {
    in_a_row: u32,
}

impl TakeoverDetector {
    /// Takes the next loss of a connection; true if it certainly was a takeover.
    ///
    /// Not every broker gives the reason for which it disconnects. So a quick close of a session that the broker knew is a suspicion, and the
    /// third one in a row a certainty, unless a message that ended connections before was in
    /// flight. A restarting broker is not mistaken for a takeover: it has
    /// forgotten the session, or refuses connections for a moment.
    pub(crate) fn observe(&mut self, loss: &Loss) -> bool {
        let quick = loss.session_present && loss.lasted.is_some_and(|lasted| lasted < SHORT);
        let certain_at = match loss.reason {
            Reason::Disconnected { code: ReasonCode::SESSION_TAKEN_OVER, .. } => REPORTED_IN_A_ROW,
            Reason::Closed | Reason::Io(_) if quick && loss.suspect.is_none() => SUSPECTED_IN_A_ROW,
            _ => {
                self.in_a_row = 0;
                return false;
            }
        };
        self.in_a_row += 1;
        self.in_a_row >= certain_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(lasted_ms: u64, session_present: bool) -> Loss {
        let lasted = Some(Duration::from_millis(lasted_ms));
        Loss { reason: Reason::Closed, lasted, session_present, ..Reason::Closed.into() }
    }

    fn disconnected(code: ReasonCode) -> Loss {
        Loss {
            reason: Reason::Disconnected { code, text: None },
            lasted: Some(Duration::from_secs(3600)),
            session_present: false,
            suspect: None,
            presence_problem: None,
        }
    }

    #[test]
    fn the_third_quick_close_in_a_row_is_a_takeover() {
        let mut detector = TakeoverDetector::default();
        assert!(!detector.observe(&closed(100, true)));
        assert!(!detector.observe(&closed(100, true)));
        assert!(detector.observe(&closed(100, true)));
        assert!(detector.observe(&closed(100, true)));
    }

    #[test]
    fn a_message_that_ends_connections_is_not_a_takeover() {
        let mut detector = TakeoverDetector::default();
        for _ in 0..5 {
            let suspect = Some("t".into());
            assert!(!detector.observe(&Loss { suspect, ..closed(100, true) }));
        }
    }

    #[test]
    fn a_takeover_that_the_broker_reports_counts_the_second_time() {
        let mut detector = TakeoverDetector::default();
        assert!(!detector.observe(&disconnected(ReasonCode::SESSION_TAKEN_OVER)));
        assert!(detector.observe(&disconnected(ReasonCode::SESSION_TAKEN_OVER)));
    }

    #[test]
    fn a_restarting_broker_is_not_a_takeover() {
        let mut detector = TakeoverDetector::default();
        let refused = Loss::from(Reason::ConnectTimeout);
        for _ in 0..5 {
            assert!(!detector.observe(&closed(100, true)));
            assert!(!detector.observe(&refused));
            assert!(!detector.observe(&closed(100, false)));
            assert!(!detector.observe(&closed(60_000, true)));
        }
    }

    #[test]
    fn distinguishes_a_takeover_and_a_close_from_other_reasons() {
        let reset = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let cases = [
            (disconnected(ReasonCode::SESSION_TAKEN_OVER).reason, REPORTED_IN_A_ROW),
            (disconnected(ReasonCode(0x8B)).reason, u32::MAX),
            (Reason::Closed, SUSPECTED_IN_A_ROW),
            (Reason::Io(reset()), SUSPECTED_IN_A_ROW),
            (Reason::Silence, u32::MAX),
        ];
        for (reason, certain_at) in cases {
            let loss = Loss { reason, ..closed(100, true) };
            let mut detector = TakeoverDetector::default();
            for round in 1..=5 {
                assert_eq!(detector.observe(&loss), round >= certain_at, "{}", loss.reason);
            }
        }
    }
}
