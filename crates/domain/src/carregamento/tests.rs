use std::slice::from_ref;
use std::time::Duration;

use super::*;
use crate::Interval;

mod clocks;

const NOW: Moment = Moment::from_millis(10_000_000);
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn placa(text: &str) -> Placa {
    Placa::new(text).expect("a placa")
}

fn posto() -> PostoFacts {
    PostoFacts {
        nome: "Ponto 5".to_owned(),
        in_service: true,
        em_manutencao: false,
        charging: None,
        potencia_maxima: 22.0,
        preco_kwh: Price::default(),
    }
}

#[test]
fn only_the_holder_may_charge_while_a_posto_is_held() {
    let held = [Holding {
        placa: Some(placa("ABC1234")),
        interval: Interval::new(NOW, NOW.plus_millis(10)).expect("not empty"),
    }];
    let start = |plate, now| decide_carregamento_start(&placa(plate), &posto(), &held, None, now);
    assert_eq!(start("ABC1234", NOW), Ok(Effect::Now(())));
    assert_eq!(
        start("XYZ9876", NOW),
        Err(Rejection::PostoReservado { nome: "Ponto 5".to_owned() })
    );
    assert_eq!(start("XYZ9876", NOW.plus_millis(10)), Ok(Effect::Now(())));
}

#[test]
fn a_posto_charges_one_carro_and_only_in_service() {
    let start = |posto| decide_carregamento_start(&placa("ABC1234"), &posto, &[], None, NOW);
    assert_eq!(start(posto()), Ok(Effect::Now(())));
    let here_already = PostoFacts { charging: Some(placa("ABC1234")), ..posto() };
    assert_eq!(start(here_already), Ok(Effect::Already(())));
    assert!(start(PostoFacts { charging: Some(placa("XYZ9876")), ..posto() }).is_err());
    assert!(start(PostoFacts { in_service: false, ..posto() }).is_err());
    assert!(start(PostoFacts { em_manutencao: true, ..posto() }).is_err());
    let elsewhere =
        decide_carregamento_start(&placa("ABC1234"), &posto(), &[], Some("Ponto 6"), NOW);
    assert_eq!(elsewhere, Err(Rejection::CarroEmCarregamento { nome: "Ponto 6".to_owned() }));
}

fn kwh(number: f64) -> Kwh {
    Kwh::new(number).expect("energy")
}

fn reported(number: f64) -> ReportedEnergy {
    ReportedEnergy { energia_fornecida: kwh(number), confirmado: false }
}

/// It gives 24.2 kWh in an hour, and a tenth of that in six minutes.
fn source() -> EnergySource {
    EnergySource { nome: "Ponto 5".to_owned(), potencia_maxima: 22.0 }
}

fn open_session() -> Carregamento {
    Carregamento {
        id: 7,
        posto_id: 5,
        placa: Some(placa("ABC1234")),
        inicio: NOW,
        preco_kwh: Price::new(2.5).expect("a price"),
        finished: None,
        reserva_id: None,
        corrigido_em: None,
    }
}

fn ended(fim: Moment, number: f64) -> Carregamento {
    let session = open_session();
    let finished = Finished::new(fim, kwh(number), session.preco_kwh);
    Carregamento { finished: Some(finished), ..session }
}

#[test]
fn finishing_twice_is_the_same_as_once_unless_it_is_another_end() {
    let end = NOW.plus_millis(HOUR);
    let finish = |session: &Carregamento, number, fim, now| {
        decide_carregamento_finish(session, reported(number), fim, &source(), now)
    };
    let Ok(Effect::Now(finished)) = finish(&open_session(), 10.0, None, end) else {
        panic!("an open session did not end")
    };
    assert_eq!((finished.fim, finished.custo), (end, 25.0));
    let session = Carregamento { finished: Some(finished), ..open_session() };
    for fim in [None, Some(end)] {
        let again = finish(&session, 10.0, fim, end.plus_millis(9));
        assert_eq!(again, Ok(Effect::Already(finished)));
    }
    let encerrado = Err(Rejection::CarregamentoEncerrado { id: 7 });
    assert_eq!(finish(&session, 11.0, None, end), encerrado);
    assert_eq!(finish(&session, 10.0, Some(end.plus_millis(-1)), end), encerrado);
    // What a correction has replaced may be any of them.
    let corrected = Carregamento { corrigido_em: Some(end), ..session };
    for (number, fim) in [(11.0, None), (10.0, Some(end.plus_millis(-1)))] {
        assert_eq!(finish(&corrected, number, fim, end), Ok(Effect::Already(finished)));
    }
}

#[test]
fn a_session_ends_at_a_time_that_it_can_have_ended() {
    use SessionTimeError::{FimBeforeInicio, FimInFuture};
    let now = NOW.plus_millis(HOUR);
    let finish = |fim, now| {
        let energy = ReportedEnergy { confirmado: true, ..reported(1.0) };
        match decide_carregamento_finish(&open_session(), energy, fim, &source(), now) {
            Ok(Effect::Now(finished)) => Ok(finished.fim),
            Ok(Effect::Already(_)) => panic!("it was open"),
            Err(rejection) => Err(rejection),
        }
    };
    let wrong = |error| Err(Rejection::SessionTimes(vec![error]));
    assert_eq!(finish(Some(NOW), now), Ok(NOW));
    assert_eq!(finish(Some(now), now), Ok(now));
    assert_eq!(finish(Some(now.plus_millis(5 * MINUTE)), now), Ok(now), "a clock that is ahead");
    assert_eq!(finish(Some(now.plus_millis(5 * MINUTE + 1)), now), wrong(FimInFuture));
    assert_eq!(finish(Some(NOW.plus_millis(-5 * MINUTE)), now), Ok(NOW), "a clock that is behind");
    assert_eq!(finish(Some(NOW.plus_millis(-5 * MINUTE - 1)), now), wrong(FimBeforeInicio));
}

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
    assert_eq!(finished.map(|finished| (finished.fim, finished.custo)), Some((now, 60.5)));
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
    assert_eq!((inicio, finished.fim, finished.custo), (NOW, end, 50.0));
    let earlier = Correction { inicio: Some(NOW.plus_millis(-HOUR)), ..energy(48.4) };
    assert_eq!(correct(earlier, Some(3)), Err(Rejection::CarregamentoSobreposto { id: 3 }));
    let Ok(Effect::Now((inicio, finished))) = correct(earlier, None) else {
        panic!("nothing overlaps")
    };
    assert_eq!((inicio, finished.fim, finished.custo), (NOW.plus_millis(-HOUR), end, 121.0));
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
fn a_reserva_that_began_after_its_carro_had_left_was_not_fulfilled() {
    let at = |minutes: i64| NOW.plus_millis(minutes * 60_000);
    let made = at(-60);
    let interval = Interval::new(at(0), at(60)).expect("not empty");
    let price = Price::new(2.5).expect("a price");
    let reserva = ReservaFacts::new(interval, price, Duration::ZERO, None, made);
    let recorded = reserva.fulfilled(at(0));
    let expected = ReservaFacts { in_session: true, ..reserva };
    for facts in [recorded, expected] {
        let decide = |until, now| decide_unfulfilled(&facts, made, at(until), at(now));
        assert_eq!(decide(1, 30), None, "it was there");
        assert!(decide(0, 30).is_some(), "it left when the reserva began");
        let Some(active) = decide(-1, 30) else { panic!("it had left") };
        assert_eq!((active.state, active.desde), (ReservaState::Ativa, made));
        assert_eq!((active.versao, active.in_session), (3, false));
        let Some(over) = decide(-1, 60) else { panic!("it had left") };
        assert_eq!(
            (over.state, over.at(at(60)).desde, over.versao),
            (ReservaState::Encerrada, at(60), 3)
        );
    }
    assert_eq!(decide_unfulfilled(&expected, made, at(-2), at(-1)), None, "it has not begun");
    let left = ReservaFacts { livre_desde: Some(at(20)), ..recorded };
    let cancelled = reserva.with_state(ReservaState::Cancelada, None, at(10));
    for other in [reserva, left, cancelled] {
        assert_eq!(decide_unfulfilled(&other, made, at(-1), at(30)), None);
    }
}
