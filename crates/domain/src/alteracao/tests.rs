use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{Aviso, Placa, Price};

const NOW: Moment = Moment::from_millis(1_000_000_000_000);
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

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
        in_service: true,
        em_manutencao: false,
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
    let broken = PostoFacts { em_manutencao: true, ..posto() };
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
fn what_has_ended_is_not_changed_and_of_what_is_charged_only_the_end() {
    let at = |state| {
        let reserva = reserva(-10, 20);
        Reserva { facts: ReservaFacts { state, ..reserva.facts }, ..reserva }
    };
    let charging = PostoFacts { charging: Some(placa("ABC1234")), ..posto() };
    let with = |reserva: &Reserva, change| {
        let decided = decide(reserva, &change, &charging, &[]);
        decided.map(|effect| matches!(effect, Effect::Now(_)))
    };
    let longer = || to(None, None, Some(30));
    for state in [ReservaState::Cancelada, ReservaState::NaoCompareceu] {
        assert_eq!(with(&at(state), longer()), Err(Rejection::ReservaEncerrada), "{state:?}");
        // Also where nothing would change.
        let same = to(None, None, Some(20));
        assert_eq!(with(&at(state), same), Err(Rejection::ReservaEncerrada), "{state:?}");
    }
    let cumprida = at(ReservaState::Cumprida);
    assert_eq!(with(&cumprida, longer()), Ok(true));
    assert_eq!(with(&cumprida, to(Some(5), Some(-10), Some(1))), Ok(true));
    assert_eq!(with(&cumprida, to(None, None, Some(20))), Ok(false));
    assert_eq!(with(&cumprida, to(Some(6), None, None)), Err(Rejection::ReservaEmUso));
    assert_eq!(with(&cumprida, to(None, Some(5), None)), Err(Rejection::ReservaEmUso));
    let past = Rejection::Interval(vec![IntervalError::FimInPast]);
    assert_eq!(with(&cumprida, to(None, None, Some(-1))), Err(past));
    let mut left = cumprida.clone();
    left.facts.livre_desde = Some(NOW.plus_millis(-1));
    assert_eq!(with(&left, longer()), Err(Rejection::ReservaEncerrada), "its carro has left");
    let mut overstays = cumprida;
    overstays.facts.interval = interval(-10, 0);
    assert_eq!(with(&overstays, longer()), Err(Rejection::ReservaEncerrada));
    let mut absent = at(ReservaState::Ativa);
    absent.facts.falta_em = Some(NOW);
    assert_eq!(with(&absent, longer()), Err(Rejection::ReservaEncerrada), "its absence is due");
    absent.facts.falta_em = Some(NOW.plus_millis(1));
    assert_eq!(with(&absent, longer()), Ok(true));
    assert_eq!(with(&reserva(-10, 0), longer()), Err(Rejection::ReservaEncerrada));
    // A recorded end is not believed before its time.
    assert_eq!(with(&at(ReservaState::Encerrada), longer()), Ok(true));
}

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

#[test]
fn refusals_are_those_of_a_reservation_in_their_order() {
    let nome = || "Ponto".to_owned();
    let reserva = reserva(-10, 20);
    let other = [holding("XYZ9876", 15, 30)];
    let mine_too = [holding("XYZ9876", 15, 30), holding("ABC1234", 5, 8)];
    let repair = PostoFacts { em_manutencao: true, in_service: false, ..posto() };
    let out = PostoFacts { in_service: false, ..posto() };
    let charging = PostoFacts { charging: Some(placa("XYZ9876")), ..posto() };
    let busy = PostoFacts { em_manutencao: true, ..charging.clone() };
    let wrong = to(Some(6), Some(5), None);
    let (moved, longer) = (to(Some(6), None, None), to(None, None, Some(30)));
    let inexistente = Rejection::PostoInexistente { posto_id: 6, server_id: "server1".to_owned() };
    let begun = Rejection::Interval(vec![IntervalError::InicioBegun]);
    let decide = |change, posto: Option<&PostoFacts>, held| {
        decide_alteracao(&reserva, change, "server1", posto, held, &Rules::default(), NOW)
            .map(|_| ())
    };
    for (change, posto, held, expected) in [
        (&wrong, None, &mine_too[..], inexistente),
        (&wrong, Some(&busy), &mine_too, begun),
        (&moved, Some(&repair), &mine_too, Rejection::PostoEmManutencao { nome: nome() }),
        (&moved, Some(&out), &mine_too, Rejection::PostoIndisponivel { nome: nome() }),
        (
            &moved,
            Some(&charging),
            &mine_too,
            Rejection::PostoJaReservadoParaEsteCarro { nome: nome() },
        ),
        (&moved, Some(&charging), &other, Rejection::PostoReservado { nome: nome() }),
        (&moved, Some(&charging), &[], Rejection::PostoOcupado { nome: nome() }),
    ] {
        assert_eq!(decide(change, posto, held), Err(expected), "{change:?}");
    }
    // Another holding of its carro that ends with it is not its own.
    let same_end = [holding("ABC1234", -10, 20)];
    assert!(decide(&moved, Some(&posto()), &same_end).is_err());
    assert!(decide(&longer, Some(&posto()), &same_end).is_ok());
    // What held the other posto before is in nobody's way.
    let before = [holding("XYZ9876", -20, 0), holding("XYZ9876", 20, 30)];
    assert!(decide(&moved, Some(&posto()), &before).is_ok());
    assert!(decide(&moved, Some(&posto()), &[holding("XYZ9876", -20, 1)]).is_err());
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
fn who_only_gives_back_time_is_not_refused() {
    let (begun, future) = (reserva(-10, 20), reserva(10, 20));
    let overstayed = PostoFacts { charging: Some(placa("XYZ9876")), ..posto() };
    let broken = PostoFacts { em_manutencao: true, in_service: false, ..overstayed.clone() };
    let with = |reserva, change, posto| {
        decide(reserva, &change, posto, &[]).map(|effect| matches!(effect, Effect::Now(_)))
    };
    for posto in [&overstayed, &broken] {
        assert_eq!(with(&begun, to(None, None, Some(1)), posto), Ok(true));
        assert_eq!(with(&begun, to(Some(5), Some(-10), Some(19)), posto), Ok(true));
        assert_eq!(with(&future, to(None, Some(12), Some(18)), posto), Ok(true));
        assert_eq!(with(&future, to(None, Some(12), None), posto), Ok(true));
    }
    let occupied = Rejection::PostoOcupado { nome: "Ponto".to_owned() };
    assert_eq!(with(&begun, to(None, None, Some(21)), &overstayed), Err(occupied));
    let out = Rejection::PostoEmManutencao { nome: "Ponto".to_owned() };
    for change in
        [to(None, None, Some(21)), to(None, Some(9), Some(12)), to(Some(6), Some(12), None)]
    {
        assert_eq!(with(&future, change, &broken), Err(out.clone()), "{change:?}");
    }
    // Nothing is given back that would be nothing: the end is still to come.
    let past = Rejection::Interval(vec![IntervalError::FimInPast]);
    assert_eq!(with(&begun, to(None, None, Some(0)), &broken), Err(past));
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

/// Any change, of any reserva of some.
fn changes() -> impl Strategy<Value = Vec<(usize, ReservaChange)>> {
    let (posto_id, inicio, fim) =
        (prop::option::of(1i64..3), prop::option::of(-5i64..60), prop::option::of(-5i64..80));
    let change =
        (posto_id, inicio, fim).prop_map(|(posto_id, inicio, fim)| to(posto_id, inicio, fim));
    prop::collection::vec((0usize..4, change), 1..40)
}

proptest! {
    /// Whatever is asked: no moment of a posto is held twice from now on, a reserva that is not changed is what
    /// it was, and one that is changed holds what was asked for, wholly.
    #[test]
    fn no_sequence_of_changes_holds_a_moment_twice(asked in changes()) {
        let plates = ["AAA1111", "BBB2222", "CCC3333", "DDD4444"];
        let mut reservas: Vec<Reserva> = (0..).zip(plates).map(|(number, plate)| Reserva {
            id: number,
            posto_id: 1 + number % 2,
            placa: placa(plate),
            ..reserva(10 * number - 5, 10 * number + 5)
        }).collect();
        for (index, change) in asked {
            let wanted = change.posto_of(&reservas[index]);
            let held: Vec<Holding> = reservas.iter().filter(|one| one.posto_id == wanted)
                .map(|one| Holding { placa: Some(one.placa.clone()), interval: one.facts.interval })
                .collect();
            let before = reservas[index].clone();
            match decide(&before, &change, &posto(), &held) {
                Ok(Effect::Now(changed)) => {
                    prop_assert_eq!(changed.posto_id, wanted);
                    let (from, until) =
                        (changed.facts.interval.inicio(), changed.facts.interval.fim());
                    let agreed = before.facts.interval;
                    prop_assert_eq!(until, change.fim.unwrap_or(agreed.fim()));
                    let asked = change.inicio.unwrap_or(agreed.inicio());
                    prop_assert!(from == asked || from == NOW && asked < NOW, "{:?}", change);
                    reservas[index].posto_id = changed.posto_id;
                    reservas[index].facts = changed.facts;
                }
                Ok(Effect::Already(same)) => prop_assert_eq!(same.facts, before.facts),
                Err(_) => {}
            }
            for posto_id in 1..3 {
                for moment in 0..90 {
                    let holders = reservas.iter().filter(|one| {
                        one.posto_id == posto_id
                            && one.facts.interval.contains(NOW.plus_millis(moment))
                    });
                    prop_assert!(holders.count() <= 1, "posto {} at {}", posto_id, moment);
                }
            }
        }
    }
}
