//! Reservas that are moved by the operator or changed by their drivers, and their number.

use super::at_the_posto::{TOLERANCE, absent, tolerant};
use super::*;
use crate::evidence::{Agreed, RowChange};
use crate::history::{AffectedReserva, Disposition};

pub(super) fn serve(
    in_service: bool,
    disposition: Disposition,
    times: Window,
    handled: &[(&str, i64)],
) -> Call {
    let handled = handled.iter().map(|(resultado, posto_id)| AffectedReserva {
        id: 1,
        resultado: (*resultado).to_owned(),
        posto_id: *posto_id,
    });
    let operation = Operation::Serve { posto_id: 5, in_service, disposition };
    call(operation, None, times, Outcome::Served(handled.collect()))
}

/// The reserva of the run, moved to another posto.
fn moved() -> (Vec<Call>, Database) {
    let (mut history, mut database) = correct_run();
    history.retain(|call| !matches!(call.operation, Operation::List));
    history.push(serve(false, Disposition::Move, (10_000, 10_010), &[("movida", 6)]));
    let first = Agreed { posto_id: 5, window: WINDOW };
    let to = Agreed { posto_id: 6, window: WINDOW };
    let row = &mut database.reservas[0];
    (row.posto_id, row.versao, row.updated_at, row.first) = (6, 2, 10_005, Some(first));
    row.changes = vec![RowChange { at: 10_005, change_id: None, to }];
    (history, database)
}

#[test]
fn a_move_is_what_the_operator_reads() {
    let (mut history, database) = moved();
    let mut now = database.reservas[0].clone();
    history.push(call(Operation::Consult, Some("r1"), (10_020, 10_030), shown(&now)));
    history.push(listing((20_500, 20_510), &[]));
    history.push(reserve("r5", "BBB0002", (10_100, 10_110), refused("posto_em_manutencao")));
    assert_eq!(found(&history, database), [], "out of service, and held");
    // It is shown where it no longer is.
    let (mut history, database) = moved();
    (now.posto_id, now.versao) = (5, 1);
    history.push(call(Operation::Consult, Some("r1"), (10_020, 10_030), shown(&now)));
    history.push(call(Operation::Consult, Some("r1"), (10_040, 10_050), shown(&now)));
    assert_eq!(found(&history, database), [Kind::SucessoLost]);
}

#[test]
fn a_move_that_loses_the_reserva_is_found() {
    let (history, mut database) = moved();
    database.reservas[0] = cancelled(database.reservas[0].clone(), 10_005);
    assert_eq!(found(&history, database), [Kind::NotAskedFor]);
    let (history, mut database) = moved();
    database.reservas[0].changes.clear();
    database.reservas[0].first = None;
    assert!(found(&history, database).contains(&Kind::SucessoLost));
    let (mut history, database) = moved();
    history.pop();
    assert_eq!(found(&history, database), [Kind::NotAskedFor], "moved by nobody");
}

fn change(fim: i64, times: Window, outcome: Outcome) -> Call {
    let change_id = "c1".to_owned();
    let operation = Operation::Change { change_id, posto_id: None, inicio: None, fim: Some(fim) };
    call(operation, Some("r1"), times, outcome)
}

#[test]
fn a_change_is_made_whole_and_once() {
    let longer = (WINDOW.0, WINDOW.1 + 1_000);
    let changed = || {
        let (mut history, mut database) = correct_run();
        let row = &mut database.reservas[0];
        row.first = Some(Agreed { posto_id: 5, window: WINDOW });
        (row.window, row.held_until, row.versao) = (longer, Some(longer.1), 2);
        let to = Agreed { posto_id: 5, window: longer };
        row.changes = vec![RowChange { at: 2_005, change_id: Some("c1".to_owned()), to }];
        history.push(change(longer.1, (2_000, 2_010), shown(row)));
        (history, database)
    };
    let (history, database) = changed();
    assert_eq!(found(&history, database), []);
    // Others are refused by what it is now, and not by what it was.
    let (mut history, database) = changed();
    let window = Some((WINDOW.1, WINDOW.1 + 500));
    let wanted = Operation::Reserve { placa: "BBB0002".to_owned(), posto_id: 5, window };
    history.push(call(wanted.clone(), Some("r5"), (2_020, 2_030), refused("posto_reservado")));
    assert_eq!(found(&history, database), []);
    let (mut history, database) = changed();
    history.push(call(wanted, Some("r5"), (1_900, 1_990), refused("posto_reservado")));
    assert_eq!(found(&history, database), [Kind::RefusedWrongly]);
    // It was refused, or something else.
    let (mut history, database) = changed();
    history.last_mut().expect("the change").outcome = refused("posto_reservado");
    let kinds = found(&history, database);
    assert_eq!(kinds, [Kind::RefusedYetDone, Kind::RefusedWrongly]);
    let (mut history, mut database) = changed();
    database.reservas[0].changes[0].at = 12_200;
    history.last_mut().expect("the change").outcome = Outcome::TimedOut;
    assert_eq!(found(&history, database), [Kind::TooLate]);
}

/// Its first copy came before the reserva was made, and its repeat gets the same answer.
#[test]
fn a_refused_change_is_judged_from_its_first_copy() {
    let repeat = || change(WINDOW.1 + 1, (2_000, 2_010), refused("reserva_inexistente"));
    let (mut history, database) = correct_run();
    history.push(change(WINDOW.1 + 1, (900, 1_004), Outcome::TimedOut));
    history.push(repeat());
    assert_eq!(found(&history, database), []);
    let (mut history, database) = correct_run();
    history.push(repeat());
    assert_eq!(found(&history, database), [Kind::RefusedWrongly]);
}

#[test]
fn a_refused_change_that_drops_the_reserva_is_found() {
    let (mut history, mut database) = correct_run();
    history.retain(|call| !matches!(call.operation, Operation::List));
    let other = ReservaRow { id: 2, ..row("r2", "BBB0002", (30_000, 40_000), 1_500) };
    let window = Some(other.window);
    let operation = Operation::Reserve { placa: "BBB0002".to_owned(), posto_id: 5, window };
    history[1] = call(operation, Some("r2"), (1_490, 1_510), shown(&other));
    history.push(change(31_000, (2_000, 2_010), refused("posto_reservado")));
    database.requests.insert("r2".to_owned(), None);
    database.carros.insert("BBB0002".to_owned());
    database.reservas.push(other);
    assert_eq!(
        found(
            &history,
            Database { reservas: database.reservas.clone(), ..holding_like(&database) }
        ),
        []
    );
    database.reservas[0] = cancelled(database.reservas[0].clone(), 2_005);
    assert_eq!(found(&history, database), [Kind::NotAskedFor]);
}

fn holding_like(database: &Database) -> Database {
    Database {
        archived: 0,
        read_at: database.read_at,
        reservas: Vec::new(),
        requests: database.requests.clone(),
        carros: database.carros.clone(),
        postos: database.postos.clone(),
        sessions: database.sessions.clone(),
    }
}

#[test]
fn the_limit_of_a_carro_is_derived() {
    let of_carro = |count: i64| {
        let rows = (0..count).map(|number| {
            let window = (20_000 + 1_000 * number, 21_000 + 1_000 * number);
            ReservaRow {
                id: number + 1,
                ..row(&format!("r{number}"), "AAA0001", window, 1_005 + 100 * number)
            }
        });
        let rows: Vec<ReservaRow> = rows.collect();
        let calls = rows.iter().map(|row| {
            let window = Some(row.window);
            let operation = Operation::Reserve { placa: "AAA0001".to_owned(), posto_id: 5, window };
            let times = (row.created_at - 5, row.created_at + 5);
            call(operation, Some(&row.request_id), times, shown(row))
        });
        (calls.collect::<Vec<Call>>(), rows)
    };
    let mut asks_again = reserve("r9", "AAA0001", (1_900, 1_910), refused("limite_de_reservas"));
    asks_again.operation =
        Operation::Reserve { placa: "AAA0001".to_owned(), posto_id: 6, window: None };
    let (mut history, rows) = of_carro(3);
    history.push(asks_again.clone());
    assert_eq!(found(&history, Database { read_at: 20_500, ..holding(rows) }), []);
    let (mut history, rows) = of_carro(2);
    history.push(asks_again);
    let database = Database { read_at: 20_500, ..holding(rows) };
    assert_eq!(found(&history, database), [Kind::RefusedWrongly]);
    let (history, rows) = of_carro(4);
    assert_eq!(found(&history, Database { read_at: 20_500, ..holding(rows) }), [Kind::OverLimit]);
}

/// Its driver changed the posto after the begin: its carro has no more time for that. Its operator
/// moved it: it has a whole tolerance.
#[test]
fn a_change_of_posto_gives_no_more_time_and_a_move_does() {
    let at = WINDOW.0 + TOLERANCE / 2;
    for (change_id, due) in [(Some("c1"), WINDOW.0 + TOLERANCE), (None, at + TOLERANCE)] {
        for (absent_at, expected) in [(due, &[][..]), (due + 1, &[Kind::WrongEnd])] {
            let (mut history, mut database) = correct_run();
            history.retain(|call| !matches!(call.operation, Operation::List));
            let to = Agreed { posto_id: 6, window: WINDOW };
            let row = absent(database.reservas[0].clone(), absent_at);
            let first = Some(Agreed { posto_id: 5, window: WINDOW });
            let change_id = change_id.map(str::to_owned);
            match &change_id {
                Some(change_id) => {
                    let operation = Operation::Change {
                        change_id: change_id.clone(),
                        posto_id: Some(6),
                        inicio: None,
                        fim: None,
                    };
                    let changed =
                        ReservaRow { posto_id: 6, versao: 2, ..database.reservas[0].clone() };
                    history.push(call(operation, Some("r1"), (at - 5, at + 5), shown(&changed)));
                }
                None => {
                    history.push(serve(
                        false,
                        Disposition::Move,
                        (at - 5, at + 5),
                        &[("movida", 6)],
                    ));
                }
            }
            let changes = vec![RowChange { at, change_id, to }];
            database.reservas[0] = ReservaRow { posto_id: 6, versao: 3, first, changes, ..row };
            let (database, conditions) = tolerant(database);
            let found = kinds(&history, None, database, &conditions);
            assert_eq!(found, expected, "{absent_at}");
        }
    }
}

/// A listing shows an absence that a sync keeps from being recorded; the servidor is killed, has the carro
/// wait anew, and the reserva is moved or changed. Without a stop in between nothing takes it back.
#[test]
fn an_absence_that_a_stop_undoes_was_true_until_then() {
    let due = WINDOW.0 + TOLERANCE;
    let (stopped, at) = ((due + 1_500, due + 2_000), due + 2_400);
    let operation = Operation::Change {
        change_id: "c1".to_owned(),
        posto_id: Some(6),
        inicio: None,
        fim: None,
    };
    let (_, database) = correct_run();
    let changed = ReservaRow { posto_id: 6, versao: 2, ..database.reservas[0].clone() };
    let times = (at - 5, at + 5);
    for (change_id, done, absent_at) in [
        (None, serve(false, Disposition::Move, times, &[("movida", 6)]), at + TOLERANCE),
        (
            Some("c1".to_owned()),
            call(operation, Some("r1"), times, shown(&changed)),
            stopped.1 + TOLERANCE,
        ),
    ] {
        let run = |listed: Window, outages: &[Window]| {
            let (mut history, mut database) = correct_run();
            history.extend([done.clone(), listing(listed, &[5, 6])]);
            let first = Some(Agreed { posto_id: 5, window: WINDOW });
            let to = Agreed { posto_id: 6, window: WINDOW };
            let changes = vec![RowChange { at, change_id: change_id.clone(), to }];
            let row = absent(database.reservas[0].clone(), absent_at);
            database.reservas[0] = ReservaRow { posto_id: 6, versao: 3, first, changes, ..row };
            let (database, mut conditions) = tolerant(database);
            conditions.outages.insert("server1".to_owned(), outages.to_vec());
            kinds(&history, None, database, &conditions)
        };
        let shown_absent = (due + 1_000, due + 1_010);
        assert_eq!(run(shown_absent, &[stopped]), [], "{change_id:?}");
        let elsewhen = [(WINDOW.0 - 9_000, WINDOW.0 - 8_000), (at + 1, at + 500)];
        let found = run(shown_absent, &elsewhen);
        assert!(found.contains(&Kind::FalseListing), "{change_id:?}: {found:?}");
        let found = run((due - 20, due - 10), &[stopped]);
        assert!(found.contains(&Kind::FalseListing), "too early: {change_id:?}: {found:?}");
    }
}
