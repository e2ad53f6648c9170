//! What a change by its driver, or a move by its operator, gives and takes: time, tolerance and price.

use domain::{Disposition, Rejection, ReservaState};
use server::store::{FinishCarregamento, StartCarregamento, WriteError};

use crate::store::changes::{change, to};
use crate::store::maintenance::{out, site};
use crate::store::reserva_support::{patient, rejected};
use crate::store::sessions::{minutes, wait_until};
use crate::support::{TestStore, energy, placa};

impl TestStore {
    /// Its driver changes the posto of `r1`.
    async fn goes_to(&self, request_id: &str, posto_id: i64) -> Result<(), WriteError> {
        change(self, request_id, to(Some(posto_id), None, None)).await.map(|_| ())
    }
}

#[tokio::test]
async fn a_carro_that_came_to_one_posto_has_a_tolerance_to_come_to_another_and_no_more() {
    let store = TestStore::with_rules(3, patient()).await;
    store.reserve_at("r1", "ABC1234", (0, 3)).await.expect("free");
    wait_until(10);
    store.reports_charging("ABC1234").await;
    assert_eq!(store.due("r1").await, None, "it has come");
    change(&store, "c1", to(None, None, Some(240))).await.expect("free");
    assert_eq!(store.due("r1").await, None, "it is where it was");
    wait_until(60);
    store.goes_to("c2", 2).await.expect("free");
    assert_eq!(store.due("r1").await, Some(75));
    // There and back is no more time.
    wait_until(70);
    for (request_id, posto_id) in [("c3", 1), ("c4", 3), ("c5", 2)] {
        store.goes_to(request_id, posto_id).await.expect("free");
        assert_eq!(store.due("r1").await, Some(75));
    }
    wait_until(75);
    assert_eq!(rejected(store.goes_to("c6", 1).await), Rejection::ReservaEncerrada);
    assert_eq!(store.facts("r1").await.state, ReservaState::NaoCompareceu);
}

#[tokio::test]
async fn who_is_kept_out_has_a_whole_tolerance_at_another_posto() {
    let store = TestStore::with_rules(2, patient()).await;
    let session = store.charges(placa("XYZ9876")).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free then");
    wait_until(100);
    assert_eq!(store.due("r1").await, None, "another carro charges there");
    store.goes_to("c1", 2).await.expect("free");
    assert_eq!(store.due("r1").await, Some(115));
    wait_until(110);
    store.leaves(session).await;
    store.goes_to("c2", 1).await.expect("free");
    assert_eq!(store.due("r1").await, Some(115));
    // Before its begin a change takes nothing.
    wait_until(0);
    let store = TestStore::with_rules(2, patient()).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    wait_until(50);
    store.goes_to("c1", 2).await.expect("free");
    assert_eq!(store.due("r1").await, Some(75));
    change(&store, "c2", to(None, Some(90), None)).await.expect("free");
    assert_eq!(store.due("r1").await, Some(105));
}

#[tokio::test]
async fn a_carro_that_its_operator_moves_has_a_whole_tolerance() {
    for came in [false, true] {
        wait_until(0);
        let store = site(patient()).await;
        store.reserve_at("r1", "ABC1234", (0, 3)).await.expect("free");
        wait_until(10);
        if came {
            store.reports_charging("ABC1234").await;
        }
        assert_eq!(store.due("r1").await, (!came).then_some(15));
        let moved = store.store.execute(out(Disposition::Move)).await.expect("it is done");
        assert_eq!(moved.reservas[0].posto_id, 2);
        assert_eq!(store.due("r1").await, Some(25), "whether or not it had come: {came}");
        wait_until(24);
        store.reports_charging("ABC1234").await;
        assert_eq!(store.due("r1").await, None);
    }
}

#[tokio::test]
async fn who_gives_back_time_is_not_refused_by_what_keeps_the_carro_out() {
    let store = TestStore::with_rules(1, patient()).await;
    let session = store.charges(placa("XYZ9876")).await;
    store.reserve_at("r1", "ABC1234", (1, 4)).await.expect("free then");
    wait_until(70);
    let occupied = Rejection::PostoOcupado { nome: "Ponto 1".to_owned() };
    let longer = change(&store, "c1", to(None, None, Some(300))).await;
    assert_eq!(rejected(longer), occupied);
    change(&store, "c2", to(None, None, Some(200))).await.expect("it takes nothing");
    store.leaves(session).await;
    store.charger_says(false).await;
    let shorter = change(&store, "c3", to(None, Some(60), Some(120))).await.expect("nor does this");
    assert_eq!(minutes(Some(shorter.reserva.facts.interval.fim())), Some(120));
    let out = Rejection::PostoIndisponivel { nome: "Ponto 1".to_owned() };
    assert_eq!(rejected(change(&store, "c4", to(None, None, Some(121))).await), out);
    assert_eq!(store.due("r1").await, None, "nobody can come there");
    store.charger_says(true).await;
    assert_eq!(store.due("r1").await, Some(85));
    // What was given back is free.
    store
        .store
        .execute(crate::support::reservation("r2", "XYZ9876", 1, Some((2, 4))))
        .await
        .expect("free");
}

#[tokio::test]
async fn a_session_and_its_reserva_have_one_price_whatever_changes() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (0, 3)).await.expect("free");
    let id = store.charges(placa("ABC1234")).await;
    store.execute_sql("UPDATE postos SET preco_kwh = 9");
    wait_until(10);
    for (request_id, fim) in [("c1", 240), ("c2", 200), ("c3", 300)] {
        let changed = change(&store, request_id, to(None, None, Some(fim))).await.expect("free");
        let estimate = changed.estimativa.expect("an estimate");
        assert_eq!(changed.reserva.facts.preco_kwh.get(), 2.5);
        assert_eq!((estimate.preco_kwh.get(), estimate.custo.brl()), (2.5, 55.5));
    }
    let other = change(&store, "c4", to(Some(2), None, None)).await;
    assert_eq!(rejected(other), Rejection::ReservaEmUso, "its carro charges");
    let finish = FinishCarregamento { posto_id: 1, id, energy: energy(10.0), fim: None };
    store.store.execute(finish).await.expect("it ends");
    let session = store.session(id).await;
    let custo = session.finished.map(|finished| finished.custo.brl());
    assert_eq!((session.reserva_id, session.preco_kwh.get(), custo), (Some(1), 2.5, Some(25.0)));
    assert_eq!(store.facts("r1").await.preco_kwh.get(), 2.5);
    // One that has not begun takes the price of now, and so does the session that fulfils it.
    wait_until(0);
    let store = TestStore::new(1).await;
    let id = store.charges(placa("ABC1234")).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    store.execute_sql("UPDATE postos SET preco_kwh = 9");
    let changed = change(&store, "c1", to(None, None, Some(240))).await.expect("free");
    assert_eq!(changed.reserva.facts.preco_kwh.get(), 9.0);
    wait_until(61);
    store.store.sweep().await.expect("a sweep");
    change(&store, "c2", to(None, None, Some(300))).await.expect("free");
    let prices = (store.facts("r1").await.preco_kwh.get(), store.session(id).await.preco_kwh.get());
    assert_eq!(prices, (9.0, 9.0));
}

#[tokio::test]
async fn a_carro_that_charges_at_the_posto_that_it_comes_to_is_not_waited_for() {
    let store = TestStore::with_rules(2, patient()).await;
    store.reserve_at("r1", "ABC1234", (0, 3)).await.expect("free");
    wait_until(10);
    let start = StartCarregamento { posto_id: 2, placa: placa("ABC1234") };
    store.store.execute(start).await.expect("it is free");
    store.goes_to("c1", 2).await.expect("free");
    let facts = store.facts("r1").await;
    assert_eq!((facts.state, facts.falta_em), (ReservaState::Cumprida, None));
}
