//! Carros that do not come, and what their tolerance waits for.

use domain::{Motivo, Rejection, ReservaFacts, ReservaState};

use crate::store::reserva_support::{MINUTE, patient, rejected};
use crate::support::{HOUR, START, TestStore, placa, reservation, set_now};

#[tokio::test]
async fn an_absence_frees_the_posto_at_its_instant_whether_or_not_it_is_recorded() {
    let mut store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    store.published();
    set_now(START + 15 * MINUTE - 1);
    assert!(!store.disponivel(1).await);
    assert!(!store.store.listing().await.expect("a listing").postos[0].disponivel);
    let held = Rejection::PostoReservado { nome: "Ponto 1".to_owned() };
    assert_eq!(rejected(store.reserve("r2", "BBB2222", 1).await), held);
    set_now(START + 15 * MINUTE);
    assert!(store.disponivel(1).await, "no sweep has run");
    assert!(store.store.listing().await.expect("a listing").postos[0].disponivel);
    let absent = store.facts("r1").await;
    assert_eq!(absent.state, ReservaState::NaoCompareceu);
    assert_eq!((absent.motivo, absent.versao), (Some(Motivo::Ausencia), 2));
    assert_eq!(absent.desde.as_millis(), START + 15 * MINUTE);
    assert_eq!(rejected(store.cancel("r1").await), Rejection::ReservaEncerrada);
    // Not recorded yet, so a clock that is set back undoes it.
    set_now(START + MINUTE);
    assert_eq!(store.facts("r1").await.state, ReservaState::Ativa);
    set_now(START + 16 * MINUTE);
    store.reserve("r3", "BBB2222", 1).await.expect("free for the next caller at once");
    assert_eq!(store.facts("r1").await, absent, "recorded as it was shown");
    let published = [(1, ReservaState::NaoCompareceu, Some(2)), (2, ReservaState::Ativa, None)];
    assert_eq!(store.published(), published);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(store.published(), [], "it is published once");
    set_now(START + MINUTE);
    assert_eq!(store.facts("r1").await, absent, "what is recorded is final");
    let first = store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("the first answer again");
    assert_eq!((first.reserva.facts.state, first.reserva.facts.versao), (ReservaState::Ativa, 1));
}

#[tokio::test]
async fn an_absence_is_final_once_somebody_was_answered_about_the_posto() {
    let store = TestStore::with_rules(2, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    set_now(START + 15 * MINUTE);
    store.reserve_at("tomorrow", "BBB2222", (24, 26)).await.expect("free");
    set_now(START + MINUTE);
    assert_eq!(store.facts("r1").await.state, ReservaState::NaoCompareceu);
    assert_eq!(store.facts("r1").await.versao, 2);
}

#[tokio::test]
async fn the_sweep_records_absences_and_ends_once() {
    let mut store = TestStore::with_rules(2, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
    store.store.execute(reservation("r2", "BBB2222", 2, Some((0, 1)))).await.expect("free");
    store.reports_charging("BBB2222").await;
    store.published();
    set_now(START + 2 * HOUR);
    let shown = (store.facts("r1").await, store.facts("r2").await);
    store.store.sweep().await.expect("a sweep");
    let published =
        [(1, ReservaState::NaoCompareceu, Some(2)), (2, ReservaState::Encerrada, Some(2))];
    assert_eq!(store.published(), published);
    assert_eq!((store.facts("r1").await, store.facts("r2").await), shown, "as they were shown");
    store.store.sweep().await.expect("a sweep");
    assert_eq!(store.published(), []);
    set_now(START + MINUTE);
    let back = (store.facts("r1").await.state, store.facts("r2").await.state);
    assert_eq!(back, (ReservaState::NaoCompareceu, ReservaState::Ativa));
}

#[tokio::test]
async fn the_tolerance_of_a_reserva_is_that_of_when_it_was_made() {
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
    let store = store.reopen_with(patient()).await;
    store.reserve_at("r2", "BBB2222", (1, 2)).await.expect("free");
    let store = store.reopen().await;
    set_now(START + 30 * MINUTE);
    assert_eq!(store.facts("r1").await.state, ReservaState::Ativa);
    set_now(START + HOUR + 15 * MINUTE);
    assert_eq!(store.facts("r2").await.state, ReservaState::NaoCompareceu);
}

#[tokio::test]
async fn no_carro_is_absent_while_something_keeps_it_away() {
    let after = |minutes: i64| set_now(START + minutes * MINUTE);
    let due = |facts: ReservaFacts| facts.falta_em.map(|due| (due.as_millis() - START) / MINUTE);
    // Out of service from before its begin until 20 minutes after.
    set_now(START - HOUR);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    assert_eq!(due(store.facts("r1").await), Some(15));
    store.charger_says(false).await;
    assert_eq!(due(store.facts("r1").await), None);
    after(20);
    assert_eq!(store.facts("r1").await.state, ReservaState::Ativa);
    store.charger_says(true).await;
    assert_eq!(due(store.facts("r1").await), Some(35));
    // Again, and then only what is left of the reserva.
    after(30);
    store.charger_says(false).await;
    after(104);
    store.charger_says(true).await;
    assert_eq!(due(store.facts("r1").await), Some(119));
    store.charger_says(false).await;
    after(105);
    store.charger_says(true).await;
    assert_eq!(due(store.facts("r1").await), Some(120), "it ends at the same time");
    for is_recorded in [false, true] {
        after(120 + i64::from(is_recorded));
        let ended = store.facts("r1").await;
        assert_eq!((ended.state, due(ended)), (ReservaState::Encerrada, None), "{is_recorded}");
        store.store.sweep().await.expect("a sweep");
    }
    // What is due is due, whatever happens after.
    set_now(START - HOUR);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    after(15);
    store.charger_says(false).await;
    assert_eq!(store.facts("r1").await.state, ReservaState::NaoCompareceu);
    // Another carro charges there.
    set_now(START - HOUR);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    let session = store.charges(placa("BBB2222")).await;
    assert_eq!(due(store.facts("r1").await), None);
    store.reserve_at("r2", "CCC3333", (2, 4)).await.expect("free then");
    assert_eq!(due(store.facts("r2").await), None, "it may still charge then");
    after(40);
    assert_eq!(store.facts("r1").await.state, ReservaState::Ativa);
    store.leaves(session).await;
    assert_eq!(due(store.facts("r1").await), Some(55));
    assert_eq!(due(store.facts("r2").await), Some(135));
    // The carro reports that it charges: only after the begin it has come.
    set_now(START - HOUR);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    store.reports_charging("AAA1111").await;
    assert_eq!(due(store.facts("r1").await), Some(15));
    after(14);
    store.reports_charging("AAA1111").await;
    store.charger_says(false).await;
    store.charger_says(true).await;
    assert_eq!(due(store.facts("r1").await), None);
    after(119);
    assert_eq!(store.facts("r1").await.state, ReservaState::Ativa);
    // Too late.
    set_now(START);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    after(15);
    store.reports_charging("AAA1111").await;
    assert_eq!(store.facts("r1").await.state, ReservaState::NaoCompareceu);
}

#[tokio::test]
async fn the_tolerance_does_not_run_while_the_servidor_does_not() {
    let store = TestStore::with_rules(3, patient()).await;
    store.reserve("due", "AAA1111", 1).await.expect("free");
    set_now(START + 14 * MINUTE);
    store.reserve("began", "BBB2222", 2).await.expect("free");
    set_now(START + 20 * MINUTE);
    let later = reservation("later", "CCC3333", 3, Some((2, 4)));
    store.store.execute(later).await.expect("free");
    // The sweep has not run since one was due; nothing was written after 20 minutes.
    set_now(START + HOUR);
    let store = store.reopen_with(patient()).await;
    assert_eq!(store.facts("due").await.state, ReservaState::NaoCompareceu);
    let due = async |request_id| {
        let due = store.facts(request_id).await.falta_em.expect("it waits");
        (due.as_millis() - START) / MINUTE
    };
    assert_eq!((due("began").await, due("later").await), (75, 135));
    set_now(START + 74 * MINUTE);
    assert_eq!(store.facts("began").await.state, ReservaState::Ativa);
}
