//! Where a carro is that reports that it charges.

use domain::ReservaState;
use server::store::StartCarregamento;

use crate::store::reserva_support::patient;
use crate::store::sessions::{at, minutes, wait_until};
use crate::support::{TestStore, placa, reservation};

impl TestStore {
    /// The carro reserves this posto for four hours from [`START`](crate::support::START).
    async fn expects(&self, request_id: &str, plate: &str, posto_id: i64) {
        let reserve = reservation(request_id, plate, posto_id, Some((0, 4)));
        self.store.execute(reserve).await.expect("free");
    }

    /// When the absence of its carro is due, in minutes.
    pub(crate) async fn due(&self, request_id: &str) -> Option<i64> {
        minutes(self.facts(request_id).await.falta_em)
    }
}

#[tokio::test]
async fn a_carro_that_charges_in_a_session_has_come_there_and_nowhere_else() {
    use ReservaState::{Ativa, NaoCompareceu};
    let store = TestStore::with_rules(3, patient()).await;
    store.expects("r1", "AAA1111", 1).await;
    store.expects("r2", "AAA1111", 2).await;
    let start = StartCarregamento { posto_id: 3, placa: placa("AAA1111") };
    store.store.execute(start).await.expect("it is free");
    wait_until(5);
    store.reports_charging("AAA1111").await;
    assert_eq!((store.due("r1").await, store.due("r2").await), (Some(15), Some(15)));
    wait_until(15);
    for request_id in ["r1", "r2"] {
        assert_eq!(store.facts(request_id).await.state, NaoCompareceu, "{request_id}");
    }
    // Without a session nobody knows where it is.
    wait_until(0);
    let store = TestStore::with_rules(2, patient()).await;
    store.expects("r1", "AAA1111", 1).await;
    store.expects("r2", "AAA1111", 2).await;
    wait_until(5);
    store.reports_charging("AAA1111").await;
    wait_until(60);
    for request_id in ["r1", "r2"] {
        assert_eq!(store.facts(request_id).await.state, Ativa, "{request_id}");
    }
    // What another carro reports is of its own reservas alone.
    store.store.execute(reservation("r3", "BBB2222", 2, Some((4, 5)))).await.expect("free");
    store.charges(placa("AAA1111")).await;
    wait_until(241);
    store.reports_charging("BBB2222").await;
    assert_eq!(store.due("r3").await, None);
}

#[tokio::test]
async fn a_session_ends_what_its_carro_reported_of_other_postos() {
    use ReservaState::{Ativa, Cumprida, NaoCompareceu};
    for reported in [false, true] {
        wait_until(0);
        let store = TestStore::with_rules(3, patient()).await;
        store.expects("r1", "AAA1111", 1).await;
        store.expects("r2", "AAA1111", 2).await;
        store.expects("r3", "BBB2222", 3).await;
        wait_until(5);
        store.reports_charging("AAA1111").await;
        store.reports_charging("BBB2222").await;
        assert_eq!((store.due("r1").await, store.due("r2").await), (None, None));
        wait_until(40);
        // One that has ended says nothing of where the carro is now.
        store.reports("AAA1111", 10, Some(11)).await.expect("a fact");
        assert_eq!(store.due("r2").await, None);
        if reported {
            store.reports("AAA1111", 30, None).await.expect("a fact");
        } else {
            store.charges(placa("AAA1111")).await;
        }
        assert_eq!(store.facts("r1").await.state, Cumprida);
        assert_eq!(store.due("r2").await, Some(55), "it is expected anew");
        assert_eq!(store.due("r3").await, None, "another carro");
        wait_until(54);
        store.reports_charging("AAA1111").await;
        assert_eq!(store.facts("r2").await.state, Ativa);
        wait_until(55);
        assert_eq!(store.facts("r2").await.state, NaoCompareceu);
        assert_eq!(store.facts("r2").await.desde, at(55));
        assert_eq!(store.facts("r3").await.state, Ativa);
    }
}
