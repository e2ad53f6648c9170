mod clocks;
mod reports;

use std::time::Duration;

use super::*;
use crate::{Interval, Service};

const NOW: Moment = Moment::from_millis(10_000_000);
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn placa(text: &str) -> Placa {
    Placa::new(text).expect("a placa")
}

fn posto() -> PostoFacts {
    PostoFacts {
        nome: "Ponto 5".to_owned(),
        service: Service::InService,
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
    assert!(start(PostoFacts { service: Service::OutOfService, ..posto() }).is_err());
    assert!(start(PostoFacts { service: Service::Maintenance, ..posto() }).is_err());
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
    assert_eq!((finished.fim, finished.custo.get()), (end, 2500));
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
