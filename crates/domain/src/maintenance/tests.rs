use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{Price, ReservaFacts};

const NOW: Moment = Moment::from_millis(1000);

fn at(millis: i64) -> Moment {
    NOW.plus_millis(millis)
}

fn interval(from: i64, to: i64) -> Interval {
    Interval::new(at(from), at(to)).expect("not empty")
}

fn placa(number: u32) -> Placa {
    Placa::new(&format!("CAR{number:04}")).expect("a placa")
}

fn site(posto_id: i64, place: &str, tipo_conector: &str, potencia_maxima: f64) -> PostoSite {
    let localizacao = Localizacao::new(place).expect("a place");
    PostoSite { posto_id, localizacao, tipo_conector: tipo_conector.to_owned(), potencia_maxima }
}

fn to_move(id: i64, car: u32, from: i64, to: i64) -> ToMove {
    ToMove { id, placa: placa(car), rest: interval(from, to) }
}

fn free(posto_id: i64) -> Substitute {
    Substitute { posto_id, charging: None, holdings: Vec::new() }
}

#[test]
fn what_is_hit_holds_the_posto_and_does_not_charge_there() {
    let reserva = |from, to| Reserva {
        id: 1,
        request_id: "r1".to_owned(),
        posto_id: 5,
        placa: placa(1),
        facts: ReservaFacts::new(
            interval(from, to),
            Price::default(),
            Duration::ZERO,
            None,
            at(-100),
        ),
    };
    let in_state = |state, from, to| {
        let mut reserva = reserva(from, to);
        reserva.facts.state = state;
        reserva
    };
    let (own, other) = (placa(1), placa(2));
    for (reserva, charging, until, affected) in [
        (reserva(-10, 10), None, None, true),
        (reserva(10, 20), None, None, true),
        (reserva(-10, 0), None, None, false),
        (reserva(-10, 10), Some(&other), None, true),
        (reserva(-10, 10), Some(&own), None, false),
        // It charges there now, and comes again later.
        (reserva(10, 20), Some(&own), None, true),
        (reserva(10, 20), None, Some(at(10)), false),
        (reserva(10, 20), None, Some(at(11)), true),
        (reserva(-10, 20), None, Some(at(-10)), false),
        (in_state(ReservaState::Cumprida, -10, 10), None, None, false),
        (in_state(ReservaState::Cancelada, -10, 10), None, None, false),
        (in_state(ReservaState::NaoCompareceu, -10, 10), None, None, false),
        // A wrong clock had it recorded as ended.
        (in_state(ReservaState::Encerrada, -10, 10), None, None, true),
    ] {
        assert_eq!(
            is_affected(&reserva, charging, until, NOW),
            affected,
            "{reserva:?} {charging:?}"
        );
    }
    let mut absent = reserva(-10, 10);
    absent.facts.falta_em = Some(NOW);
    assert!(!is_affected(&absent, None, None, NOW), "its absence is due");
}

#[test]
fn a_posto_stands_in_with_the_same_connector_and_enough_power() {
    let posto = site(5, "0,0", "Type 2", 22.0);
    let others = [
        site(1, "0,3", "Type 2", 22.0),
        site(2, "0,1", "Type 2", 21.9),
        site(3, "0,1", "CCS", 50.0),
        site(4, "0,2", "type 2", 50.0),
        // As far as each other: by id.
        site(9, "0,-1", "Type 2", 22.0),
        site(8, "1,0", "Type 2", 22.0),
        site(7, "0.0,1.0", "Type 2", 22.0),
    ];
    assert_eq!(substitutes(&posto, others), [7, 8, 9, 4, 1]);
}

#[test]
fn those_that_begin_earlier_choose_first() {
    let mut plan = MovePlan::new(
        vec![to_move(1, 1, 20, 30), to_move(2, 2, 0, 25), to_move(3, 3, 30, 40)],
        NOW,
    );
    plan.offer(&free(7));
    // Reserva 1 begins while 2 still holds the posto; 3 begins when that has ended.
    assert_eq!([1, 2, 3].map(|id| plan.posto_of(id)), [None, Some(7), Some(7)]);
    assert_eq!((plan.left(), plan.is_complete()), (vec![1], false));
    plan.offer(&free(8));
    assert_eq!((plan.posto_of(1), plan.is_complete()), (Some(8), true));
}

#[test]
fn a_session_is_in_the_way_of_what_has_begun() {
    let charging = Substitute { charging: Some(placa(9)), ..free(7) };
    let mut plan = MovePlan::new(vec![to_move(1, 1, 0, 10), to_move(2, 2, 10, 20)], NOW);
    plan.offer(&charging);
    assert_eq!([1, 2].map(|id| plan.posto_of(id)), [None, Some(7)]);
    let mut own = MovePlan::new(vec![to_move(1, 9, 0, 10)], NOW);
    own.offer(&charging);
    assert_eq!(own.posto_of(1), Some(7), "it charges there itself");
}

#[test]
fn a_posto_in_use_stays() {
    let posto = |charging, held, affected| PostoUse { charging, held, affected };
    let nome = || "Ponto 5".to_owned();
    let in_use = || Err(Rejection::PostoEmUso { nome: nome() });
    let has_reservas = Err(Rejection::PostoComReservas { nome: nome() });
    let has_fulfilled = Err(Rejection::PostoComReservaCumprida { nome: nome() });
    for (posto, disposition, decision) in [
        (posto(false, 0, 0), Disposition::Keep, Ok(())),
        (posto(false, 1, 1), Disposition::Keep, has_reservas),
        (posto(false, 2, 2), Disposition::Move, Ok(())),
        (posto(false, 2, 2), Disposition::Cancel, Ok(())),
        (posto(false, 2, 1), Disposition::Cancel, has_fulfilled),
        (posto(true, 0, 0), Disposition::Keep, in_use()),
        (posto(true, 1, 1), Disposition::Cancel, in_use()),
    ] {
        let decided = decide_posto_removal("Ponto 5", posto, disposition);
        assert_eq!(decided, decision, "{posto:?} {disposition:?}");
    }
}

/// Intervals that do not overlap.
fn disjoint() -> impl Strategy<Value = Vec<Interval>> {
    proptest::collection::vec((0i64..12, 1i64..12), 0..6).prop_map(|steps| {
        let mut end = 0;
        let next = |(gap, length): (i64, i64)| {
            let begin = end + gap;
            end = begin + length;
            interval(begin, end)
        };
        steps.into_iter().map(next).collect()
    })
}

fn candidate() -> impl Strategy<Value = (Vec<Interval>, Option<u32>)> {
    (disjoint(), proptest::option::of(0u32..4))
}

proptest! {
    /// Against the rule as it is said: for each reserva in turn, the first posto that is free.
    #[test]
    fn each_gets_the_nearest_that_is_free_and_none_is_held_twice(
        reservas in proptest::collection::vec((0i64..30, 1i64..15, 0u32..4), 0..8),
        candidates in proptest::collection::vec(candidate(), 0..5),
    ) {
        let reservas: Vec<ToMove> = (1..).zip(&reservas)
            .map(|(id, (from, length, car))| to_move(id, *car, *from, from + length))
            .collect();
        let mut plan = MovePlan::new(reservas.clone(), NOW);
        for (posto_id, (held, charging)) in (1..).zip(&candidates) {
            let holdings = held.iter().map(|interval| Holding { placa: None, interval: *interval });
            let (charging, holdings) = (charging.map(placa), holdings.collect());
            plan.offer(&Substitute { posto_id, charging, holdings });
        }
        let mut in_turn = reservas.clone();
        in_turn.sort_by_key(|reserva| (reserva.rest.inicio(), reserva.id));
        let mut taken: Vec<Vec<Interval>> =
            candidates.iter().map(|(held, _)| held.clone()).collect();
        for reserva in &in_turn {
            let nearest = (0..candidates.len()).find(|index| {
                let another = candidates[*index].1.is_some_and(|car| placa(car) != reserva.placa);
                taken[*index].iter().all(|held| !held.overlaps(reserva.rest))
                    && !(another && reserva.rest.contains(NOW))
            });
            let expected = nearest.map(|index| index as i64 + 1);
            prop_assert_eq!(plan.posto_of(reserva.id), expected, "{:?}", reserva);
            if let Some(index) = nearest {
                taken[index].push(reserva.rest);
            }
        }
        // No reserva is lost, and none is both moved and left.
        let left = plan.left();
        for reserva in &reservas {
            prop_assert_eq!(left.contains(&reserva.id), plan.posto_of(reserva.id).is_none());
        }
        prop_assert_eq!(plan.is_complete(), left.is_empty());
        for held in &taken {
            for (index, one) in held.iter().enumerate() {
                prop_assert!(held[..index].iter().all(|other| !one.overlaps(*other)));
            }
        }
    }
}
