//! The checker accepts correct histories, and finds each kind of violation.

mod at_the_posto;
mod changes;
mod early_carros;
mod events;
mod example;

use example::*;

use super::{Conditions, Kind};
use crate::evidence::{Database, ReservaRow};
use crate::history::{Call, Micros, Operation, Outcome, PrivateEvent, Window};

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
    database.reservas[0].held_until = Some(WINDOW.1 + 1);
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
    let cancelled = cancelled(row("r1", "AAA0001", WINDOW, 1_005), 19_000);
    let history = [
        reserve("r1", "AAA0001", (1_000, 1_010), shown(&row("r1", "AAA0001", WINDOW, 1_005))),
        call(Operation::Cancel, Some("r1"), (2_000, 12_000), Outcome::TimedOut),
    ];
    assert_eq!(found(&history, holding(vec![cancelled])), [Kind::TooLate]);
}

#[test]
fn an_effect_after_an_early_answer_that_nothing_is_known_is_found() {
    let made = |at| holding(vec![row("r1", "AAA0001", WINDOW, at)]);
    let doubted = [reserve("r1", "AAA0001", (1_000, 1_010), Outcome::TimedOut)];
    assert_eq!(found(&doubted, made(1_500)), [Kind::TooLate]);
    assert_eq!(found_with_kills(&doubted, made(1_500), &[999, 1_501]), [Kind::TooLate]);
    assert_eq!(found_with_kills(&doubted, made(1_500), &[1_200]), [], "the known limit");
    assert_eq!(found_with_kills(&doubted, made(11_200), &[1_200]), [Kind::TooLate]);
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
        "limite_de_reservas",
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
fn a_consulta_that_misses_what_is_being_written_is_found() {
    let made = || holding(vec![row("r1", "AAA0001", WINDOW, 1_005)]);
    let consulted_at = |times| {
        let timed_out = reserve("r1", "AAA0001", (1_000, 1_010), Outcome::TimedOut);
        [timed_out, call(Operation::Consult, Some("r1"), times, refused("reserva_inexistente"))]
    };
    assert_eq!(found(&consulted_at((1_006, 1_020)), made()), [Kind::RefusedWrongly]);
    assert_eq!(found(&consulted_at((1_005, 1_020)), made()), [], "it may have been asked before");
    assert_eq!(found(&consulted_at((1_006, 1_020)), holding(Vec::new())), []);
    let beside_a_twin = Conditions {
        outages: [("server1".to_owned(), vec![(1_000, 1_015)])].into(),
        ..conditions(&[])
    };
    assert_eq!(kinds(&consulted_at((1_006, 1_020)), None, made(), &beside_a_twin), []);
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
    database.reservas[0] = cancelled(database.reservas[0].clone(), 1_100);
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
    let mut call = reserve("r2", "BBB0002", (1_020, 1_030), Outcome::Broken);
    call.outcome = Outcome::of(&call.operation, 200, &serde_json::json!({"status": "sucesso"}));
    assert_eq!(found(&[call], holding(Vec::new())), [Kind::Malformed]);
}
