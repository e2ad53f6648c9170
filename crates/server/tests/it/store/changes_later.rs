//! Changes of reservas that have begun or ended, or that others change too.

use std::time::Duration;

use domain::{IntervalError, Rejection, ReservaFacts, ReservaState, Rules};
use server::store::{Change, ChangeReserva, ForgetCarro, ReservasQuery, StartCarregamento};

use crate::store::changes::{change, command, current, dump, minutes, outcome, sql, to};
use crate::store::reserva_support::{MINUTE, rejected};
use crate::support::{HOUR, START, TestStore, now, placa, reservation, set_now};

#[tokio::test]
async fn what_has_ended_stays_and_of_what_is_charged_only_the_end_moves() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (0, 3)).await.expect("free");
    set_now(START + HOUR);
    sql(&store, "UPDATE reservas SET status = 'cumprida', versao = 2");
    assert_eq!(
        rejected(change(&store, "c1", to(Some(2), None, None)).await),
        Rejection::ReservaEmUso
    );
    let shorter = change(&store, "c2", to(None, Some(0), Some(90))).await.expect("its end");
    assert_eq!(
        (shorter.reserva.facts.state, shorter.reserva.facts.versao),
        (ReservaState::Cumprida, 3)
    );
    let past = Rejection::Interval(vec![IntervalError::FimInPast]);
    assert_eq!(rejected(change(&store, "c3", to(None, None, Some(59))).await), past);
    let again = change(&store, "c2", to(None, Some(0), Some(90))).await;
    assert_eq!(again, Ok(shorter), "state and all");
    set_now(START + 90 * MINUTE);
    let over = rejected(change(&store, "c4", to(None, None, Some(120))).await);
    assert_eq!(over, Rejection::ReservaEncerrada);
    // Cancelled in between.
    store.store.execute(reservation("r2", "XYZ9876", 2, Some((3, 5)))).await.expect("free");
    store.cancel("r2").await.expect("it is active");
    let cancelled = ChangeReserva {
        reserva_request_id: "r2".to_owned(),
        ..command("c5", to(Some(1), None, None))
    };
    assert_eq!(rejected(store.store.execute(cancelled).await), Rejection::ReservaEncerrada);
}

#[tokio::test]
async fn a_begun_reserva_keeps_its_begin_and_both_postos_are_told() {
    let mut store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (0, 3)).await.expect("free");
    // Who held the other posto until then is not in the way.
    store.store.execute(reservation("past", "QQQ0A00", 2, Some((0, 1)))).await.expect("free");
    let moving = to(Some(2), None, None);
    let held = Rejection::PostoReservado { nome: "Ponto 2".to_owned() };
    assert_eq!(rejected(change(&store, "c0", moving).await), held);
    set_now(START + HOUR);
    while store.changes.try_recv().is_ok() {}
    let begun = Rejection::Interval(vec![IntervalError::InicioBegun]);
    assert_eq!(rejected(change(&store, "c1", to(None, Some(70), None)).await), begun);
    assert!(store.disponivel(2).await && !store.disponivel(1).await);
    let moved = change(&store, "c2", moving).await.expect("free");
    assert_eq!(minutes(&moved.reserva.facts), (0, 180));
    assert!(store.disponivel(1).await && !store.disponivel(2).await);
    let published: Vec<Change> =
        std::iter::from_fn(|| store.changes.try_recv().ok()).flatten().collect();
    for posto_id in [1, 2] {
        assert!(published.contains(&Change::Posto(posto_id)), "{published:?}");
    }
    // One that is brought forward begins now.
    store.store.execute(reservation("r2", "XYZ9876", 1, Some((5, 6)))).await.expect("free");
    let earlier = ChangeReserva {
        reserva_request_id: "r2".to_owned(),
        ..command("c3", to(None, Some(58), None))
    };
    let earlier = store.store.execute(earlier).await.expect("free");
    assert_eq!(minutes(&earlier.reserva.facts), (60, 360));
    assert!(!store.disponivel(1).await);
    // It may stay longer there, and come back.
    change(&store, "c4", to(None, None, Some(200))).await.expect("free");
    store.cancel("r2").await.expect("it is active");
    change(&store, "c5", to(Some(1), None, None)).await.expect("free");
    assert_eq!(minutes(&current(&store, "r1").await.1), (0, 200));
    assert!(store.disponivel(2).await && !store.disponivel(1).await);
}

#[tokio::test]
async fn a_session_that_is_open_where_a_reserva_comes_to_fulfils_it() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (0, 3)).await.expect("free");
    set_now(START + HOUR);
    sql(
        &store,
        "INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh) VALUES (2, 'ABC1234', 0, 9);
         UPDATE postos SET preco_kwh = 3 WHERE id = 2",
    );
    let moved = change(&store, "c1", to(Some(2), None, None)).await.expect("free");
    let facts = moved.reserva.facts;
    assert_eq!((facts.state, facts.versao, facts.desde), (ReservaState::Cumprida, 2, now()));
    let (posto_id, since) = current(&store, "r1").await;
    assert_eq!((posto_id, since.posto_desde), (2, Some(now())));
    assert_eq!(ReservaFacts { posto_desde: None, ..since }, facts);
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    let session = file.query_row("SELECT reserva_id, preco_kwh FROM carregamentos", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    assert_eq!(session, Ok((1, 3.0)));
    assert_eq!(change(&store, "c1", to(Some(2), None, None)).await, Ok(moved));
    // One that is brought forward to now, where its carro charges.
    let store = TestStore::new(1).await;
    let start = StartCarregamento { posto_id: 1, placa: placa("ABC1234") };
    store.store.execute(start).await.expect("it is free");
    store.reserve_at("r1", "ABC1234", (2, 3)).await.expect("free");
    assert_eq!(current(&store, "r1").await.1.state, ReservaState::Ativa);
    change(&store, "c1", to(None, Some(90), None)).await.expect("free");
    set_now(START + 80 * MINUTE);
    change(&store, "c2", to(None, Some(80), None)).await.expect("free");
    let facts = current(&store, "r1").await.1;
    assert_eq!((facts.state, facts.versao, facts.desde), (ReservaState::Cumprida, 3, now()));
}

#[tokio::test]
async fn a_changed_reserva_is_waited_for_from_its_new_begin() {
    let patient = Rules { tolerancia: Duration::from_secs(15 * 60), ..Rules::default() };
    let due = |facts: &ReservaFacts| facts.falta_em.map(|due| (due.as_millis() - START) / MINUTE);
    let store = TestStore::with_rules(2, patient).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    assert_eq!(due(&current(&store, "r1").await.1), Some(75));
    let answer = change(&store, "c1", to(None, Some(30), None)).await.expect("free");
    assert_eq!(answer.reserva.facts.falta_em, None, "an answer does not tell it");
    assert_eq!(due(&current(&store, "r1").await.1), Some(45));
    // Another end does not begin it anew, nor does a rule that was changed.
    set_now(START + 40 * MINUTE);
    let store = store.reopen().await;
    change(&store, "c2", to(None, None, Some(240))).await.expect("free");
    assert_eq!(due(&current(&store, "r1").await.1), Some(55), "the servidor was started again");
    change(&store, "c3", to(None, None, Some(55))).await.expect("free");
    assert_eq!(due(&current(&store, "r1").await.1), Some(55), "it ends at the same time");
    change(&store, "c4", to(None, None, Some(120))).await.expect("free");
    assert_eq!(due(&current(&store, "r1").await.1), Some(55), "that time runs on");
    // Who does not come cannot hold a posto by changing the end again and again.
    set_now(START + 45 * MINUTE);
    change(&store, "c4-1", to(None, None, Some(55))).await.expect("free");
    change(&store, "c4-2", to(None, None, Some(120))).await.expect("free");
    assert_eq!(due(&current(&store, "r1").await.1), Some(55));
    // Nor by changing its posto again and again.
    set_now(START + 50 * MINUTE);
    for (request_id, posto_id) in [("c5-1", 2), ("c5-2", 1), ("c5-3", 2)] {
        change(&store, request_id, to(Some(posto_id), None, None)).await.expect("free");
        assert_eq!(due(&current(&store, "r1").await.1), Some(55));
    }
    // What is due is due, recorded or not.
    set_now(START + 55 * MINUTE);
    let refused = rejected(change(&store, "c6", to(None, None, Some(180))).await);
    assert_eq!(refused, Rejection::ReservaEncerrada);
    // And frees a posto for the change of another.
    set_now(START);
    let store = TestStore::with_rules(2, patient).await;
    store.store.execute(reservation("absent", "XYZ9876", 2, Some((0, 9)))).await.expect("free");
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    set_now(START + 15 * MINUTE);
    change(&store, "c1", to(Some(2), None, None)).await.expect("nobody came there");
    assert_eq!(current(&store, "absent").await.1.state, ReservaState::NaoCompareceu);
}

#[tokio::test]
async fn two_changes_at_once_are_made_one_after_the_other() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    store.store.execute(reservation("r2", "XYZ9876", 2, Some((1, 3)))).await.expect("free");
    // Neither can have the other's place: each is held until it holds another.
    let other = ChangeReserva {
        reserva_request_id: "r2".to_owned(),
        ..command("c2", to(Some(1), None, None))
    };
    let (one, two) =
        tokio::join!(change(&store, "c1", to(Some(2), None, None)), store.store.execute(other));
    assert!(one.is_err() && two.is_err(), "{one:?} {two:?}");
    let (one, two) = tokio::join!(
        change(&store, "c3", to(None, Some(30), None)),
        change(&store, "c4", to(None, None, Some(150))),
    );
    let (one, two) = (one.expect("free").reserva.facts, two.expect("free").reserva.facts);
    assert_eq!((one.versao, two.versao), (2, 3));
    assert_eq!(minutes(&current(&store, "r1").await.1), (30, 150), "both");
}

#[tokio::test]
async fn a_change_that_is_forgotten_is_not_made_again() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    change(&store, "change-ABC1234", to(Some(2), None, None)).await.expect("free");
    let refused = change(&store, "refused-ABC1234", to(Some(9), None, None)).await;
    assert!(refused.is_err());
    store.cancel("r1").await.expect("it is active");
    let placa = placa("ABC1234");
    let refusals = store.store.refusals_of(&placa).await.expect("a read");
    store.store.execute(ForgetCarro { placa, refusals }).await.expect("it holds nothing");
    assert_eq!(dump(&store).len(), 1, "a reserva without its carro");
    for (request_id, asked) in
        [("change-ABC1234", to(Some(2), None, None)), ("refused-ABC1234", to(Some(9), None, None))]
    {
        let inexistente = Rejection::ReservaInexistente {
            reserva: "r1".to_owned(),
            server_id: "server1".to_owned(),
        };
        assert_eq!(rejected(change(&store, request_id, asked).await), inexistente);
        let known = outcome(&store, request_id).await;
        assert!(known.decision.is_err() && known.current.is_none());
        // Nor is it a reservation.
        let reused = store.reserve(request_id, "XYZ9876", 2).await;
        assert!(matches!(rejected(reused), Rejection::ReservaInexistente { .. }));
    }
    let query = ReservasQuery { limit: 10, ..ReservasQuery::default() };
    assert_eq!(store.store.reservas(&query, now()).await.expect("a read").len(), 1);
}
