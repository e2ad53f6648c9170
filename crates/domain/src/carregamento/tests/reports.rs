//! Sessions that are reported afterwards, and corrected.

use std::slice::from_ref;

use super::*;

#[test]
fn what_has_happened_is_refused_only_if_it_cannot_have() {
    let now = NOW.plus_millis(HOUR);
    let price = Price::new(2.5).expect("a price");
    let decide = |inicio, ended: Option<(Moment, f64)>, overlapping| {
        let ended = ended.map(|(fim, number)| (fim, reported(number)));
        let session = ReportedSession { inicio, ended };
        decide_carregamento_report(&session, price, &source(), overlapping, now)
    };
    assert_eq!(decide(NOW, None, None), Ok(None));
    assert_eq!(decide(now, None, None), Ok(None));
    let finished = decide(NOW, Some((now, 24.2)), None).expect("it can have happened");
    assert_eq!(finished.map(|finished| (finished.fim, finished.custo.get())), Some((now, 6050)));
    let overlaps = Err(Rejection::CarregamentoSobreposto { id: 3 });
    assert_eq!(decide(NOW, None, Some(3)), overlaps);
    let implausible = decide(NOW, Some((now, 24.201)), None);
    let limit = (HOUR, 24_200);
    assert!(
        matches!(implausible, Err(Rejection::EnergiaImplausivel { length_ms, limite_wh, .. })
            if (length_ms, limite_wh) == limit),
        "{implausible:?}"
    );
    let campos = |outcome| match outcome {
        Err(Rejection::SessionTimes(errors)) => {
            errors.into_iter().map(SessionTimeError::campo).collect()
        }
        _ => Vec::new(),
    };
    let fim = decide(NOW, Some((now.plus_millis(5 * MINUTE), 26.2)), None).expect("plausible");
    assert_eq!(fim.map(|finished| finished.fim), Some(now), "a clock that is ahead");
    let later = now.plus_millis(5 * MINUTE + 1);
    assert_eq!(campos(decide(later, None, None)), ["inicio"]);
    assert_eq!(campos(decide(NOW, Some((later, 0.0)), None)), ["fim"]);
    assert_eq!(campos(decide(later, Some((later, 0.0)), Some(3))), ["inicio", "fim"]);
    assert_eq!(campos(decide(later, Some((now, 0.0)), None)), ["inicio"]);
    assert_eq!(campos(decide(now, Some((NOW, 0.0)), None)), ["fim"]);
    // A charger that has lost its clock.
    let (begun, ended) = (Moment::from_millis(10_000), Moment::from_millis(HOUR));
    let today = Moment::from_millis(1_800_000_000_000);
    let report = |inicio, ended: Option<(Moment, f64)>, now| {
        let ended = ended.map(|(fim, number)| (fim, reported(number)));
        let session = ReportedSession { inicio, ended };
        decide_carregamento_report(&session, price, &source(), None, now)
    };
    assert_eq!(campos(report(begun, Some((ended, 1.0)), today)), ["inicio"]);
    assert_eq!(campos(report(begun, Some((begun.plus_millis(-1), 1.0)), today)), ["inicio"]);
    assert_eq!(campos(report(Moment::from_millis(1_577_836_799_999), None, today)), ["inicio"]);
    assert_eq!(report(Moment::from_millis(1_577_836_800_000), None, today), Ok(None));
    assert_eq!(report(begun, None, ended), Ok(None), "the servidor has lost its clock, too");
}

#[test]
fn a_report_is_about_the_session_with_its_begin() {
    use ReportEffect::{Ends, New, Repeats};
    let end = NOW.plus_millis(HOUR);
    let report = |ended: Option<(Moment, f64)>| ReportedSession {
        inicio: NOW,
        ended: ended.map(|(fim, number)| (fim, reported(number))),
    };
    let begin = report(None);
    let whole = report(Some((end, 10.0)));
    let others = [report(Some((end, 10.1))), report(Some((end.plus_millis(-1), 10.0)))];
    let open = open_session();
    let same = ended(end, 10.0);
    let corrected = Carregamento { corrigido_em: Some(end), ..ended(end, 12.0) };
    fn effect<'a>(
        report: &ReportedSession,
        recorded: &'a [Carregamento],
    ) -> Result<ReportEffect<'a>, Rejection> {
        report.effect_on(recorded, NOW.plus_millis(HOUR))
    }

    assert_eq!((effect(&begin, &[]), effect(&whole, &[])), (Ok(New), Ok(New)));
    for recorded in [&open, &same, &corrected] {
        assert_eq!(effect(&begin, from_ref(recorded)), Ok(Repeats(recorded)), "whatever followed");
    }
    let ends = Ok(Ends(&open, end, reported(10.0)));
    assert_eq!(effect(&whole, from_ref(&open)), ends);
    assert_eq!(effect(&whole, from_ref(&same)), Ok(Repeats(&same)));
    let otherwise = Err(Rejection::CarregamentoEncerrado { id: same.id });
    for other in &others {
        assert_eq!(effect(other, from_ref(&same)), otherwise);
        // What a correction has replaced may be any of them.
        assert_eq!(effect(other, from_ref(&corrected)), Ok(Repeats(&corrected)));
    }
    let future = report(Some((end.plus_millis(5 * MINUTE + 1), 10.0)));
    let times = Err(Rejection::SessionTimes(vec![SessionTimeError::FimInFuture]));
    assert_eq!(effect(&future, from_ref(&same)), times, "it has not happened");
    // The others ended at the moment of their begin.
    let several = [corrected.clone(), ended(NOW, 0.0), open.clone()];
    assert_eq!(effect(&whole, &several), ends);
}

#[test]
fn only_what_began_before_was_at_a_posto_that_was_removed() {
    let end = NOW.plus_millis(HOUR);
    for (ended, removed_at, is_known) in [
        (false, None, true),
        (true, None, true),
        (true, Some(NOW.plus_millis(1)), true),
        (true, Some(end), true),
        (true, Some(NOW), false),
        (false, Some(end), false),
    ] {
        let ended = ended.then_some((end, reported(1.0)));
        let session = ReportedSession { inicio: NOW, ended };
        assert_eq!(session.is_known_at(removed_at), is_known, "{session:?} {removed_at:?}");
    }
}

#[test]
fn a_correction_costs_anew_at_the_agreed_price() {
    let now = NOW.plus_millis(2 * HOUR);
    let end = NOW.plus_millis(HOUR);
    let session = ended(end, 10.0);
    let correct = |correction: Correction, overlapping| {
        decide_carregamento_correction(&session, &correction, &source(), overlapping, now)
    };
    let none = Correction::default();
    let energy = |number| Correction { energia_fornecida: Some(kwh(number)), ..none };
    let same = Correction { inicio: Some(NOW), fim: Some(end), ..energy(10.0) };
    for unchanged in [none, same] {
        let finished = session.finished.expect("it has ended");
        assert_eq!(correct(unchanged, Some(3)), Ok(Effect::Already((NOW, finished))));
    }
    let Ok(Effect::Now((inicio, finished))) = correct(energy(20.0), Some(3)) else {
        panic!("its times stay, so nothing overlaps that did not before")
    };
    assert_eq!((inicio, finished.fim, finished.custo.get()), (NOW, end, 5000));
    let earlier = Correction { inicio: Some(NOW.plus_millis(-HOUR)), ..energy(48.4) };
    assert_eq!(correct(earlier, Some(3)), Err(Rejection::CarregamentoSobreposto { id: 3 }));
    let Ok(Effect::Now((inicio, finished))) = correct(earlier, None) else {
        panic!("nothing overlaps")
    };
    assert_eq!((inicio, finished.fim, finished.custo.get()), (NOW.plus_millis(-HOUR), end, 12_100));
    let implausible = |outcome| matches!(outcome, Err(Rejection::EnergiaImplausivel { .. }));
    assert!(implausible(correct(energy(24.201), None)));
    assert!(correct(Correction { confirmado: true, ..energy(24.201) }, None).is_ok());
    let shorter = Correction { fim: Some(NOW.plus_millis(1000)), ..none };
    assert!(implausible(correct(shorter, None)), "its energy took longer");
    let times = |error| Err(Rejection::SessionTimes(vec![error]));
    let future = Correction { fim: Some(now.plus_millis(5 * MINUTE + 1)), ..none };
    assert_eq!(correct(future, None), times(SessionTimeError::FimInFuture));
    let late = Correction { inicio: Some(end.plus_millis(1)), ..none };
    assert_eq!(correct(late, None), times(SessionTimeError::FimBeforeInicio));
    let open = decide_carregamento_correction(&open_session(), &energy(1.0), &source(), None, now);
    assert_eq!(open, Err(Rejection::CarregamentoAberto { id: 7 }));
}
