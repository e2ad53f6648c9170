use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Those of the seed's system.
const MAX_LENGTH: i64 = 31 * DAY;
const RULES: fn() -> Rules = Rules::default;

fn at(millis: i64) -> Moment {
    Moment::from_millis(millis)
}

/// What was left out is not what is wrong.
#[test]
fn an_old_inicio_is_blamed_for_the_fim_that_follows_from_it() {
    let now = at(100 * DAY);
    let ask = |inicio: i64, fim: Option<i64>| {
        let fim = fim.map(at);
        RequestedInterval { inicio: Some(at(inicio)), fim }
            .resolve(&RULES(), now)
            .map_err(|wrong| wrong.into_iter().map(IntervalError::campo).collect::<Vec<_>>())
    };
    assert_eq!(ask(90 * DAY, None), Err(vec!["inicio"]));
    assert_eq!(ask(90 * DAY, Some(91 * DAY)), Err(vec!["inicio", "fim"]));
    assert_eq!(ask(90 * DAY, Some(101 * DAY)), Err(vec!["inicio"]));
}

#[test]
fn both_ends_are_named_at_once_unless_one_error_follows_from_the_other() {
    use IntervalError::{FimInPast, FimNotAfterInicio, InicioInPast};
    let (now, rules) = (at(1_000 * DAY), RULES());
    let too_far = IntervalError::TooFarAhead { antecedencia: rules.antecedencia };
    let too_long = IntervalError::TooLong { maxima: rules.maxima };
    for (inicio, fim, expected) in [
        (-2 * HOUR, -HOUR, vec![InicioInPast, FimInPast]),
        // Also where `fim` is before `inicio`: a later `fim` alone would still be in the past.
        (-HOUR, -2 * HOUR, vec![InicioInPast, FimInPast]),
        (-MINUTE, -2 * MINUTE, vec![FimInPast]),
        (-HOUR, 32 * DAY, vec![InicioInPast, too_long]),
        (100 * DAY, 140 * DAY, vec![too_far, too_long]),
        (100 * DAY, -HOUR, vec![too_far, FimInPast]),
        // Too long from the last `inicio` that is possible, though not from this one.
        (100 * DAY, 125 * DAY, vec![too_far, too_long]),
        // Right with another `inicio`.
        (-10 * DAY, 30 * DAY, vec![InicioInPast]),
        (100 * DAY, 120 * DAY, vec![too_far]),
        (100 * DAY, 80 * DAY, vec![too_far]),
        (2 * HOUR, HOUR, vec![FimNotAfterInicio]),
    ] {
        let asked = RequestedInterval {
            inicio: Some(now.plus_millis(inicio)),
            fim: Some(now.plus_millis(fim)),
        };
        assert_eq!(asked.resolve(&rules, now), Err(expected), "{inicio} {fim}");
    }
}

/// An app sends its own now.
#[test]
fn a_clock_that_is_a_little_ahead_is_no_future() {
    let now = at(100 * DAY);
    for antecedencia in [Duration::ZERO, crate::DAY] {
        let rules = Rules { antecedencia, ..RULES() };
        let latest = now + antecedencia + CLOCK_TOLERANCE;
        let ask = |inicio| RequestedInterval { inicio: Some(inicio), fim: None };
        let interval = ask(latest).resolve(&rules, now).expect("5 minutes ahead");
        assert_eq!(interval.inicio(), latest);
        let too_far = vec![IntervalError::TooFarAhead { antecedencia }];
        assert_eq!(ask(latest.plus_millis(1)).resolve(&rules, now), Err(too_far));
    }
}

#[test]
fn the_default_is_24_hours_from_now() {
    let now = at(1_000_000_000);
    let interval = RequestedInterval::default().resolve(&RULES(), now).expect("the default");
    assert_eq!((interval.inicio(), interval.fim()), (now, now.plus_millis(DAY)));
}

#[test]
fn one_missing_end_follows_the_other() {
    let now = at(1_000_000_000);
    let inicio = now.plus_millis(HOUR);
    let open = RequestedInterval { inicio: Some(inicio), fim: None }
        .resolve(&RULES(), now)
        .expect("from then");
    assert_eq!(open.fim(), inicio.plus_millis(DAY));
    let until = RequestedInterval { inicio: None, fim: Some(inicio) }
        .resolve(&RULES(), now)
        .expect("until then");
    assert_eq!((until.inicio(), until.fim()), (now, inicio));
}

#[test]
fn past_empty_and_too_long_intervals_are_refused() {
    let now = at(1_000_000_000);
    let interval = |inicio: i64, fim: i64| RequestedInterval {
        inicio: Some(now.plus_millis(inicio)),
        fim: Some(now.plus_millis(fim)),
    };
    for (asked, expected) in [
        (interval(HOUR, HOUR), IntervalError::FimNotAfterInicio),
        (interval(2 * HOUR, HOUR), IntervalError::FimNotAfterInicio),
        (interval(-HOUR, HOUR), IntervalError::InicioInPast),
        (interval(0, MAX_LENGTH + 1), IntervalError::TooLong { maxima: RULES().maxima }),
        (RequestedInterval { inicio: None, fim: Some(now) }, IntervalError::FimInPast),
    ] {
        assert_eq!(asked.resolve(&RULES(), now), Err(vec![expected]), "{asked:?}");
    }
    let late = interval(-MINUTE, HOUR).resolve(&RULES(), now).expect("a little late");
    assert_eq!(late.inicio(), now);
}

proptest! {
    #[test]
    fn intervals_overlap_if_they_share_a_moment(a in 0i64..50, b in 1i64..50, c in 0i64..50, d in 1i64..50) {
        let one = Interval::new(at(a), at(a + b)).expect("not empty");
        let other = Interval::new(at(c), at(c + d)).expect("not empty");
        let common = (0..100).any(|moment| one.contains(at(moment)) && other.contains(at(moment)));
        prop_assert_eq!(one.overlaps(other), common);
        prop_assert_eq!(other.overlaps(one), common);
    }

    #[test]
    fn a_resolved_interval_is_never_past_nor_too_long(
        now in 0i64..i64::MAX / 4,
        inicio in proptest::option::of(any::<i64>()),
        fim in proptest::option::of(any::<i64>()),
    ) {
        let interval = RequestedInterval { inicio: inicio.map(at), fim: fim.map(at) };
        if let Ok(interval) = interval.resolve(&RULES(), at(now)) {
            prop_assert!(interval.inicio() >= at(now));
            prop_assert!(interval.fim() > interval.inicio());
            prop_assert!(interval.fim().as_millis() - interval.inicio().as_millis() <= MAX_LENGTH);
        }
    }
}

#[test]
fn one_day_is_said_as_one_and_none_as_no_future() {
    let day = crate::DAY;
    for (error, expected) in [
        (IntervalError::TooLong { maxima: day }, "deve ser no máximo 1 dia depois de inicio"),
        (IntervalError::TooLong { maxima: 2 * day }, "deve ser no máximo 2 dias depois de inicio"),
        (
            IntervalError::TooFarAhead { antecedencia: day },
            "deve ser no máximo 1 dia depois de agora",
        ),
        (IntervalError::TooFarAhead { antecedencia: Duration::ZERO }, "não pode ser no futuro"),
    ] {
        assert_eq!(error.to_string(), expected);
    }
}
