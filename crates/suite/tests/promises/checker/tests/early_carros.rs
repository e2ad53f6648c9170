//! Carros that charge at a posto before their reserva of it begins.

use super::at_the_posto::{arrive, session};
use super::*;
use crate::evidence::SessionRow;
use crate::history::Session;

#[test]
fn a_begin_that_is_not_recorded_yet_is_accepted() {
    let made = row("r1", "AAA0001", WINDOW, 1_005);
    let since = WINDOW.0 - 9_000;
    let session = session("AAA0001", since, None);
    let history = [
        reserve("r1", "AAA0001", (1_000, 1_010), shown(&made)),
        arrive("AAA0001", (since - 1, since + 5), Outcome::Session(session.clone())),
    ];
    let found_at = |read_at| {
        let sessions = vec![SessionRow { session: session.clone(), reserva_id: None }];
        found(&history, Database { read_at, sessions, ..holding(vec![made.clone()]) })
    };
    assert_eq!(found_at(WINDOW.0 + 100), []);
    assert_eq!(found_at(WINDOW.0 + SWEEP + 1), [Kind::WrongState]);
}

/// It had the price of the posto when the carro came.
#[test]
fn the_price_of_a_session_becomes_that_of_its_reserva() {
    let made = row("r1", "AAA0001", WINDOW, 1_005);
    let since = WINDOW.0 - 9_000;
    let on_disk = session("AAA0001", since, None);
    let shown_at_arrival = Session { preco: PRECO + 225_000, ..on_disk.clone() };
    let history = [
        reserve("r1", "AAA0001", (1_000, 1_010), shown(&made)),
        arrive("AAA0001", (since - 1, since + 5), Outcome::Session(shown_at_arrival)),
    ];
    let found_with = |reserva_id: Option<i64>, begin: i64| {
        let sessions = vec![SessionRow { session: on_disk.clone(), reserva_id }];
        let begun = ReservaRow {
            status: "cumprida".to_owned(),
            desde: begin,
            versao: 2,
            window: (begin, WINDOW.1),
            ..made.clone()
        };
        found(&history, Database { sessions, read_at: WINDOW.0 + 100, ..holding(vec![begun]) })
    };
    assert_eq!(found_with(Some(1), WINDOW.0), []);
    assert!(found_with(None, WINDOW.0).contains(&Kind::SucessoLost), "of no reserva");
    assert!(found_with(Some(1), since - 1).contains(&Kind::SucessoLost), "begun before it came");
}
