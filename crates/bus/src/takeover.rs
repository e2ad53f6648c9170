//! Recognises that another program uses the same MQTT id.
//!
//! A broker allows one connection for each id: a second one ends the first. When both programs
//! reconnect, as they should, each disconnects the other for ever. Only an operator can correct
//! that; until then, both reconnect more slowly.

use std::time::Duration;

use crate::ReasonCode;
use crate::connection::{Loss, Reason};

/// Before the next attempt while another program uses the same id.
pub(crate) const TAKEOVER_DELAY: Duration = Duration::from_secs(10);

/// A connection that lasted longer was not ended by a program that reconnects at once.
const QUICK_LOSS: Duration = Duration::from_secs(3);
/// One that lasted longer than this was not ended by a program that waits because it has recognised
/// the takeovers either.
const SHORT_CONNECTION: Duration = TAKEOVER_DELAY.saturating_add(QUICK_LOSS);
/// One takeover can be a restart of this program that overlapped.
const CERTAIN_IN_A_ROW: u32 = 2;
/// A network that breaks looks the same, but rarely breaks so often so soon.
const QUICK_IN_A_ROW: u32 = 3;
/// Without a session, a program that connects with a clean start has been there, or the broker has
/// lost it in a restart, which rarely comes so often so soon and leaves no time to be refused in.
const QUICK_WITHOUT_SESSION_IN_A_ROW: u32 = 6;
const SHORT_IN_A_ROW: u32 = 4;

/// What the loss of a connection says about other programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// To be logged: it is the first of these losses in a row.
    pub(crate) is_new: bool,
    /// This program has to wait before it reconnects. It need not while only the other one waits.
    pub(crate) slows_down: bool,
}

/// Counts losses in a row that look like takeovers.
#[derive(Debug, Default)]
pub(crate) struct TakeoverDetector {
    certain: u32,
    quick: u32,
    /// Of these, those in a row of which the broker knew the session.
    quick_with_session: u32,
    short: u32,
    is_logged: bool,
}

impl TakeoverDetector {
    /// Takes the next loss of a connection.
    ///
    /// Not every broker gives the reason for which it disconnects. Then a close is certainly a
    /// takeover if another program has published this one's presence; else a quick close is a
    /// suspicion, and several in a row a certainty: sooner if the broker knew the session, because a
    /// program that connects with a clean start ends it. A close that a message in flight may have
    /// caused says nothing either way, and one after a message that was sent alone, or before all was
    /// subscribed to without a session, is no takeover. A restarting broker is not mistaken for one:
    /// it refuses connections for a moment.
    pub(crate) fn observe(&mut self, loss: &Loss) -> Verdict {
        let lasted_below = |limit| loss.lasted.is_some_and(|lasted| lasted < limit);
        let is_quick = lasted_below(QUICK_LOSS) && (loss.session_present || loss.was_up);
        let is_short = loss.session_present && lasted_below(SHORT_CONNECTION);
        let is_certain = match loss.reason {
            Reason::Disconnected { code: ReasonCode::SESSION_TAKEN_OVER, .. } => true,
            Reason::Closed | Reason::Io(_) if loss.suspect.is_none() => {
                let is_suspicion = is_short || is_quick;
                if !loss.has_predecessor && is_suspicion && loss.blames_messages {
                    return Verdict::default();
                }
                loss.has_predecessor
            }
            _ => {
                *self = Self::default();
                return Verdict::default();
            }
        };
        if !is_certain && !is_short && !is_quick {
            *self = Self::default();
            return Verdict::default();
        }
        self.certain += u32::from(is_certain);
        self.quick = if is_quick { self.quick + 1 } else { 0 };
        let has_session = is_quick && loss.session_present;
        self.quick_with_session = if has_session { self.quick_with_session + 1 } else { 0 };
        self.short += u32::from(is_certain || is_short);
        let slows_down = is_certain && self.certain >= CERTAIN_IN_A_ROW
            || self.quick_with_session >= QUICK_IN_A_ROW
            || self.quick >= QUICK_WITHOUT_SESSION_IN_A_ROW;
        let is_one = slows_down || self.short >= SHORT_IN_A_ROW;
        let is_new = is_one && !self.is_logged;
        self.is_logged |= is_one;
        Verdict { is_new, slows_down }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: Verdict = Verdict { is_new: false, slows_down: false };
    const NEW: Verdict = Verdict { is_new: true, slows_down: true };
    const AGAIN: Verdict = Verdict { is_new: false, slows_down: true };
    const ONLY_LOGGED: Verdict = Verdict { is_new: true, slows_down: false };

    fn closed(lasted_ms: u64) -> Loss {
        let lasted = Some(Duration::from_millis(lasted_ms));
        Loss { lasted, session_present: true, was_up: true, ..Reason::Closed.into() }
    }

    fn disconnected(code: ReasonCode) -> Loss {
        let lasted = Some(Duration::from_secs(3600));
        Loss { lasted, ..Reason::Disconnected { code, text: None }.into() }
    }

    fn assert_observed(losses: &[(Loss, Verdict)]) {
        let mut detector = TakeoverDetector::default();
        for (number, (loss, verdict)) in losses.iter().enumerate() {
            assert_eq!(detector.observe(loss), *verdict, "loss {number}: {loss:?}");
        }
    }

    #[test]
    fn the_third_quick_close_in_a_row_is_a_takeover() {
        let quick = || closed(100);
        assert_observed(&[(quick(), NO), (quick(), NO), (quick(), NEW), (quick(), AGAIN)]);
        let healthy = || closed(60_000);
        assert_observed(&[(quick(), NO), (quick(), NO), (healthy(), NO), (quick(), NO)]);
    }

    #[test]
    fn a_program_with_a_clean_start_is_recognised_too() {
        // As Mosquitto 2.0.11 ends a gateway's connections for `mosquitto_sub -i`.
        let quick = || Loss { session_present: false, ..closed(1_050) };
        let after_five = |later: Vec<(Loss, Verdict)>| {
            let five = (0..5).map(|_| (quick(), NO));
            assert_observed(&Vec::from_iter(five.chain(later)));
        };
        after_five(vec![(quick(), NEW), (quick(), AGAIN)]);
        after_five(vec![(Reason::ConnectTimeout.into(), NO), (quick(), NO)]);
        after_five(vec![(closed(60_000), NO), (quick(), NO)]);
        // A broker that ends the connection because it does not allow to subscribe.
        let at_subscribe = || Loss { was_up: false, ..quick() };
        let blamed = || Loss { blames_messages: true, ..quick() };
        assert_observed(&std::array::from_fn::<_, 9, _>(|_| (at_subscribe(), NO)));
        assert_observed(&std::array::from_fn::<_, 9, _>(|_| (blamed(), NO)));
    }

    #[test]
    fn a_program_that_the_other_one_waits_for_says_so_too() {
        // As Mosquitto 2.0.11 ends the connections of the program that did not recognise it first.
        let lasted = [(96, NO), (5_900, NO), (5_967, NO), (7_689, ONLY_LOGGED), (8_000, NO)];
        let losses = lasted.map(|(lasted, verdict)| (closed(lasted), verdict));
        assert_observed(&losses);
        assert_observed(&[(closed(13_100), NO), (closed(100), NO), (closed(100), NO)]);
    }

    #[test]
    fn a_presence_of_another_program_makes_it_certain() {
        let seen = |lasted| Loss { has_predecessor: true, ..closed(lasted) };
        let lasted = [(3_069, NO), (96, NEW), (60_000, AGAIN)];
        assert_observed(&lasted.map(|(lasted, verdict)| (seen(lasted), verdict)));
    }

    #[test]
    fn a_message_that_ends_connections_is_not_a_takeover() {
        let quick = || closed(100);
        let suspect = || Loss { suspect: Some("t".into()), ..quick() };
        let blamed = || Loss { blames_messages: true, ..quick() };
        assert_observed(&[(suspect(), NO), (suspect(), NO), (suspect(), NO), (suspect(), NO)]);
        assert_observed(&[(blamed(), NO), (blamed(), NO), (blamed(), NO), (blamed(), NO)]);
        // A program that always sends something is recognised too.
        let busy = [(quick(), NO), (blamed(), NO), (quick(), NO), (blamed(), NO), (quick(), NEW)];
        assert_observed(&busy);
    }

    #[test]
    fn a_takeover_that_the_broker_reports_counts_the_second_time() {
        let taken = || disconnected(ReasonCode::SESSION_TAKEN_OVER);
        let other = || Loss::from(Reason::ConnectTimeout);
        assert_observed(&[(taken(), NO), (taken(), NEW), (taken(), AGAIN), (other(), NO)]);
        let again = [(taken(), NO), (taken(), NEW), (other(), NO), (taken(), NO), (taken(), NEW)];
        assert_observed(&again);
    }

    #[test]
    fn a_restarting_broker_is_not_a_takeover() {
        let mut detector = TakeoverDetector::default();
        let refused = Loss::from(Reason::ConnectTimeout);
        let forgotten = Loss { session_present: false, ..closed(100) };
        for _ in 0..5 {
            for loss in [&closed(100), &refused, &forgotten, &closed(60_000)] {
                assert_eq!(detector.observe(loss), NO);
            }
        }
    }

    #[test]
    fn distinguishes_a_takeover_and_a_close_from_other_reasons() {
        let reset = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let cases = [
            (disconnected(ReasonCode::SESSION_TAKEN_OVER).reason, CERTAIN_IN_A_ROW),
            (disconnected(ReasonCode(0x8B)).reason, u32::MAX),
            (Reason::Closed, QUICK_IN_A_ROW),
            (Reason::Io(reset()), QUICK_IN_A_ROW),
            (Reason::Silence, u32::MAX),
        ];
        for (reason, certain_at) in cases {
            let loss = Loss { reason, ..closed(100) };
            let mut detector = TakeoverDetector::default();
            for round in 1..=5 {
                let slows_down = detector.observe(&loss).slows_down;
                assert_eq!(slows_down, round >= certain_at, "{}", loss.reason);
            }
        }
    }
}
