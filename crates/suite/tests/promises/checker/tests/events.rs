//! What is published for clients.

use super::*;
use crate::evidence::SessionRow;
use crate::history::{Finished, Session};

fn published(row: &ReservaRow) -> PrivateEvent {
    PrivateEvent {
        client_id: "cliente1".to_owned(),
        server_id: "server1".to_owned(),
        request_id: row.request_id.clone(),
        reserva: reserva(row),
        timestamp: row.updated_at + 20,
    }
}

/// The carro is cancelled, and its client receives that.
fn published_run() -> (Vec<Call>, ReservaRow, PrivateEvent) {
    let made = row("r1", "AAA0001", WINDOW, 1_005);
    let row = cancelled(made.clone(), 2_005);
    let history = vec![
        reserve("r1", "AAA0001", (1_000, 1_010), shown(&made)),
        call(Operation::Cancel, Some("r1"), (2_000, 2_010), shown(&row)),
    ];
    let event = published(&row);
    (history, row, event)
}

fn found_published(published: &[PrivateEvent], silences: Vec<Window>) -> Vec<Kind> {
    let (history, row, _) = published_run();
    let conditions = Conditions { silences, ..conditions(&[]) };
    kinds(&history, Some(published), holding(vec![row]), &conditions)
}

#[test]
fn a_change_that_was_published_is_found_in_order() {
    let (_, _, event) = published_run();
    assert_eq!(found_published(std::slice::from_ref(&event), Vec::new()), []);
    assert_eq!(found_published(&[event.clone(), event], Vec::new()), [], "sent again");
}

#[test]
fn a_change_that_was_not_published_is_found() {
    assert_eq!(found_published(&[], Vec::new()), [Kind::NotPublished]);
    // It may have been lost with the broker, or with the servidor before it was sent.
    assert_eq!(found_published(&[], vec![(2_500, 2_600)]), []);
    assert_eq!(found_published(&[], vec![(1_500, 1_600)]), [Kind::NotPublished]);
}

#[test]
fn what_is_published_later_shows_what_was_lost() {
    let (mut history, row, _) = published_run();
    let later = ReservaRow { id: 2, posto_id: 6, ..row.clone() };
    let later = ReservaRow { request_id: "r2".to_owned(), placa: "BBB0002".to_owned(), ..later };
    let later = cancelled(later, 9_000);
    let made = ReservaRow { status: "ativa".to_owned(), versao: 1, desde: 1_005, ..later.clone() };
    let mut reserve = reserve("r2", "BBB0002", (1_000, 1_010), shown(&made));
    reserve.operation =
        Operation::Reserve { placa: "BBB0002".to_owned(), posto_id: 6, window: Some(WINDOW) };
    history.push(reserve);
    history.push(call(Operation::Cancel, Some("r2"), (8_990, 9_010), shown(&later)));
    let conditions = Conditions { silences: vec![(15_000, 15_100)], ..conditions(&[]) };
    let all = [published(&later)];
    let database = || holding(vec![row.clone(), later.clone()]);
    assert_eq!(kinds(&history, Some(&all), database(), &conditions), [Kind::NotPublished]);
    assert_eq!(kinds(&history, Some(&[]), database(), &conditions), [], "both may be lost");
    let of_another = ReservaRow { client_id: Some("cliente2".to_owned()), ..later.clone() };
    let all = [PrivateEvent { client_id: "cliente2".to_owned(), ..published(&later) }];
    let database = holding(vec![row, of_another]);
    assert_eq!(kinds(&history, Some(&all), database, &conditions), [], "it may have overtaken");
}

#[test]
fn what_is_not_so_is_found() {
    let (_, _, event) = published_run();
    let wrong: [fn(&mut PrivateEvent); 6] = [
        |published| published.client_id = "cliente2".to_owned(),
        |published| published.request_id = "r7".to_owned(),
        |published| published.reserva.versao = 3,
        |published| published.reserva.versao = 1,
        |published| published.reserva.status = "encerrada".to_owned(),
        |published| published.reserva.posto_id = 6,
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        let mut wrong = event.clone();
        change(&mut wrong);
        let kinds = found_published(&[event.clone(), wrong], Vec::new());
        assert_eq!(kinds, [Kind::PublishedFalsely], "{number}");
    }
}

/// A change of the reserva is published after its cancellation.
#[test]
fn an_order_that_only_two_programs_can_make_is_found() {
    let (mut history, mut row, _) = published_run();
    let warned = ReservaRow { aviso: Some("posto_livre".to_owned()), ..row.clone() };
    let warned = ReservaRow { status: "ativa".to_owned(), updated_at: 1_800, ..warned };
    row.versao = 3;
    history[1].outcome = shown(&row);
    let all = [published(&row), published(&warned)];
    let found = |outages: &[Window]| {
        let mut conditions = conditions(&[]);
        conditions.outages.insert("server1".to_owned(), outages.to_vec());
        kinds(&history, Some(&all), holding(vec![row.clone()]), &conditions)
    };
    assert_eq!(found(&[]), [Kind::PublishedFalsely]);
    assert_eq!(found(&[(1_900, 2_500)]), [], "one of the two was a twin");
    assert_eq!(found(&[(500, 900)]), [Kind::PublishedFalsely]);
}

/// Another carro charges there when the reserva begins, and leaves in the middle of it.
#[test]
fn a_warning_that_was_not_published_is_found() {
    let window = (20_000, 60_000);
    let made = row("r1", "AAA0001", window, 1_005);
    let at = |versao: i64, updated_at: i64, aviso: &str| {
        let aviso = Some(aviso.to_owned());
        ReservaRow { versao, updated_at, aviso, ..made.clone() }
    };
    let (warned, free) = (at(2, 20_500, "posto_ocupado"), at(3, 27_000, "posto_livre"));
    let finished = Finished { fim: 27_000, energia: 1_000_000, custo: PRECO };
    let stays = |finished| Session {
        id: 7,
        posto_id: 5,
        placa: "BBB0002".to_owned(),
        inicio: 15_000,
        preco: PRECO,
        finished,
    };
    let wanted =
        Operation::Reserve { placa: "AAA0001".to_owned(), posto_id: 5, window: Some(window) };
    let arrives = Operation::Arrive { placa: "BBB0002".to_owned(), posto_id: 5 };
    let leaves = Operation::Leave { posto_id: 5, session: 7, energia: 1_000_000 };
    let ended = stays(Some(finished));
    let history = [
        call(wanted, Some("r1"), (1_000, 1_010), shown(&made)),
        call(arrives, None, (14_990, 15_010), Outcome::Session(stays(None))),
        call(leaves, None, (26_990, 27_010), Outcome::Session(ended.clone())),
    ];
    let found = |published: &[PrivateEvent], silences: Vec<Window>| {
        let mut database = holding(vec![free.clone()]);
        database.sessions = vec![SessionRow { session: ended.clone(), reserva_id: None }];
        database.read_at = 40_000;
        let conditions = Conditions { silences, ..conditions(&[]) };
        kinds(&history, Some(published), database, &conditions)
    };
    let (warned, free) = (published(&warned), published(&free));
    assert_eq!(found(&[warned.clone(), free.clone()], Vec::new()), []);
    assert_eq!(found(std::slice::from_ref(&free), Vec::new()), [Kind::NotPublished]);
    assert_eq!(found(std::slice::from_ref(&warned), Vec::new()), [Kind::NotPublished]);
    assert_eq!(found(&[free], vec![(20_100, 20_200)]), [], "it may have been lost");
}
