//! The checker accepts correct histories, and finds each kind of violation.

use std::collections::BTreeMap;

use super::{Conditions, Kind, check};
use crate::evidence::{Database, Evidence, ReservaRow};
use crate::history::{Call, Operation, Outcome, Reserva, Window};

const SWEEP: i64 = 5_000;

fn conditions(kills: &[i64]) -> Conditions {
    let kills = BTreeMap::from([("server1".to_owned(), kills.to_vec())]);
    Conditions { command_limit: 10_000, slack: 100, sweep: SWEEP, kills }
}
const WINDOW: Window = (20_000, 30_000);

fn row(request_id: &str, placa: &str, window: Window, created_at: i64) -> ReservaRow {
    ReservaRow {
        id: 1,
        request_id: request_id.to_owned(),
        posto_id: 5,
        placa: placa.to_owned(),
        window,
        status: "ativa".to_owned(),
        created_at,
        updated_at: created_at,
    }
}

fn shown(row: &ReservaRow) -> Outcome {
    Outcome::Reserva(Reserva {
        id: row.id,
        posto_id: row.posto_id,
        placa: row.placa.clone(),
        window: row.window,
        status: row.status.clone(),
    })
}

fn refused(codigo: &str) -> Outcome {
    Outcome::Refused(codigo.to_owned())
}

fn call(operation: Operation, request_id: Option<&str>, times: Window, outcome: Outcome) -> Call {
    let (started, ended) = times;
    let server_id = "server1".to_owned();
    Call {
        server_id,
        started,
        ended,
        operation,
        outcome,
        request_id: request_id.map(str::to_owned),
    }
}

fn reserve(request_id: &str, placa: &str, times: Window, outcome: Outcome) -> Call {
    let operation =
        Operation::Reserve { placa: placa.to_owned(), posto_id: 5, window: Some(WINDOW) };
    call(operation, Some(request_id), times, outcome)
}

/// A database with these reservas and all that belongs to them, read before any window ends.
fn holding(rows: Vec<ReservaRow>) -> Database {
    Database {
        read_at: 25_000,
        requests: rows.iter().map(|row| (row.request_id.clone(), None)).collect(),
        carros: rows.iter().map(|row| row.placa.clone()).collect(),
        postos: [5, 6].into(),
        reservas: rows,
    }
}

fn found(history: &[Call], database: Database) -> Vec<Kind> {
    found_with_kills(history, database, &[])
}

fn found_with_kills(history: &[Call], database: Database, kills: &[i64]) -> Vec<Kind> {
    let evidence: Evidence = BTreeMap::from([("server1".to_owned(), database)]);
    let mut kinds: Vec<_> =
        check(history, &evidence, &conditions(kills)).iter().map(|v| v.kind).collect();
    kinds.dedup();
    kinds
}

/// One carro reserves the posto, another is refused, and the listings agree.
fn correct_run() -> (Vec<Call>, Database) {
    let made = row("r1", "AAA0001", WINDOW, 1_005);
    let history = vec![
        reserve("r1", "AAA0001", (1_000, 1_010), shown(&made)),
        reserve("r2", "BBB0002", (1_020, 1_030), refused("posto_reservado")),
        reserve("r1", "AAA0001", (1_040, 1_050), shown(&made)),
        call(Operation::Consult, Some("r1"), (1_060, 1_070), shown(&made)),
        call(Operation::Consult, Some("r9"), (1_060, 1_070), refused("reserva_inexistente")),
        listing((1_000, 1_010), &[5, 6]),
        listing((20_500, 20_510), &[6]),
        reserve("r3", "CCC0003", (1_080, 11_080), Outcome::TimedOut),
    ];
    (history, holding(vec![made]))
}

fn listing(times: Window, free: &[i64]) -> Call {
    call(Operation::List, None, times, Outcome::Postos { all: vec![5, 6], free: free.to_vec() })
}

#[test]
fn a_correct_run_has_no_violations() {
    let (history, database) = correct_run();
    assert_eq!(found(&history, database), []);
}

#[test]
fn an_unknown_outcome_may_have_an_effect_or_none() {
    let (mut history, mut database) = correct_run();
    let late = ReservaRow { id: 2, posto_id: 6, ..row("r3", "CCC0003", WINDOW, 9_000) };
    database.reservas.push(late.clone());
    database.requests.insert("r3".to_owned(), None);
    database.carros.insert("CCC0003".to_owned());
    assert_eq!(found(&history, database), []);
    history.push(call(Operation::Consult, Some("r3"), (9_500, 9_510), shown(&late)));
    let (_, without) = correct_run();
    assert_eq!(found(&history, without), [Kind::SucessoLost]);
}

#[test]
fn a_posto_held_twice_is_found() {
    let (first, second) =
        (row("r1", "AAA0001", WINDOW, 1_005), row("r2", "BBB0002", (29_999, 40_000), 1_025));
    let history = [
        reserve("r1", "AAA0001", (1_000, 1_010), shown(&first)),
        call(
            Operation::Reserve {
                placa: "BBB0002".to_owned(),
                posto_id: 5,
                window: Some((29_999, 40_000)),
            },
            Some("r2"),
            (1_020, 1_030),
            shown(&second),
        ),
    ];
    assert_eq!(found(&history, holding(vec![first.clone(), second.clone()])), [Kind::HeldTwice]);
    let touching = ReservaRow { window: (30_000, 40_000), ..second };
    let mut touching_history = history;
    touching_history[1].outcome = shown(&touching);
    assert_eq!(found(&touching_history, holding(vec![first, touching])), []);
}

#[test]
fn a_lost_sucesso_is_found() {
    let (history, _) = correct_run();
    assert!(found(&history, holding(Vec::new())).contains(&Kind::SucessoLost));
    let (history, mut database) = correct_run();
    database.reservas[0].window.1 += 1;
    assert!(found(&history, database).contains(&Kind::SucessoLost));
}

#[test]
fn two_answers_to_one_request_are_found() {
    let (mut history, database) = correct_run();
    let again = refused("posto_ja_reservado_para_este_carro");
    history.push(reserve("r1", "AAA0001", (1_100, 1_110), again));
    assert!(found(&history, database).contains(&Kind::NotOnce));
}

#[test]
fn two_effects_of_one_lost_call_are_found() {
    let (mut lost, rows) = (
        reserve("", "AAA0001", (1_000, 1_010), Outcome::Broken),
        vec![
            row("g1", "AAA0001", WINDOW, 1_005),
            ReservaRow { id: 2, ..row("g2", "AAA0001", (30_000, 40_000), 1_006) },
        ],
    );
    lost.request_id = None;
    assert_eq!(found(&[lost], holding(rows)), [Kind::NotOnce]);
}

#[test]
fn an_effect_after_the_deadline_is_found() {
    let late = row("r1", "AAA0001", WINDOW, 11_200);
    let timed_out = reserve("r1", "AAA0001", (1_000, 11_000), Outcome::TimedOut);
    assert_eq!(found(&[timed_out], holding(vec![late.clone()])), [Kind::TooLate]);
    let broken = reserve("r1", "AAA0001", (1_000, 1_010), Outcome::Broken);
    assert_eq!(found(&[broken], holding(vec![late])), [Kind::TooLate]);
    let cancelled = ReservaRow {
        status: "cancelada".to_owned(),
        updated_at: 19_000,
        ..row("r1", "AAA0001", WINDOW, 1_005)
    };
    let history = [
        reserve("r1", "AAA0001", (1_000, 1_010), shown(&row("r1", "AAA0001", WINDOW, 1_005))),
        call(Operation::Cancel, Some("r1"), (2_000, 12_000), Outcome::TimedOut),
    ];
    assert_eq!(found(&history, holding(vec![cancelled])), [Kind::TooLate]);
}

#[test]
fn an_effect_of_a_refused_request_is_found() {
    let made = row("r1", "AAA0001", WINDOW, 1_005);
    let denied = reserve("r1", "AAA0001", (1_000, 1_010), refused("servidor_indisponivel"));
    let database = || holding(vec![made.clone()]);
    assert_eq!(found(std::slice::from_ref(&denied), database()), [Kind::RefusedYetDone]);
    assert_eq!(
        found_with_kills(std::slice::from_ref(&denied), database(), &[999, 1_006]),
        [Kind::RefusedYetDone]
    );
    assert_eq!(found_with_kills(&[denied], database(), &[1_002]), [], "the known limit");
}

#[test]
fn an_incomplete_effect_is_found() {
    let (history, mut database) = correct_run();
    database.requests.clear();
    assert_eq!(found(&history, database), [Kind::HalfDone]);
    let (history, mut database) = correct_run();
    database.carros.clear();
    assert_eq!(found(&history, database), [Kind::HalfDone]);
}

#[test]
fn an_unjustified_refusal_is_found() {
    let refusals = [
        "posto_reservado",
        "posto_ja_reservado_para_este_carro",
        "posto_inexistente",
        "posto_em_manutencao",
        "requisicao_invalida",
    ];
    for codigo in refusals {
        let call = reserve("r2", "BBB0002", (1_020, 1_030), refused(codigo));
        assert_eq!(found(&[call], holding(Vec::new())), [Kind::RefusedWrongly], "{codigo}");
    }
    let (mut history, database) = correct_run();
    history.push(call(
        Operation::Consult,
        Some("r1"),
        (1_060, 1_070),
        refused("reserva_inexistente"),
    ));
    assert_eq!(found(&history, database), [Kind::RefusedWrongly]);
    let (mut history, database) = correct_run();
    history.push(call(Operation::Cancel, Some("r1"), (1_060, 1_070), refused("reserva_encerrada")));
    assert_eq!(found(&history, database), [Kind::RefusedWrongly]);
}

#[test]
fn a_false_listing_is_found() {
    for (times, free) in
        [((1_500, 1_510), &[6][..]), ((20_500, 20_510), &[5, 6]), ((20_500, 20_510), &[5])]
    {
        let (mut history, database) = correct_run();
        history.push(listing(times, free));
        assert_eq!(found(&history, database), [Kind::FalseListing], "{times:?} {free:?}");
    }
    let (mut history, database) = correct_run();
    let some = Outcome::Postos { all: vec![5], free: vec![5] };
    history.push(call(Operation::List, None, (1_500, 1_510), some));
    assert_eq!(found(&history, database), [Kind::FalseListing]);
}

#[test]
fn an_effect_without_a_request_is_found() {
    let (history, mut database) = correct_run();
    database.reservas.push(ReservaRow { id: 2, posto_id: 6, ..row("x", "AAA0001", WINDOW, 2_000) });
    database.requests.insert("x".to_owned(), None);
    assert_eq!(found(&history, database), [Kind::NotAskedFor]);
    let (history, mut database) = correct_run();
    database.reservas[0].status = "cancelada".to_owned();
    assert!(found(&history, database).contains(&Kind::NotAskedFor));
    // The request was for another servidor.
    let (mut history, database) = correct_run();
    history.iter_mut().for_each(|call| call.server_id = "server2".to_owned());
    assert_eq!(found(&history, database), [Kind::NotAskedFor]);
}

#[test]
fn a_wrong_end_is_found() {
    let (history, mut database) = correct_run();
    database.read_at = WINDOW.1 + SWEEP + 1;
    assert_eq!(found(&history, database), [Kind::WrongEnd]);
    let (history, mut database) = correct_run();
    database.reservas[0].status = "encerrada".to_owned();
    assert_eq!(found(&history, database), [Kind::WrongEnd]);
}

#[test]
fn a_malformed_answer_is_found() {
    let answer = Outcome::of(200, &serde_json::json!({"status": "sucesso"}));
    let call = reserve("r2", "BBB0002", (1_020, 1_030), answer);
    assert_eq!(found(&[call], holding(Vec::new())), [Kind::Malformed]);
}
