use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{Centavos, Fuso, Kwh, Passo, Price};

const MINUTE: i64 = 60_000;

fn at(minutes: i64) -> Moment {
    Moment::from_millis(minutes * MINUTE)
}

fn interval(inicio: i64, fim: i64) -> Interval {
    Interval::new(at(inicio), at(fim)).expect("not empty")
}

/// From 60 to 240 minutes, made at 10.
fn made() -> ReservaFacts {
    ReservaFacts::new(interval(60, 240), Price::default(), Duration::ZERO, None, at(10))
}

fn finished(fim: i64, kwh: f64, centavos: i64) -> Finished {
    let energia_fornecida = Kwh::new(kwh).expect("energy");
    Finished { fim: at(fim), energia_fornecida, custo: Centavos::new(centavos) }
}

/// What is counted of a reserva, by hour: the hour, minutes held, and what else is not zero.
fn counted(facts: ReservaFacts, now: i64) -> Vec<(i64, i64, Vec<&'static str>)> {
    let mut tally = Tally::by_posto(Hours);
    tally.reserva(5, at(10), &facts, at(now));
    let shown = |(posto_id, hour, figures): (i64, i64, &Figures)| {
        assert_eq!(posto_id, 5);
        let mut names = Vec::new();
        for (name, value) in Figures::NAMES.iter().zip(figures.values()) {
            if *name != "held" && value != 0 {
                assert_eq!(value, 1, "{name}");
                names.push(*name);
            }
        }
        (hour, figures.held / MINUTE, names)
    };
    tally.sums().map(shown).collect()
}

#[test]
fn a_reserva_counts_when_it_was_made_held_its_posto_and_ended() {
    let ended = |state, motivo, desde| made().with_state(state, motivo, at(desde));
    let (cancelada, absent) = (ReservaState::Cancelada, ReservaState::NaoCompareceu);
    // It holds its posto, and what is to come has not happened.
    assert_eq!(counted(made(), 50), [(0, 0, vec!["made"])]);
    assert_eq!(counted(made(), 130), [(0, 0, vec!["made"]), (1, 60, vec![]), (2, 10, vec![])]);
    // An end counts whether or not it is recorded.
    let whole = [
        (0, 0, vec!["made"]),
        (1, 60, vec![]),
        (2, 60, vec![]),
        (3, 60, vec![]),
        (4, 0, vec!["encerrada"]),
    ];
    assert_eq!(counted(made(), 300), whole);
    assert_eq!(counted(ended(ReservaState::Encerrada, None, 240), 300), whole);
    // Cancelled before its begin it has held nothing, and within it until then.
    let before = [(0, 0, vec!["made", "cancelada", "pedido"])];
    assert_eq!(counted(ended(cancelada, Some(Motivo::Pedido), 30), 300), before);
    let within = [(0, 0, vec!["made"]), (1, 30, vec!["cancelada", "operador"])];
    assert_eq!(counted(ended(cancelada, Some(Motivo::Operador), 90), 300), within);
    let unknown = [(0, 0, vec!["made", "cancelada"])];
    assert_eq!(counted(ended(cancelada, None, 30), 300), unknown);
    // An absence, recorded or due.
    let late = [(0, 0, vec!["made"]), (1, 15, vec!["nao_compareceu"])];
    assert_eq!(counted(ended(absent, Some(Motivo::Ausencia), 75), 300), late);
    let due = ReservaFacts { falta_em: Some(at(75)), ..made() };
    assert_eq!(counted(due, 300), late);
    // Fulfilled, and free when its carro left.
    let left = made().fulfilled(at(70)).freed(at(150));
    let fulfilled = [(0, 0, vec!["made"]), (1, 60, vec!["cumprida"]), (2, 30, vec![])];
    assert_eq!(counted(left, 300), fulfilled);
    // Moved while it ran: what it held before is of another posto.
    let moved = ReservaFacts { posto_desde: Some(at(200)), ..made() };
    assert_eq!(
        counted(moved, 300),
        [(0, 0, vec!["made"]), (3, 40, vec![]), (4, 0, vec!["encerrada"])]
    );
}

#[test]
fn a_session_counts_while_it_lasts_and_its_amounts_when_it_ends() {
    let mut tally = Tally::by_posto(Hours);
    tally.session(5, at(30), Some(finished(90, 18.4, 4600)), at(300));
    tally.session(5, at(100), Some(finished(110, 0.000_001, 10)), at(300));
    tally.session(5, at(110), None, at(130));
    let minutes = |hour| tally.part(5, hour).charging / MINUTE;
    assert_eq!([minutes(0), minutes(1), minutes(2)], [30, 50, 10]);
    let amounts = |hour| {
        let Figures { sessions, energy, cost, .. } = tally.part(5, hour);
        (sessions, energy, cost)
    };
    assert_eq!([amounts(0), amounts(1), amounts(2)], [(0, 0, 0), (2, 18_400_001, 4610), (0, 0, 0)]);
    let mut correction = Tally::by_posto(Hours);
    correction.session(5, at(30), Some(finished(80, 18.3, 4575)), at(300));
    let mut before = Tally::by_posto(Hours);
    before.session(5, at(30), Some(finished(90, 18.4, 4600)), at(300));
    correction.subtract(&before);
    let changes: Vec<_> = correction.sums().collect();
    let less =
        Figures { charging: -10 * MINUTE, energy: -100_000, cost: -25, ..Figures::default() };
    assert_eq!(changes, [(5, 1, &less)]);
}

#[test]
fn a_session_with_a_wrong_year_is_no_endless_work() {
    let mut tally = Tally::by_posto(Hours);
    let now = 60 * 24 * 365 * 200;
    tally.session(5, at(0), Some(finished(now, 1.0, 250)), at(now));
    let hours: i64 = tally.sums().map(|(_, _, figures)| figures.charging / MINUTE / 60).sum();
    assert_eq!(hours, 366 * 24);
    // One that ended before it began, by a clock that was set back, is a session all the same.
    let mut tally = Tally::by_posto(Hours);
    tally.session(5, at(90), Some(finished(30, 1.0, 250)), at(300));
    assert_eq!(
        tally.part(5, 0),
        Figures { sessions: 1, energy: 1_000_000, cost: 250, ..Figures::default() }
    );
}

#[derive(Debug, Clone, Copy)]
struct Happened {
    posto_id: i64,
    from: i64,
    length: i64,
    cents: i64,
}

fn happened() -> impl Strategy<Value = Happened> {
    (1i64..4, 0i64..9000, 1i64..3000, 0i64..100_000)
        .prop_map(|(posto_id, from, length, cents)| Happened { posto_id, from, length, cents })
}

fn count<D: Division>(tally: &mut Tally<D>, all: &[Happened]) {
    for Happened { posto_id, from, length, cents } in all {
        let (from, until) = (*from, *from + *length);
        tally.service(
            *posto_id,
            Service::of(false, from % 2 == 0),
            interval(from, until),
            at(10_000),
        );
        let facts = ReservaFacts::new(
            interval(from, until),
            Price::default(),
            Duration::ZERO,
            None,
            at(from),
        );
        tally.reserva(*posto_id, at(from), &facts, at(10_000));
        let end = finished(until, 1.5, *cents);
        tally.session(*posto_id, at(from), Some(end), at(10_000));
    }
}

proptest! {
    /// What is kept by the hour says the same as what is stored in whole, for every period.
    #[test]
    fn sums_of_hours_add_up_to_steps(
        all in proptest::collection::vec(happened(), 0..12),
        de in -200i64..12_000,
        minutes in 1i64..12_000,
        hours in -12i64..=14,
        passo in proptest::sample::select(Passo::ALL),
    ) {
        let sign = if hours < 0 { '-' } else { '+' };
        let fuso = Fuso::parse(&format!("{sign}{:02}:00", hours.abs())).expect("an offset");
        let steps = Steps::new(at(de), at(de + minutes), passo, fuso).expect("a period");
        let (mut direct, mut by_hour) = (Tally::of_all(&steps), Tally::by_posto(Hours));
        count(&mut direct, &all);
        count(&mut by_hour, &all);
        let mut added = Tally::of_all(&steps);
        for (posto_id, hour, figures) in by_hour.sums() {
            added.add(posto_id, Hours::begin(hour), figures);
        }
        prop_assert!(direct.sums().eq(added.sums()));
        let total: i64 = direct.sums().map(|(_, _, figures)| figures.cost).sum();
        let within = |ended: i64| steps.inicio() <= at(ended) && at(ended) < steps.fim();
        let ended = all.iter().filter(|one| within(one.from + one.length));
        prop_assert_eq!(total, ended.map(|one| one.cents).sum::<i64>());
    }
}
