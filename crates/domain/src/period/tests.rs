use proptest::prelude::*;

use super::*;

/// 2026-11-23T00:00:00Z, a Monday.
const MONDAY: i64 = 1_795_392_000_000;

fn steps(from: i64, hours: i64, passo: Passo, fuso: &str) -> Vec<(i64, i64)> {
    let (de, fuso) = (Moment::from_millis(from), Fuso::parse(fuso).expect("an offset"));
    let ate = de.plus_millis(hours * HOUR_MS);
    let steps = Steps::new(de, ate, passo, fuso).expect("a period");
    // In hours since it begins.
    let hour = |moment: Moment| (moment.as_millis() - from) / HOUR_MS;
    steps.iter().map(|(begin, end)| (hour(begin), hour(end))).collect()
}

#[test]
fn steps_begin_by_the_local_calendar() {
    assert_eq!(steps(MONDAY, 3, Passo::Hora, "-03:00"), [(0, 1), (1, 2), (2, 3)]);
    assert_eq!(steps(MONDAY, 30, Passo::Dia, "+00:00"), [(0, 24), (24, 30)]);
    assert_eq!(steps(MONDAY, 30, Passo::Dia, "-03:00"), [(0, 3), (3, 27), (27, 30)]);
    assert_eq!(steps(MONDAY, 30, Passo::Dia, "+14:00"), [(0, 10), (10, 30)]);
    assert_eq!(steps(MONDAY, 14 * 24, Passo::Semana, "+00:00"), [(0, 168), (168, 336)]);
    assert_eq!(steps(MONDAY, 168, Passo::Semana, "-03:00"), [(0, 3), (3, 168)]);
    // November has 30 days, December and January have 31.
    let (december, january) = (8 * 24 + 3, 39 * 24 + 3);
    let months = [(0, december), (december, january), (january, 70 * 24)];
    assert_eq!(steps(MONDAY, 70 * 24, Passo::Mes, "-03:00"), months);
    let years = [(0, january), (january, 70 * 24)];
    assert_eq!(steps(MONDAY, 70 * 24, Passo::Ano, "-03:00"), years);
}

#[test]
fn a_period_has_whole_hours_and_a_bounded_number_of_steps() {
    let moment = |millis: i64| Moment::from_millis(MONDAY + millis);
    let new = |de, ate| Steps::new(de, ate, Passo::Hora, Fuso::default());
    let period = new(moment(1), moment(HOUR_MS + 1)).expect("a period");
    assert_eq!((period.inicio(), period.fim()), (moment(0), moment(2 * HOUR_MS)));
    assert_eq!(period.whole().iter().collect::<Vec<_>>(), [(moment(0), moment(2 * HOUR_MS))]);
    let most = new(moment(0), moment(1000 * HOUR_MS)).expect("a period");
    assert_eq!(most.iter().count(), Steps::MAX);
    let error = new(moment(0), moment(1000 * HOUR_MS + 1)).expect_err("too many");
    assert_eq!((error, error.campo()), (PeriodError::TooManySteps { passo: Passo::Hora }, "passo"));
    let sentence =
        "hora dá mais de 1000 passos neste período: peça passos maiores ou um período menor";
    assert_eq!(error.to_string(), sentence);
    for ate in [0, -1] {
        let error = new(moment(0), moment(ate)).expect_err("no period");
        assert_eq!((error, error.campo()), (PeriodError::NotBeforeEnd, "de"));
    }
    let outside = [moment(-1), moment(2 * HOUR_MS)];
    assert!(outside.iter().all(|moment| period.find(*moment).is_none()));
    assert_eq!(
        (period.find(moment(HOUR_MS - 1)), period.find(moment(HOUR_MS))),
        (Some(0), Some(1))
    );
    // The ends of time.
    let far = Moment::MAX;
    assert!(Steps::new(far, far.plus_millis(1), Passo::Ano, Fuso::default()).is_err());
}

#[test]
fn offsets_are_whole_hours() {
    for (text, hours) in
        [("-03:00", -3), ("+00:00", 0), ("-00:00", 0), ("+14:00", 14), ("-12:00", -12)]
    {
        assert_eq!(Fuso::parse(text), Ok(Fuso { hours }));
    }
    for text in
        ["-13:00", "+15:00", "-03:30", "-3:00", "03:00", "-0300", "Z", "", "-+3:00", "−03:00"]
    {
        let error = Fuso::parse(text).expect_err(text).to_string();
        assert!(error.ends_with("por exemplo -03:00"), "{text}: {error}");
    }
    for text in ["-03:00", "+00:00", "+11:00"] {
        assert_eq!(Fuso::parse(text).expect("an offset").to_string(), text);
    }
    let pattern = regex::Regex::new(Fuso::PATTERN).expect("a pattern");
    for (sign, hours) in
        ["+", "-"].into_iter().flat_map(|sign| (0..100).map(move |hours| (sign, hours)))
    {
        for minutes in ["00", "30"] {
            let text = format!("{sign}{hours:02}:{minutes}");
            assert_eq!(pattern.is_match(&text), Fuso::parse(&text).is_ok(), "{text}");
        }
    }
}

#[test]
fn days_before_begin_at_local_midnight() {
    let brasilia = Fuso::default();
    let days = |millis, days| brasilia.days_before(Moment::from_millis(millis), days).as_millis();
    assert_eq!(days(MONDAY, 0), MONDAY - 21 * HOUR_MS);
    assert_eq!(days(MONDAY + 3 * HOUR_MS, 0), MONDAY + 3 * HOUR_MS);
    assert_eq!(days(MONDAY + 3 * HOUR_MS - 1, 6), MONDAY - 21 * HOUR_MS - 6 * DAY_MS);
}

#[test]
fn months_have_the_lengths_that_the_calendar_says() {
    let mut day = first_day(1600, 1);
    assert_eq!(first_day(1970, 1), 0);
    for year in 1600..2600 {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if is_leap { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, length) in (1..).zip(lengths) {
            assert_eq!(first_day(year, month), day, "{year}-{month}");
            assert_eq!(month_of(day), (year, month));
            day += length;
            assert_eq!(month_of(day - 1), (year, month));
        }
    }
}

proptest! {
    #[test]
    fn steps_have_no_gaps_and_none_is_longer_than_it_may_be(
        from in -10_000_000i64..30_000_000,
        hours in 1i64..9000,
        hour in -12i64..=14,
        passo in proptest::sample::select(Passo::ALL),
    ) {
        let (de, fuso) = (Moment::from_millis(from * HOUR_MS), Fuso { hours: hour });
        let ate = de.plus_millis(hours * HOUR_MS);
        let Ok(steps) = Steps::new(de, ate, passo, fuso) else {
            prop_assert!(passo == Passo::Hora && hours > 1000);
            return Ok(());
        };
        let (shortest, longest) = match passo {
            Passo::Hora => (1, 1),
            Passo::Dia => (24, 24),
            Passo::Semana => (168, 168),
            Passo::Mes => (28 * 24, 31 * 24),
            Passo::Ano => (365 * 24, 366 * 24),
        };
        let last = steps.iter().count() - 1;
        let mut end = de;
        for (index, (begin, next)) in steps.iter().enumerate() {
            prop_assert_eq!(begin, end);
            let length = (next.as_millis() - begin.as_millis()) / HOUR_MS;
            prop_assert!(length > 0 && length <= longest);
            prop_assert!(length >= shortest || index == 0 || index == last);
            prop_assert_eq!(steps.find(begin), Some(index));
            end = next;
        }
        prop_assert_eq!(end, ate);
    }
}
