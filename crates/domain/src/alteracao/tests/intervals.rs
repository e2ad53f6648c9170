//! Which intervals a change may ask for.

use super::*;

const DAY: i64 = 24 * 60 * MINUTE;

#[test]
fn intervals_are_bounded_as_those_of_reservations_and_what_was_agreed_stays() {
    let rules = Rules {
        maxima: Duration::from_secs(2 * 86_400),
        antecedencia: Duration::from_secs(7 * 86_400),
        ..Rules::default()
    };
    let too_long = || IntervalError::TooLong { maxima: rules.maxima };
    let too_far = || IntervalError::TooFarAhead { antecedencia: rules.antecedencia };
    let ahead = interval(DAY, 2 * DAY);
    let begun = interval(-DAY, DAY);
    // Agreed while the rules were others.
    let old = interval(8 * DAY, 12 * DAY);
    for (agreed, (inicio, fim), expected) in [
        (ahead, (None, Some(3 * DAY)), Ok(interval(DAY, 3 * DAY))),
        (ahead, (None, Some(3 * DAY + 1)), Err(vec![too_long()])),
        (ahead, (Some(0), None), Ok(interval(0, 2 * DAY))),
        (ahead, (Some(7 * DAY), Some(8 * DAY)), Ok(interval(7 * DAY, 8 * DAY))),
        (ahead, (Some(7 * DAY + 5 * MINUTE + 1), Some(8 * DAY)), Err(vec![too_far()])),
        (ahead, (Some(2 * DAY), None), Err(vec![IntervalError::InicioNotBeforeFim])),
        (ahead, (None, Some(DAY)), Err(vec![IntervalError::FimNotAfterInicio])),
        (ahead, (None, Some(-DAY)), Err(vec![IntervalError::FimInPast])),
        (ahead, (Some(-5 * MINUTE), Some(DAY)), Ok(interval(0, DAY))),
        (ahead, (Some(-5 * MINUTE - 1), None), Err(vec![IntervalError::InicioInPast])),
        (ahead, (Some(-2 * MINUTE), Some(-MINUTE)), Err(vec![IntervalError::FimInPast])),
        // Both are named at once, unless one follows from the other.
        (
            ahead,
            (Some(-DAY), Some(-MINUTE)),
            Err(vec![IntervalError::InicioInPast, IntervalError::FimInPast]),
        ),
        (ahead, (Some(8 * DAY), Some(12 * DAY)), Err(vec![too_far(), too_long()])),
        (ahead, (Some(8 * DAY), Some(9 * DAY)), Err(vec![too_far()])),
        (ahead, (Some(8 * DAY), Some(3 * DAY)), Err(vec![too_far()])),
        (ahead, (Some(-DAY), Some(2 * DAY)), Err(vec![IntervalError::InicioInPast])),
        (begun, (Some(0), Some(DAY)), Err(vec![IntervalError::InicioBegun])),
        (begun, (Some(0), Some(2 * DAY)), Err(vec![IntervalError::InicioBegun, too_long()])),
        (
            begun,
            (Some(DAY), Some(-1)),
            Err(vec![IntervalError::InicioBegun, IntervalError::FimInPast]),
        ),
        // The part that has passed counts too.
        (begun, (None, Some(DAY + 1)), Err(vec![too_long()])),
        (begun, (None, Some(MINUTE)), Ok(interval(-DAY, MINUTE))),
        (begun, (None, Some(0)), Err(vec![IntervalError::FimInPast])),
        (begun, (Some(0), None), Err(vec![IntervalError::InicioBegun])),
        (begun, (Some(-2 * DAY), None), Err(vec![IntervalError::InicioBegun])),
        (begun, (Some(2 * DAY), None), Err(vec![IntervalError::InicioBegun])),
        (begun, (Some(-DAY), Some(MINUTE)), Ok(interval(-DAY, MINUTE))),
        (old, (None, None), Ok(old)),
        (old, (Some(8 * DAY), Some(12 * DAY)), Ok(old)),
        (old, (None, Some(10 * DAY)), Ok(interval(8 * DAY, 10 * DAY))),
        (old, (None, Some(11 * DAY)), Err(vec![too_long()])),
    ] {
        let change = to(None, inicio, fim);
        assert_eq!(change.interval(agreed, &rules, NOW), expected, "{agreed:?} {change:?}");
    }
}
