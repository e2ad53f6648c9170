//! Sessions that begin moments before the reserva of their carro, while another holds the posto.

use domain::{Rejection, ReservaState};
use server::store::Reported;

use crate::store::reserva_support::rejected;
use crate::store::sessions::{minutes, shown, wait_until};
use crate::support::{TestStore, now, placa, reservation};

/// The posto is reserved for one carro until minute 60, then for another at a price of 2.5, and costs 9
/// without a reserva.
async fn two_reservas() -> TestStore {
    wait_until(0);
    let store = TestStore::new(1).await;
    store.reserve_between("a", "AAA1111", 10, 60).await;
    store.reserve_between("b", "BBB2222", 60, 110).await;
    store.posto_price(9.0).await;
    store
}

/// What became of the second reserva and of its session: state and since when; reserva, price, end.
async fn outcome(store: &TestStore, id: i64) -> (ReservaState, i64, Option<i64>, f64, Option<i64>) {
    let (state, desde, ..) = shown(store.facts("b").await);
    let session = store.session(id).await;
    let fim = minutes(session.finished.map(|finished| finished.fim));
    (state, desde, session.reserva_id, session.preco_kwh.get(), fim)
}

#[tokio::test]
async fn a_session_has_one_outcome_whenever_and_in_whatever_order_it_is_reported() {
    let expected = (ReservaState::Cumprida, 60, Some(2), 2.5, Some(90));
    // Each as it happens: the first carro has left when the second comes.
    let store = two_reservas().await;
    wait_until(10);
    let first = store.charges(placa("AAA1111")).await;
    wait_until(40);
    store.leaves(first).await;
    wait_until(57);
    let second = store.charges(placa("BBB2222")).await;
    wait_until(90);
    store.leaves(second).await;
    assert_eq!(outcome(&store, second).await, expected, "as it happens");
    // Afterwards, before or after the reserva is over.
    let (a, b) = (("AAA1111", 10, 40), ("BBB2222", 57, 90));
    for now in [95, 200] {
        for order in [[a, b], [b, a]] {
            let store = two_reservas().await;
            wait_until(now);
            let mut second = 0;
            for (plate, inicio, fim) in order {
                let reported = store.reports(plate, inicio, Some(fim)).await.expect("a fact");
                if plate == "BBB2222" {
                    assert_eq!(reported.conflitos, [1], "the first reserva was to hold the posto");
                    second = reported.id;
                }
            }
            assert_eq!(outcome(&store, second).await, expected, "at {now}: {order:?}");
            assert_eq!(store.facts("a").await.state, ReservaState::Cumprida);
        }
    }
}

#[tokio::test]
async fn a_session_that_goes_on_is_the_same_reported_before_or_after_the_reserva_begins() {
    for now in [58, 60, 62] {
        let store = two_reservas().await;
        wait_until(now);
        let reported = store.reports("BBB2222", 57, None).await;
        assert_eq!(reported, Ok(Reported { id: 1, conflitos: vec![1] }), "at {now}");
        wait_until(70);
        assert_eq!(shown(store.facts("b").await), (ReservaState::Cumprida, 60, None, 2), "{now}");
        assert_eq!(rejected(store.cancel("b").await), Rejection::ReservaEmUso, "at {now}");
        wait_until(90);
        store.leaves(1).await;
        let expected = (ReservaState::Cumprida, 60, Some(2), 2.5, Some(90));
        assert_eq!(outcome(&store, 1).await, expected, "at {now}");
        assert_eq!(minutes(store.facts("b").await.livre_desde), Some(90));
    }
    // It turns out that it had ended before.
    for now in [58, 62] {
        let store = two_reservas().await;
        wait_until(now);
        store.reports("BBB2222", 57, None).await.expect("a fact");
        wait_until(70);
        store.reports("BBB2222", 57, Some(59)).await.expect("its end");
        let expected = (ReservaState::Ativa, 0, None, 9.0, Some(59));
        assert_eq!(outcome(&store, 1).await, expected, "at {now}");
    }
}

#[tokio::test]
async fn a_session_that_ends_in_the_time_of_another_fulfils_nothing() {
    let store = two_reservas().await;
    wait_until(95);
    let id = store.reports("BBB2222", 57, Some(60)).await.expect("a fact").id;
    assert_eq!(outcome(&store, id).await, (ReservaState::Ativa, 0, None, 9.0, Some(60)));
}

/// It has its posto only since it was moved there.
#[tokio::test]
async fn a_reserva_that_was_moved_begins_when_it_has_its_posto() {
    wait_until(0);
    let store = TestStore::new(2).await;
    store.reserve_between("a", "AAA1111", 0, 60).await;
    let elsewhere = reservation("b", "BBB2222", 2, Some((0, 4)));
    store.store.execute(elsewhere).await.expect("free");
    wait_until(60);
    let since = now().as_millis();
    store.execute_sql(&format!(
        "UPDATE reservas SET posto_id = 1, updated_at = {since} WHERE request_id = 'b'"
    ));
    wait_until(95);
    let reported = store.reports("BBB2222", 57, Some(90)).await;
    assert_eq!(reported, Ok(Reported { id: 1, conflitos: vec![1] }));
    assert_eq!(store.facts("b").await.state, ReservaState::Cumprida);
    assert_eq!(store.session(1).await.reserva_id, Some(2));
}
