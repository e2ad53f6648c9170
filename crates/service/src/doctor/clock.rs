//! Whether the clock of this machine can be right. Time zones do not matter: all moments are UTC.

use protocol::Timestamp;

use super::report::Check;
use crate::program::is_plausible_clock;

/// What is written and read within a moment may differ by so much.
const TOLERANCE_MS: i64 = 5_000;

/// How the clock is set.
const SET_IT: &str = "set the clock of this machine, and have NTP keep it (timedatectl set-ntp true; in \
                      a container, on the host), then restart the program";

/// `running`: the clock of the program that runs here, and this one's at that time. `written`: moments
/// that were recorded earlier, by what they are.
pub fn clock_checks(
    now: Timestamp,
    running: Option<(Timestamp, Timestamp)>,
    written: &[(&str, Timestamp)],
) -> Vec<Check> {
    let mut checks = Vec::new();
    if !is_plausible_clock() {
        checks.push(Check::failure("clock", format!("it shows {now}"), SET_IT));
    }
    if let Some((its, this)) = running
        && its.as_millis().abs_diff(this.as_millis()) > TOLERANCE_MS.unsigned_abs()
    {
        let found = format!("the program that runs shows {its}, and this one {this}");
        let remedy = "both must see one clock: look for what fakes it for one of them (LD_PRELOAD, \
                      faketime), then restart the program";
        checks.push(Check::failure("clock", found, remedy));
    }
    for (what, at) in written {
        if at.as_millis() > now.as_millis() + TOLERANCE_MS {
            let found = format!("it shows {now}, and {what} is of {at}");
            let remedy = format!("the clock was ahead then, or is behind now: {SET_IT}");
            checks.push(Check::failure("clock", found, remedy));
        }
    }
    if checks.is_empty() {
        checks.push(if running.is_none() && written.is_empty() {
            let found = format!("it shows {now}, and there is nothing here to compare it with");
            Check::unchecked("clock", found, "compare it with another clock: date -u")
        } else {
            let found = "nothing known here is later (if it is ahead, other machines see that)";
            Check::ok("clock", format!("it shows {now}, and {found}"))
        });
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn what_contradicts_the_clock_is_named() {
        let at = |seconds: i64| Timestamp::clamped(1_800_000_000_000 + seconds * 1_000);
        let now = at(0);
        let well = clock_checks(now, Some((at(1), now)), &[("the last write", at(-60))]);
        assert!(well.len() == 1 && well[0].verdict == Verdict::Ok, "{well:?}");
        let alone = clock_checks(now, None, &[]);
        assert!(alone.len() == 1 && alone[0].verdict == Verdict::Unchecked, "{alone:?}");
        let remedy = alone[0].remedy.as_deref().expect("a remedy");
        assert!(remedy.contains("date -u"), "{remedy}");
        let other = clock_checks(now, Some((at(-3600), now)), &[]);
        assert!(other[0].found.starts_with("the program that runs shows 2027-"), "{other:?}");
        let behind = clock_checks(now, None, &[("the last write", at(3600))]);
        assert!(behind[0].found.contains("the last write is of 2027-"), "{behind:?}");
        let remedy = behind[0].remedy.as_deref().expect("a remedy");
        assert!(
            behind[0].verdict == Verdict::Failure && remedy.contains("timedatectl"),
            "{remedy}"
        );
    }
}
