//! What happens at a posto: sessions and absences.

use super::changes::serve;
use super::*;
use crate::evidence::SessionRow;
use crate::history::{Disposition, Finished, Session};

pub(super) const TOLERANCE: i64 = 1_000;
/// 3.123 kWh, and what it costs: R$ 7.8075.
const ENERGIA: Micros = 3_123_000;
const CUSTO: Micros = 7_810_000;

pub(super) fn session(placa: &str, inicio: i64, fim: Option<i64>) -> Session {
    let finished = fim.map(|fim| Finished { fim, energia: ENERGIA, custo: CUSTO });
    Session { id: 7, posto_id: 5, placa: placa.to_owned(), inicio, preco: PRECO, finished }
}

pub(super) fn arrive(placa: &str, times: Window, outcome: Outcome) -> Call {
    call(Operation::Arrive { placa: placa.to_owned(), posto_id: 5 }, None, times, outcome)
}

fn leave(times: Window, outcome: Outcome) -> Call {
    call(Operation::Leave { posto_id: 5, session: 7, energia: ENERGIA }, None, times, outcome)
}

fn charged(session: Session) -> SessionRow {
    SessionRow { session, reserva_id: Some(1) }
}

/// The carro comes a second after the begin and leaves two seconds later.
fn visit() -> (Vec<Call>, Database) {
    let made = row("r1", "AAA0001", WINDOW, 1_005);
    let history = vec![
        reserve("r1", "AAA0001", (1_000, 1_010), shown(&made)),
        arrive("AAA0001", (20_999, 21_005), Outcome::Session(session("AAA0001", 21_000, None))),
        leave((22_999, 23_005), Outcome::Session(session("AAA0001", 21_000, Some(23_000)))),
    ];
    let mut database = holding(vec![fulfilled(made)]);
    database.sessions = vec![charged(session("AAA0001", 21_000, Some(23_000)))];
    (history, database)
}

fn fulfilled(row: ReservaRow) -> ReservaRow {
    ReservaRow {
        status: "cumprida".to_owned(),
        desde: 21_000,
        updated_at: 23_000,
        livre_desde: Some(23_000),
        held_until: None,
        versao: 3,
        ..row
    }
}

#[test]
fn a_visit_frees_the_rest_at_once() {
    let (mut history, mut database) = visit();
    history.push(listing((22_000, 22_010), &[6]));
    history.push(listing((23_500, 23_510), &[5, 6]));
    let window = (24_000, 29_000);
    let next = ReservaRow { id: 2, ..row("r2", "BBB0002", window, 23_100) };
    let operation =
        Operation::Reserve { placa: "BBB0002".to_owned(), posto_id: 5, window: Some(window) };
    history.push(call(operation, Some("r2"), (23_090, 23_110), shown(&next)));
    database.requests.insert("r2".to_owned(), None);
    database.carros.insert("BBB0002".to_owned());
    database.reservas.push(next);
    assert_eq!(found(&history, database), []);
}

#[test]
fn an_end_that_does_not_free_is_found() {
    let (history, mut database) = visit();
    database.reservas[0].livre_desde = None;
    database.reservas[0].held_until = Some(WINDOW.1);
    assert_eq!(found(&history, database), [Kind::HeldByNobody]);
    // By what others are answered, too.
    let (mut history, database) = visit();
    history.push(reserve("r2", "BBB0002", (23_100, 23_110), refused("posto_reservado")));
    assert_eq!(found(&history, database), [Kind::RefusedWrongly]);
    let (mut history, database) = visit();
    history.push(listing((23_100, 23_110), &[6]));
    assert_eq!(found(&history, database), [Kind::FalseListing]);
}

#[test]
fn an_end_whose_answer_was_lost_may_free_or_not() {
    let (mut history, mut database) = visit();
    history[2].outcome = Outcome::Broken;
    assert_eq!(found(&history, database), []);
    (history, database) = visit();
    history[2].outcome = Outcome::Broken;
    history.push(listing((23_100, 23_110), &[6]));
    history.push(reserve("r2", "BBB0002", (23_100, 23_110), refused("posto_reservado")));
    assert_eq!(found(&history, database), []);
}

#[test]
fn a_session_that_fulfils_nothing_is_found() {
    let (history, mut database) = visit();
    database.reservas[0] = row("r1", "AAA0001", WINDOW, 1_005);
    database.read_at = 27_000;
    assert_eq!(found(&history, database), [Kind::WrongState]);
    let (history, mut database) = visit();
    database.sessions.clear();
    let kinds = found(&history, database);
    assert_eq!(kinds, [Kind::WrongState, Kind::SucessoLost], "cumprida without a session");
}

#[test]
fn a_session_where_or_while_it_may_not_be_is_found() {
    let (mut history, mut database) = visit();
    // Another carro, while the posto is held.
    let intruder = Session { id: 8, ..session("BBB0002", 20_500, Some(20_600)) };
    history.push(arrive(
        "BBB0002",
        (20_490, 20_510),
        Outcome::Session(Session { finished: None, ..intruder.clone() }),
    ));
    let leaves = Operation::Leave { posto_id: 5, session: 8, energia: ENERGIA };
    history.push(call(leaves, None, (20_590, 20_610), Outcome::Session(intruder.clone())));
    database.sessions.push(SessionRow { session: intruder, reserva_id: None });
    assert_eq!(found(&history, database), [Kind::ChargedWrongly]);
    let (mut history, mut database) = visit();
    // The same carro, twice.
    let twice = Session { id: 8, posto_id: 6, ..session("AAA0001", 22_000, None) };
    let operation = Operation::Arrive { placa: "AAA0001".to_owned(), posto_id: 6 };
    history.push(call(operation, None, (21_990, 22_010), Outcome::Session(twice.clone())));
    database.sessions.push(SessionRow { session: twice, reserva_id: None });
    assert_eq!(found(&history, database), [Kind::ChargedWrongly]);
}

#[test]
fn a_session_that_is_lost_or_was_not_requested_is_found() {
    let (mut history, database) = visit();
    history.truncate(1);
    assert_eq!(found(&history, database), [Kind::NotAskedFor]);
    let (history, mut database) = visit();
    database.sessions[0].session.finished = None;
    let kinds = found(&history, database);
    assert!(kinds.contains(&Kind::SucessoLost), "{kinds:?}");
}

#[test]
fn a_wrong_amount_is_found() {
    let (mut history, mut database) = visit();
    let wrong = |session: &mut Session| {
        session.finished.as_mut().expect("an end").custo = CUSTO - 10_000;
    };
    wrong(&mut database.sessions[0].session);
    let Outcome::Session(answered) = &mut history[2].outcome else { panic!("a session") };
    wrong(answered);
    assert_eq!(found(&history, database), [Kind::WrongAmount]);
    let (history, mut database) = visit();
    database.reservas[0].preco = PRECO + 1;
    assert!(found(&history, database).contains(&Kind::WrongAmount));
}

#[test]
fn a_refusal_to_charge_needs_a_reason() {
    for codigo in
        ["posto_reservado", "carro_em_carregamento", "posto_em_manutencao", "posto_inexistente"]
    {
        let (mut history, database) = visit();
        history.push(arrive("BBB0002", (24_000, 24_010), refused(codigo)));
        assert_eq!(found(&history, database), [Kind::RefusedWrongly], "{codigo}");
    }
    let (mut history, database) = visit();
    history.push(arrive("BBB0002", (20_500, 20_510), refused("posto_reservado")));
    let elsewhere = Operation::Arrive { placa: "AAA0001".to_owned(), posto_id: 6 };
    history.push(call(elsewhere, None, (22_000, 22_010), refused("carro_em_carregamento")));
    history.push(call(Operation::Cancel, Some("r1"), (22_000, 22_010), refused("reserva_em_uso")));
    assert_eq!(found(&history, database), []);
}

pub(super) fn tolerant(database: Database) -> (Database, Conditions) {
    let reservas = database.reservas.into_iter();
    let reservas = reservas.map(|row| ReservaRow { tolerancia: TOLERANCE, ..row }).collect();
    let conditions = Conditions { tolerancia: TOLERANCE, ..conditions(&[]) };
    (Database { reservas, read_at: WINDOW.0 + TOLERANCE + SWEEP + 1, ..database }, conditions)
}

pub(super) fn absent(row: ReservaRow, at: i64) -> ReservaRow {
    let status = "nao_compareceu".to_owned();
    ReservaRow { status, desde: at, updated_at: at, held_until: None, versao: 2, ..row }
}

#[test]
fn an_absence_that_is_not_released_is_found() {
    let (history, database) = correct_run();
    let (database, conditions) = tolerant(database);
    assert_eq!(kinds(&history, None, database, &conditions), [Kind::HeldByNobody]);
    let due = WINDOW.0 + TOLERANCE;
    for (at, expected) in
        [(due, &[][..]), (due - 1, &[Kind::WrongEnd]), (due + 1, &[Kind::WrongEnd])]
    {
        let (mut history, mut database) = correct_run();
        database.reservas[0] = absent(database.reservas[0].clone(), at);
        history.retain(|call| !matches!(call.operation, Operation::List));
        let (database, conditions) = tolerant(database);
        assert_eq!(kinds(&history, None, database, &conditions), expected, "{at}");
    }
    let (mut history, mut database) = correct_run();
    database.reservas[0] = absent(database.reservas[0].clone(), due);
    history.push(reserve("r4", "DDD0004", (due + 5, due + 10), refused("posto_reservado")));
    let (database, conditions) = tolerant(database);
    assert_eq!(kinds(&history, None, database, &conditions), [Kind::RefusedWrongly]);
}

/// The tolerance begins again when the servidor does.
#[test]
fn an_absence_waits_for_the_servidor_and_the_posto() {
    let (before, after) = ((WINDOW.0 + 500, WINDOW.0 + 900), (WINDOW.0 + 1_500, WINDOW.0 + 1_900));
    for (restarted, at) in [
        (before, before.1 - 100 + TOLERANCE),
        (before, WINDOW.0 + TOLERANCE),
        // It was due, and not recorded.
        (after, after.1 - 100 + TOLERANCE),
        (after, WINDOW.0 + TOLERANCE),
    ] {
        let (history, mut database) = correct_run();
        database.reservas[0] = absent(database.reservas[0].clone(), at);
        let (database, mut conditions) = tolerant(database);
        conditions.outages.insert("server1".to_owned(), vec![restarted]);
        assert_eq!(kinds(&history, None, database, &conditions), [], "{at}");
    }
    let (mut history, database) = correct_run();
    history.push(serve(false, Disposition::Keep, (WINDOW.0 + 100, WINDOW.0 + 110), &[]));
    let (database, conditions) = tolerant(database);
    assert_eq!(kinds(&history, None, database, &conditions), [], "it is out of service");
}

/// Where it could not write for a while, the tolerance takes so much longer; where it stood still for
/// long, it begins again.
#[test]
fn an_absence_is_put_off_by_the_time_in_which_nothing_could_be_written() {
    let due = WINDOW.0 + TOLERANCE;
    // A fault is noticed to be over some time after it.
    let short = (WINDOW.0 + 500, WINDOW.0 + 900);
    let put_off = due + (short.1 + SWEEP) - (short.0 - 100);
    let long = (WINDOW.0 - 5_000, WINDOW.0 + 100);
    let anew = long.1 + SWEEP + TOLERANCE;
    let late = (due + 101, due + 500);
    let none = Vec::new;
    for (stalls, freezes, latest) in [
        (vec![short], none(), put_off),
        (none(), vec![short], due),
        (vec![long], none(), anew),
        (none(), vec![long], anew),
        (vec![late], vec![late], due),
    ] {
        for (at, expected) in [(due, &[][..]), (latest, &[]), (latest + 1, &[Kind::WrongEnd])] {
            let (mut history, mut database) = correct_run();
            database.reservas[0] = absent(database.reservas[0].clone(), at);
            history.retain(|call| !matches!(call.operation, Operation::List));
            let (database, mut conditions) = tolerant(database);
            conditions.stalls.insert("server1".to_owned(), stalls.clone());
            conditions.freezes.insert("server1".to_owned(), freezes.clone());
            let found = kinds(&history, None, database, &conditions);
            assert_eq!(found, expected, "{stalls:?} {freezes:?} {at}");
        }
    }
}

/// What has ended by the clock is shown so before a sweep records it, as a backup shows.
#[test]
fn an_end_that_is_not_recorded_yet_is_accepted() {
    let made = row("r1", "AAA0001", WINDOW, 1_005);
    let ended = ReservaRow { status: "encerrada".to_owned(), versao: 2, ..made.clone() };
    let found_at = |shown_at: Window, read_at| {
        let history = [
            reserve("r1", "AAA0001", (1_000, 1_010), shown(&made)),
            call(Operation::Consult, Some("r1"), shown_at, shown(&ended)),
        ];
        found(&history, Database { read_at, ..holding(vec![made.clone()]) })
    };
    let at_its_end = (WINDOW.1 + 10, WINDOW.1 + 20);
    assert_eq!(found_at(at_its_end, WINDOW.1 + 100), []);
    let never_recorded = [Kind::WrongState, Kind::WrongEnd];
    assert_eq!(found_at(at_its_end, at_its_end.1 + SWEEP + 1), never_recorded);
    assert_eq!(found_at((WINDOW.1 - 20, WINDOW.1 - 10), WINDOW.1), [Kind::WrongState], "too early");
}
