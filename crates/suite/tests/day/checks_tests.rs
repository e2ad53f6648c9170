//! The checks find what they look for, in a day that was made up.

use std::sync::Arc;

use serde_json::{Value, json};

use super::checks::{Consulted, Evidence, Kind, check};
use super::clock::written;
use super::database::{Database, ReservaRow, SessionRow};
use super::listener::PrivateEvent;
use super::plan::{Day, HOUR, MINUTE, Scale};
use super::site::{Answer, Call, What};

const BEGIN: i64 = 1_800_000_000_000;
/// Of the reserva that everything is about, on posto 1.
const INTERVAL: (i64, i64) = (BEGIN + HOUR, BEGIN + 2 * HOUR);

fn day() -> Arc<Day> {
    Arc::new(Day::plan(1, &Scale::of(24)))
}

fn row(id: i64, placa: &str) -> ReservaRow {
    ReservaRow {
        id,
        request_id: format!("request-{id}"),
        client_id: "cliente1".to_owned(),
        posto: 1,
        placa: placa.to_owned(),
        inicio: INTERVAL.0,
        fim: INTERVAL.1,
        status: "ativa".to_owned(),
        desde: BEGIN,
        livre_desde: None,
        price: 2.895,
        versao: 1,
        created_at: BEGIN,
        updated_at: BEGIN,
        first: None,
    }
}

/// It is cancelled, and that is published for its client.
fn cancelled() -> (ReservaRow, PrivateEvent) {
    let at = BEGIN + 10 * MINUTE;
    let row = ReservaRow {
        status: "cancelada".to_owned(),
        desde: at,
        updated_at: at,
        versao: 2,
        ..row(1, "A")
    };
    let event = json!({
        "server_id": "server1", "request_id": "request-1", "id": 1, "posto_id": 1, "placa": "A",
        "inicio": written(row.inicio), "fim": written(row.fim), "status": "cancelada",
        "desde": written(at), "versao": 2, "timestamp": written(at),
    });
    (row, PrivateEvent { client_id: "cliente1".to_owned(), event })
}

fn call(what: What, at: i64, status: u16, json: Value) -> Call {
    let answer = Answer { status, json };
    Call { placa: "B".to_owned(), trip: None, what, started: at, ended: at + 1000, answer }
}

fn price() -> Call {
    call(What::Price { posto: 1, price: 2_895 }, BEGIN - HOUR, 201, json!({"id": 1}))
}

fn evidence(reservas: Vec<ReservaRow>, published: Vec<PrivateEvent>, calls: Vec<Call>) -> Evidence {
    let history = [price()].into_iter().chain(calls).collect();
    let database = Database { reservas, sessions: Vec::new() };
    Evidence { history, database, published, consulted: Vec::new(), losses: Vec::new() }
}

#[track_caller]
fn assert_finds(evidence: &Evidence, expected: &[Kind]) {
    let violations = check(&day(), evidence).violations;
    let kinds: Vec<Kind> = violations.iter().map(|violation| violation.kind).collect();
    assert_eq!(kinds, expected, "{violations:#?}");
}

#[test]
fn a_change_must_be_published_and_true() {
    let (row, published) = cancelled();
    assert_finds(&evidence(vec![row.clone()], vec![published.clone()], vec![]), &[]);
    let unpublished = evidence(vec![row.clone()], vec![], vec![]);
    assert_finds(&unpublished, &[Kind::NotPublished]);
    let lost = (row.updated_at - 1000, row.updated_at + 1000);
    assert_finds(&Evidence { losses: vec![lost], ..unpublished }, &[]);
    let mut other = published.clone();
    other.event["status"] = json!("nao_compareceu");
    assert_finds(&evidence(vec![row.clone()], vec![other], vec![]), &[Kind::PublishedWrongly]);
    let strange = PrivateEvent { client_id: "cliente2".to_owned(), ..published };
    assert_finds(&evidence(vec![row.clone()], vec![strange], vec![]), &[Kind::PublishedWrongly]);
    let (row, published) = cancelled();
    for (versao, found) in [(2, vec![]), (1, vec![Kind::PublishedWrongly])] {
        let mut reserva = published.event.clone();
        reserva["versao"] = json!(versao);
        let answer = Answer { status: 200, json: json!({"reserva": reserva}) };
        let during = (BEGIN + HOUR, BEGIN + HOUR);
        let consulted = vec![Consulted { request_id: "request-1".to_owned(), during, answer }];
        let evidence = evidence(vec![row.clone()], vec![published.clone()], vec![]);
        assert_finds(&Evidence { consulted, ..evidence }, &found);
    }
}

#[test]
fn two_that_hold_at_once_are_found() {
    let twice = |other: ReservaRow| evidence(vec![row(1, "A"), other], vec![], vec![]);
    assert_finds(&twice(row(2, "B")), &[Kind::HeldTwice]);
    assert_finds(&twice(ReservaRow { posto: 2, ..row(2, "B") }), &[]);
    let after = ReservaRow { inicio: INTERVAL.1, fim: INTERVAL.1 + HOUR, ..row(2, "B") };
    assert_finds(&twice(after), &[]);
    // Made after the other was cancelled, or before.
    let (first, published) = cancelled();
    for (made, found) in [(first.updated_at, vec![]), (first.updated_at - 1, vec![Kind::HeldTwice])]
    {
        let second = ReservaRow { created_at: made, ..row(2, "B") };
        assert_finds(
            &evidence(vec![first.clone(), second], vec![published.clone()], vec![]),
            &found,
        );
    }
}

#[test]
fn a_refusal_needs_a_reason() {
    let (row, published) = cancelled();
    let asked = |at, (inicio, fim)| {
        let refused = json!({"codigo": "posto_reservado"});
        let call = call(What::Reserve { posto: 1, inicio, fim }, at, 409, refused);
        evidence(vec![row.clone()], vec![published.clone()], vec![call])
    };
    assert_finds(&asked(BEGIN + MINUTE, INTERVAL), &[]);
    assert_finds(&asked(row.updated_at + MINUTE, INTERVAL), &[Kind::HeldByNobody]);
    let later = (INTERVAL.1, INTERVAL.1 + HOUR);
    assert_finds(&asked(BEGIN + MINUTE, later), &[Kind::HeldByNobody]);
    for (disponivel, at, found) in [
        (true, BEGIN + MINUTE, vec![]),
        (false, BEGIN + MINUTE, vec![Kind::HeldByNobody]),
        (false, INTERVAL.0 + MINUTE, vec![]),
        (true, INTERVAL.0 + MINUTE, vec![Kind::HeldByNobody]),
    ] {
        let listed = json!({"postos": [{"id": 1, "disponivel": disponivel}]});
        let looked = call(What::List, at, 200, listed);
        assert_finds(
            &evidence(vec![super::checks_tests::row(1, "A")], vec![], vec![looked]),
            &found,
        );
    }
}

#[test]
fn an_amount_that_differs_is_found() {
    let session = |cost, price| SessionRow {
        id: 1,
        posto: 1,
        placa: "B".to_owned(),
        inicio: BEGIN,
        fim: Some(BEGIN + HOUR),
        energy: Some(10.123),
        cost: Some(cost),
        price,
        reserva: None,
    };
    // 10.123 kWh at 2.895 cost 29.306085.
    for (cost, price, found) in
        [(29.31, 2.895, vec![]), (29.3, 2.895, vec![Kind::Money]), (25.31, 2.5, vec![Kind::Money])]
    {
        let mut evidence = evidence(vec![], vec![], vec![]);
        evidence.database.sessions.push(session(cost, price));
        assert_finds(&evidence, &found);
    }
}
