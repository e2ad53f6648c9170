//! Sessions whose begin and end are of clocks that differ.

use std::slice::from_ref;

use super::*;

#[test]
fn what_a_clock_that_is_ahead_reports_again_is_the_same() {
    let now = NOW.plus_millis(HOUR);
    let ahead = now.plus_millis(2 * MINUTE);
    let report = ReportedSession { inicio: NOW, ended: Some((ahead, reported(10.0))) };
    assert_eq!(report.recorded_at(now).fim(), Some(now));
    let recorded = [ended(now, 10.0)];
    let later = now.plus_millis(HOUR);
    let repeats = Ok(ReportEffect::Repeats(&recorded[0]));
    assert_eq!(report.effect_on(&recorded, later), repeats);
    let finished = recorded[0].finished.expect("it has ended");
    let again =
        decide_carregamento_finish(&recorded[0], reported(10.0), Some(ahead), &source(), later);
    assert_eq!(again, Ok(Effect::Already(finished)));
}

#[test]
fn a_clock_that_is_behind_ends_its_session() {
    let finish = |fim: i64, number, now: i64| {
        let (fim, now) = (NOW.plus_millis(fim), NOW.plus_millis(now));
        decide_carregamento_finish(&open_session(), reported(number), Some(fim), &source(), now)
    };
    let fim = |outcome| match outcome {
        Ok(Effect::Now(Finished { fim, .. })) => fim.as_millis() - NOW.as_millis(),
        other => panic!("it does not end: {other:?}"),
    };
    // 22 kW give 0.404 kWh in a minute, and 0.034 in five seconds.
    assert_eq!(fim(finish(-30_000, 0.0, 5000)), 0);
    assert_eq!(fim(finish(-30_000, 0.034, 5000)), 0, "it charged until now");
    assert_eq!(fim(finish(2000, 0.034, 5000)), 2000, "the end is as reported");
    let limit = |outcome| match outcome {
        Err(Rejection::EnergiaImplausivel { length_ms, .. }) => length_ms,
        other => panic!("it is plausible: {other:?}"),
    };
    assert_eq!(limit(finish(-30_000, 0.035, 5000)), 5000, "not longer than until now");
    assert_eq!(limit(finish(MINUTE, 3.0, HOUR)), 6 * MINUTE, "nor longer than clocks differ");
    assert_eq!(limit(finish(6 * MINUTE, 3.0, 5 * MINUTE)), 6 * MINUTE, "one that is ahead");
}

#[test]
fn an_end_before_the_begin_is_reported_again() {
    let finish = |session: &Carregamento, number, before: i64| {
        let (fim, now) = (NOW.plus_millis(-before), NOW.plus_millis(5000));
        decide_carregamento_finish(session, reported(number), Some(fim), &source(), now)
    };
    let at_begin = ended(NOW, 0.0);
    let finished = at_begin.finished.expect("it has ended");
    assert_eq!(finish(&open_session(), 0.0, 30_000), Ok(Effect::Now(finished)));
    assert_eq!(finish(&at_begin, 0.0, 30_000), Ok(Effect::Already(finished)));
    let report =
        ReportedSession { inicio: NOW, ended: Some((NOW.plus_millis(-30_000), reported(0.0))) };
    let repeats = Ok(ReportEffect::Repeats(&at_begin));
    assert_eq!(report.effect_on(from_ref(&at_begin), NOW.plus_millis(HOUR)), repeats);
    let encerrado = Err(Rejection::CarregamentoEncerrado { id: 7 });
    assert_eq!(finish(&at_begin, 0.1, 30_000), encerrado);
    assert_eq!(finish(&ended(NOW.plus_millis(1), 0.0), 0.0, 30_000), encerrado);
}

#[test]
fn a_session_ends_also_after_the_clock_was_set_back() {
    let earlier = NOW.plus_millis(-HOUR);
    let finish = |session: &Carregamento, fim| {
        decide_carregamento_finish(session, reported(20.0), fim, &source(), earlier)
    };
    let at_begin = ended(NOW, 20.0);
    let finished = at_begin.finished.expect("it has ended");
    // By how much it was set back is not known, and so not how long the carro charged.
    for fim in [None, Some(earlier), Some(NOW), Some(NOW.plus_millis(5 * MINUTE))] {
        assert_eq!(finish(&open_session(), fim), Ok(Effect::Now(finished)), "{fim:?}");
        assert_eq!(finish(&at_begin, fim), Ok(Effect::Already(finished)), "{fim:?}");
    }
    let future = Err(Rejection::SessionTimes(vec![SessionTimeError::FimInFuture]));
    assert_eq!(finish(&open_session(), Some(NOW.plus_millis(5 * MINUTE + 1))), future);
    let correction = Correction {
        inicio: Some(earlier.plus_millis(-HOUR)),
        fim: Some(earlier),
        ..Correction::default()
    };
    let corrected =
        decide_carregamento_correction(&at_begin, &correction, &source(), None, earlier);
    assert!(matches!(corrected, Ok(Effect::Now((_, end))) if end.fim == earlier), "{corrected:?}");
}
