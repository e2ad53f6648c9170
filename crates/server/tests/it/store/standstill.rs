//! Time in which the servidor could not serve, and clocks that are set back: neither costs a driver a
//! reserva, nor holds a posto for nobody.

use domain::{Disposition, IntervalError, Moment, Rejection, ReservaState};
use server::store::{ReservasQuery, StartCarregamento, back_up, restore};

use crate::store::changes::{change, to};
use crate::store::maintenance::out;
use crate::store::reserva_support::{patient, rejected};
use crate::store::sessions::{at, minutes, wait_until};
use crate::support::{TestStore, jump_to, now, placa, removal, reservation, set_now};

#[tokio::test]
async fn a_restore_makes_nobody_absent() {
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 4)).await.expect("free");
    let backup = store.folder.path().join("backup.db");
    back_up(&store.path(), "server1", &backup, now()).expect("a backup");
    let folder = store.close().await;
    wait_until(60);
    restore(&TestStore::file(folder.path()), "server1", &backup, now(), None).expect("restored");
    wait_until(61);
    let store = TestStore::open_with(folder, patient()).await;
    let facts = store.facts("r1").await;
    assert_eq!((facts.state, facts.falta_em), (ReservaState::Ativa, Some(at(76))));
}

/// The states of its reservas, as they are listed, shown and counted in what is free.
async fn states(store: &TestStore) -> Vec<ReservaState> {
    let query = ReservasQuery { limit: 10, ..ReservasQuery::default() };
    let mut listed = store.store.reservas(&query, now()).await.expect("a read");
    listed.sort_by_key(|reserva| reserva.id);
    let listing = store.store.listing().await.expect("a listing");
    for reserva in &listed {
        let (state, posto_id) = (reserva.facts.state, reserva.posto_id);
        let request_id = reserva.request_id.as_ref().expect("it is not forgotten");
        assert_eq!(store.facts(request_id).await, reserva.facts);
        let query = ReservasQuery { status: Some(state), ..query.clone() };
        let found = store.store.reservas(&query, now()).await.expect("a read");
        assert!(found.iter().any(|found| found.id == reserva.id), "{found:?}");
        let is_free = state == ReservaState::NaoCompareceu;
        assert_eq!(store.disponivel(posto_id).await, is_free, "{reserva:?}");
        let listed = listing.postos.iter().find(|posto| posto.id == posto_id).expect("the posto");
        assert_eq!(listed.disponivel, is_free, "{reserva:?}");
        let wanted = reservation("none", "ZZZ9999", posto_id, None).command;
        let estimated = store.store.estimate(&wanted, &patient(), now()).await.expect("a read");
        assert_eq!(estimated.map(|estimated| estimated.disponivel), Ok(is_free), "{reserva:?}");
    }
    listed.into_iter().map(|reserva| reserva.facts.state).collect()
}

/// Three carros that are waited for, at minute 16: one that did not come in time, and two with a
/// minute left.
async fn waiting() -> TestStore {
    wait_until(0);
    let store = TestStore::with_rules(3, patient()).await;
    store.reserve("r1", "AAA1111", 1).await.expect("free");
    wait_until(2);
    store.reserve("r2", "BBB2222", 2).await.expect("free");
    store.reserve("r3", "CCC3333", 3).await.expect("free");
    wait_until(16);
    store
}

#[tokio::test]
async fn a_servidor_that_stood_still_makes_nobody_absent() {
    use ReservaState::{Ativa, Cumprida, NaoCompareceu};
    let store = waiting().await;
    jump_to(at(60).as_millis());
    assert_eq!(states(&store).await, [NaoCompareceu, Ativa, Ativa], "before anything is written");
    let taken = store.reserve("r4", "DDD4444", 2).await;
    assert_eq!(rejected(taken), Rejection::PostoReservado { nome: "Ponto 2".to_owned() });
    let start = StartCarregamento { posto_id: 3, placa: placa("CCC3333") };
    store.store.execute(start).await.expect("it may");
    assert_eq!(store.facts("r3").await.state, Cumprida, "it could not come before");
    assert_eq!(store.facts("r1").await.desde, at(15), "it was due before");
    assert_eq!(store.facts("r2").await.falta_em, Some(at(75)));
    wait_until(75);
    assert_eq!(store.facts("r2").await.state, NaoCompareceu);
    // No longer than sweeps may be apart.
    let store = waiting().await;
    jump_to(at(16).as_millis() + 10_000);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(store.facts("r2").await.falta_em, Some(at(17)));
}

/// While nothing is written, nobody knows whether that becomes a standstill: an absence that falls due
/// some seconds later is shown when something is written, and never taken back.
#[tokio::test]
async fn an_absence_is_not_shown_before_it_is_certain() {
    use ReservaState::{Ativa, NaoCompareceu};
    let after = |seconds: i64| at(16).as_millis() + seconds * 1000;
    for (written, shown, then) in [
        (58, [NaoCompareceu; 3], [NaoCompareceu; 3]),
        (57, [NaoCompareceu; 3], [NaoCompareceu; 3]),
        (56, [NaoCompareceu, Ativa, Ativa], [NaoCompareceu; 3]),
        (54, [NaoCompareceu, Ativa, Ativa], [NaoCompareceu; 3]),
        (53, [NaoCompareceu, Ativa, Ativa], [NaoCompareceu, Ativa, Ativa]),
    ] {
        let store = waiting().await;
        set_now(after(written));
        jump_to(after(64));
        assert_eq!(states(&store).await, shown, "{written}");
        // Nothing is written by what is refused, and it could have been.
        rejected(store.cancel("none").await);
        assert_eq!(states(&store).await, then, "{written}");
        store.store.sweep().await.expect("a sweep");
        assert_eq!(states(&store).await, then, "{written}");
    }
}

/// A disk that is full keeps sessions from being recorded.
#[tokio::test]
async fn a_database_that_cannot_be_written_makes_nobody_absent() {
    use ReservaState::{Ativa, Cumprida, NaoCompareceu};
    let store = waiting().await;
    let other = rusqlite::Connection::open(store.path()).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock of the writer");
    store.store.sweep().await.expect_err("it is locked");
    jump_to(at(60).as_millis());
    assert_eq!(states(&store).await, [NaoCompareceu, Ativa, Ativa]);
    other.execute_batch("ROLLBACK").expect("the lock is released");
    let start = StartCarregamento { posto_id: 3, placa: placa("CCC3333") };
    store.store.execute(start).await.expect("it may");
    assert_eq!(store.facts("r3").await.state, Cumprida, "it could not come before");
    assert_eq!(store.facts("r2").await.falta_em, Some(at(75)));
    assert_eq!(store.facts("r1").await.desde, at(15));
}

/// What it wrote says nothing of when the servidor last ran.
#[tokio::test]
async fn a_restart_gives_the_tolerance_anew_also_after_a_clock_that_ran_ahead() {
    wait_until(24 * 60);
    let store = TestStore::with_rules(2, patient()).await;
    store.reserve("ahead", "BBB2222", 2).await.expect("free");
    store.cancel("ahead").await.expect("it is active");
    wait_until(0);
    store.reserve_at("r1", "AAA1111", (0, 4)).await.expect("free");
    wait_until(5);
    store.store.sweep().await.expect("a sweep");
    let folder = store.close().await;
    jump_to(at(30).as_millis());
    let store = TestStore::open_with(folder, patient()).await;
    let facts = store.facts("r1").await;
    assert_eq!((facts.state, facts.falta_em), (ReservaState::Ativa, Some(at(45))));
}

/// Its sweep ended what had not ended, and gave all others their tolerance from its time on.
#[tokio::test]
async fn a_clock_that_ran_ahead_holds_no_posto_for_nobody() {
    use ReservaState::{Ativa, NaoCompareceu};
    for ahead in [30, 125, 24 * 60] {
        wait_until(0);
        let store = TestStore::with_rules(3, patient()).await;
        store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
        store.store.execute(reservation("r2", "BBB2222", 2, Some((0, 4)))).await.expect("free");
        store.store.execute(reservation("r3", "CCC3333", 3, Some((2, 4)))).await.expect("free");
        wait_until(5);
        jump_to(at(ahead).as_millis());
        store.store.sweep().await.expect("a sweep");
        jump_to(at(6).as_millis());
        store.store.sweep().await.expect("a sweep");
        for (request_id, due) in [("r1", 21), ("r2", 21), ("r3", 135)] {
            let facts = store.facts(request_id).await;
            assert_eq!(
                (facts.state, facts.falta_em),
                (Ativa, Some(at(due))),
                "{request_id} {ahead}"
            );
        }
        wait_until(21);
        assert_eq!(store.facts("r1").await.state, NaoCompareceu, "{ahead}");
        store.reserve("r4", "DDD4444", 1).await.expect("it is free");
    }
}

/// One commit that fails now and then gives nobody a posto for good.
#[tokio::test]
async fn a_short_time_without_writing_counts_for_nobody_and_is_all_that_is_given() {
    use ReservaState::{Ativa, NaoCompareceu};
    let store = waiting().await;
    let after = |seconds: i64| at(16).as_millis() + seconds * 1000;
    set_now(after(58));
    let other = rusqlite::Connection::open(store.path()).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock of the writer");
    store.store.sweep().await.expect_err("it is locked");
    jump_to(after(63));
    assert_eq!(states(&store).await, [NaoCompareceu, Ativa, Ativa]);
    other.execute_batch("ROLLBACK").expect("the lock is released");
    store.store.sweep().await.expect("a sweep");
    assert_eq!(states(&store).await, [NaoCompareceu, Ativa, Ativa]);
    let due = Some(Moment::from_millis(after(65)));
    assert_eq!(store.facts("r2").await.falta_em, due, "the two seconds that were left");
    set_now(after(64));
    assert_eq!(states(&store).await, [NaoCompareceu, Ativa, Ativa]);
    set_now(after(65));
    assert_eq!(states(&store).await, [NaoCompareceu; 3]);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(Some(store.facts("r3").await.desde), due);
}

#[tokio::test]
async fn a_session_that_ends_after_the_clock_was_set_back_frees_its_reserva() {
    wait_until(10);
    let mut store = TestStore::with_rules(1, patient()).await;
    store.reserve("r1", "AAA1111", 1).await.expect("free");
    let session = store.charges(placa("AAA1111")).await;
    wait_until(5);
    store.published();
    store.leaves(session).await;
    assert_eq!(store.published().len(), 1, "it is published to its client");
    wait_until(30);
    let facts = store.facts("r1").await;
    assert_eq!((facts.state, facts.held_until()), (ReservaState::Cumprida, None));
    assert!(store.disponivel(1).await);
    store.reserve("r2", "BBB2222", 1).await.expect("it is free");
}

/// A reserva of an old release has no name of its own.
#[tokio::test]
async fn a_move_does_not_change_what_an_old_release_answered() {
    wait_until(0);
    let store = TestStore::new(2).await;
    let first = store.reserve("r1", "AAA1111", 1).await.expect("free");
    store.execute_sql("UPDATE reservas SET nome = NULL");
    store.store.execute(out(Disposition::Move)).await.expect("it is done");
    assert_eq!(store.reserve("r1", "AAA1111", 1).await, Ok(first));
}

/// The clock was five hours ahead: a reserva that begins then was fulfilled by the session that was open.
#[tokio::test]
async fn a_reserva_that_a_wrong_clock_had_begun_is_freed_with_its_session() {
    let mut store = TestStore::new(1).await;
    let session = store.charges(placa("AAA1111")).await;
    store.reserve_at("r1", "AAA1111", (5, 6)).await.expect("free");
    wait_until(301);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(store.facts("r1").await.state, ReservaState::Cumprida);
    wait_until(10);
    store.published();
    store.leaves(session).await;
    assert_eq!(store.published(), [(1, ReservaState::Cumprida, Some(3))]);
    for minutes in [10, 310, 5] {
        wait_until(minutes);
        assert_eq!(store.facts("r1").await.held_until(), None, "{minutes}");
    }
    store.store.execute(reservation("r2", "BBB2222", 1, Some((5, 6)))).await.expect("free");
    store.store.execute(removal(1)).await.expect_err("that one holds it");
    store.cancel("r2").await.expect("it is active");
    store.store.execute(removal(1)).await.expect("nothing holds it");
}

/// However the clock goes on, nobody holds a posto that its carro has left.
#[tokio::test]
async fn a_carro_that_has_left_holds_nothing_when_the_clock_is_set_back() {
    // It left before the end of its reserva, and after.
    for (left, free_early, versao) in [(60, Some(60), 3), (200, None, 2)] {
        wait_until(0);
        let mut store = TestStore::new(1).await;
        store.reserve_at("r1", "AAA1111", (0, 3)).await.expect("free");
        let session = store.charges(placa("AAA1111")).await;
        wait_until(left);
        store.published();
        store.leaves(session).await;
        assert_eq!(store.published().len(), usize::from(free_early.is_some()), "{left}");
        let facts = store.facts("r1").await;
        assert_eq!((minutes(facts.free_early()), facts.versao), (free_early, versao));
        wait_until(30);
        assert!(store.disponivel(1).await, "{left}");
        assert!(store.store.listing().await.expect("a list").postos[0].disponivel);
        store.reserve("r2", "BBB2222", 1).await.expect("it is free");
        let again = rejected(change(&store, "c1", to(None, None, Some(170))).await);
        assert_eq!(again, Rejection::ReservaEncerrada);
    }
}

/// What a carro held until it left is still known when a session is reported afterwards.
#[tokio::test]
async fn a_session_reported_afterwards_finds_what_its_posto_was_held_for() {
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (0, 3)).await.expect("free");
    wait_until(20);
    let session = store.charges(placa("AAA1111")).await;
    wait_until(60);
    store.leaves(session).await;
    wait_until(90);
    let reported = store.reports("BBB2222", 10, Some(15)).await.expect("a fact");
    assert_eq!(reported.conflitos, [1], "it was held then");
    let reported = store.reports("BBB2222", 70, Some(80)).await.expect("a fact");
    assert_eq!(reported.conflitos, [0; 0], "it was free then");
    store.posto_price(9.0).await;
    let own = store.reports("AAA1111", 1, Some(5)).await.expect("a fact");
    let own = store.session(own.id).await;
    assert_eq!((own.reserva_id, own.preco_kwh.get()), (Some(1), 2.5), "as agreed");
    let later = store.reports("AAA1111", 61, Some(65)).await.expect("a fact");
    assert_eq!(store.session(later.id).await.reserva_id, None);
}

/// A reserva holds the posto that it was given from then on; a clock that is set back does not give it
/// what another may have held.
#[tokio::test]
async fn a_reserva_that_was_moved_is_changed_with_the_clock_set_back() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "AAA1111", (0, 4)).await.expect("free");
    wait_until(120);
    change(&store, "c1", to(Some(2), None, None)).await.expect("free");
    wait_until(60);
    let past = Rejection::Interval(vec![IntervalError::FimInPast]);
    for (request_id, fim) in [("c2", 90), ("c3", 120)] {
        let refused = rejected(change(&store, request_id, to(None, None, Some(fim))).await);
        assert_eq!(refused, past, "{fim}");
    }
    change(&store, "c4", to(None, None, Some(180))).await.expect("its own");
    let held = store.facts("r1").await.held().expect("it holds it");
    assert_eq!((held.inicio(), held.fim()), (at(120), at(180)));
    assert!(store.disponivel(2).await);
    store.store.execute(reservation("r2", "BBB2222", 2, Some((1, 2)))).await.expect("free");
    wait_until(120);
    assert!(!store.disponivel(2).await);
}
