mod intervals;
mod refusals;
mod sequences;

use std::time::Duration;

use super::*;
use crate::{Aviso, Placa, Price, Service};

const NOW: Moment = Moment::from_millis(1_000_000_000_000);
const MINUTE: i64 = 60_000;

fn placa(text: &str) -> Placa {
    Placa::new(text).expect("a placa")
}

fn price(number: f64) -> Price {
    Price::new(number).expect("a price")
}

fn interval(inicio: i64, fim: i64) -> Interval {
    Interval::new(NOW.plus_millis(inicio), NOW.plus_millis(fim)).expect("not empty")
}

/// At posto 5, for 2.5 a kWh.
fn reserva(inicio: i64, fim: i64) -> Reserva {
    Reserva {
        id: 17,
        request_id: "r1".to_owned(),
        posto_id: 5,
        placa: placa("ABC1234"),
        facts: ReservaFacts::new(
            interval(inicio, fim),
            price(2.5),
            Duration::ZERO,
            None,
            NOW.plus_millis(inicio.min(0)),
        ),
    }
}

/// For 3.0 a kWh.
fn posto() -> PostoFacts {
    PostoFacts {
        nome: "Ponto".to_owned(),
        service: Service::InService,
        charging: None,
        potencia_maxima: 22.0,
        preco_kwh: price(3.0),
    }
}

fn holding(plate: &str, inicio: i64, fim: i64) -> Holding {
    Holding { placa: Some(placa(plate)), interval: interval(inicio, fim) }
}

/// To this posto, and times in milliseconds from now.
fn to(posto_id: Option<i64>, inicio: Option<i64>, fim: Option<i64>) -> ReservaChange {
    let moment = |after: i64| NOW.plus_millis(after);
    ReservaChange { posto_id, inicio: inicio.map(moment), fim: fim.map(moment) }
}

fn decide<'p>(
    reserva: &Reserva,
    change: &ReservaChange,
    posto: &'p PostoFacts,
    held: &[Holding],
) -> Result<Effect<ChangedReserva<'p>>, Rejection> {
    decide_alteracao(reserva, change, "server1", Some(posto), held, &Rules::default(), NOW)
}

/// The posto, interval and price of what is decided.
fn agreed(
    reserva: &Reserva,
    change: ReservaChange,
    held: &[Holding],
) -> Result<(i64, Interval, f64), Rejection> {
    let posto = posto();
    let decided = decide(reserva, &change, &posto, held)?;
    let Effect::Now(ChangedReserva { posto_id, facts, is_expected_anew, .. }) = decided else {
        panic!("no change: {change:?}")
    };
    let before = &reserva.facts;
    let unchanged = (facts.state, facts.desde, facts.versao);
    assert_eq!(unchanged, (before.at(NOW).state, before.desde, before.versao + 1));
    let begins_anew = facts.interval.inicio() != before.interval.inicio();
    assert_eq!(is_expected_anew, begins_anew || posto_id != reserva.posto_id, "{change:?}");
    Ok((posto_id, facts.interval, facts.preco_kwh.get()))
}

#[test]
fn longer_and_elsewhere_take_the_price_of_now_and_shorter_and_later_keep_it() {
    let future = reserva(10, 20);
    let begun = reserva(-10, 20);
    let own = [holding("ABC1234", 10, 20), holding("XYZ9876", 40, 50)];
    for (reserva, change, expected) in [
        (&future, to(None, None, Some(30)), (5, interval(10, 30), 3.0)),
        (&future, to(None, Some(5), None), (5, interval(5, 20), 3.0)),
        (&future, to(None, None, Some(15)), (5, interval(10, 15), 2.5)),
        (&future, to(None, Some(15), None), (5, interval(15, 20), 2.5)),
        (&future, to(None, Some(30), Some(40)), (5, interval(30, 40), 2.5)),
        (&future, to(None, Some(29), Some(40)), (5, interval(29, 40), 3.0)),
        (&future, to(Some(5), None, Some(15)), (5, interval(10, 15), 2.5)),
        (&future, to(Some(6), None, None), (6, interval(10, 20), 3.0)),
        (&future, to(Some(6), None, Some(15)), (6, interval(10, 15), 3.0)),
        // What has just passed is now, as in a reservation.
        (&future, to(None, Some(-MINUTE), None), (5, interval(0, 20), 3.0)),
        // The begin of what has begun stays, and may be named.
        (&begun, to(None, None, Some(25)), (5, interval(-10, 25), 3.0)),
        (&begun, to(None, Some(-10), Some(1)), (5, interval(-10, 1), 2.5)),
    ] {
        let held = if reserva.facts.interval == interval(10, 20) { &own[..] } else { &[] };
        let held = if change.posto_id == Some(6) { &[] } else { held };
        assert_eq!(agreed(reserva, change, held), Ok(expected), "{change:?}");
    }
}

#[test]
fn the_same_values_are_no_change() {
    let (future, begun) = (reserva(10, 20), reserva(-10, 20));
    let broken = PostoFacts { service: Service::Maintenance, ..posto() };
    for (reserva, change) in [
        (&future, to(Some(5), None, None)),
        (&future, to(None, Some(10), Some(20))),
        (&future, to(Some(5), Some(10), Some(20))),
        (&begun, to(None, Some(-10), None)),
        (&begun, to(None, None, Some(20))),
    ] {
        let decided = decide(reserva, &change, &broken, &[holding("ABC1234", 10, 20)]);
        let Ok(Effect::Already(same)) = decided else { panic!("{change:?}: {decided:?}") };
        assert_eq!((same.posto_id, same.facts), (5, reserva.facts));
    }
}

#[test]
fn a_warning_about_a_posto_stays_with_that_posto() {
    let mut warned = reserva(-10, 20);
    warned.facts.aviso = Some(Aviso::PostoLivre);
    for (change, expected) in
        [(to(None, None, Some(30)), Some(Aviso::PostoLivre)), (to(Some(6), None, None), None)]
    {
        match decide(&warned, &change, &posto(), &[]) {
            Ok(Effect::Now(changed)) => assert_eq!(changed.facts.aviso, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_carro_that_charges_where_its_reserva_comes_to_has_come() {
    let charging = PostoFacts { charging: Some(placa("ABC1234")), ..posto() };
    for (reserva, change, state) in [
        (reserva(-10, 20), to(Some(6), None, None), ReservaState::Cumprida),
        (reserva(10, 20), to(None, Some(0), None), ReservaState::Cumprida),
        (reserva(10, 20), to(Some(6), None, None), ReservaState::Ativa),
        (reserva(10, 20), to(None, Some(1), None), ReservaState::Ativa),
        // It stays where it is.
        (reserva(-10, 20), to(None, None, Some(30)), ReservaState::Ativa),
    ] {
        match decide(&reserva, &change, &charging, &[]) {
            Ok(Effect::Now(ChangedReserva { facts, .. })) => {
                assert_eq!((facts.state, facts.versao), (state, 2), "{change:?}");
                let since = if state == ReservaState::Ativa { reserva.facts.desde } else { NOW };
                assert_eq!(facts.desde, since, "{change:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_session_goes_on_at_the_price_that_its_reserva_had() {
    let begun = reserva(-10, 20);
    let fulfilled = Reserva { facts: begun.facts.fulfilled(NOW), ..begun };
    for fim in [10, 30] {
        let posto = posto();
        match decide(&fulfilled, &to(None, None, Some(fim)), &posto, &[]) {
            Ok(Effect::Now(changed)) => assert_eq!(changed.facts.preco_kwh, price(2.5), "{fim}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn with_the_clock_set_back_a_reserva_holds_its_posto_from_the_move_on() {
    let begun = reserva(-10, 20);
    let moved = Reserva { facts: begun.facts.moved(NOW.plus_millis(5)), ..begun };
    let before = [holding("XYZ9876", -5, 5)];
    let with = |fim| {
        let posto = posto();
        match decide(&moved, &to(None, None, Some(fim)), &posto, &before)? {
            Effect::Now(changed) => Ok(changed.facts.held()),
            Effect::Already(_) => panic!("a change"),
        }
    };
    let past = Rejection::Interval(vec![IntervalError::FimInPast]);
    assert_eq!(with(5), Err(past), "it never held its posto before");
    assert_eq!(with(6), Ok(Some(interval(5, 6))));
    assert_eq!(with(30), Ok(Some(interval(5, 30))), "who held it before is not in the way");
}
