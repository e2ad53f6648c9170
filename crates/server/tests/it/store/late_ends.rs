//! Ends of sessions that are reported after reservas have begun: nobody charged in those.

use domain::{Rejection, ReservaState};
use server::store::{FinishCarregamento, StartCarregamento};

use crate::store::reserva_support::{patient, rejected};
use crate::store::sessions::{at, minutes, shown, wait_until};
use crate::support::{TestStore, energy, placa, reservation};

impl TestStore {
    /// The session at posto 1 is said to have ended at `fim`.
    async fn left(&self, id: i64, fim: i64) {
        let finish =
            FinishCarregamento { posto_id: 1, id, energy: energy(2.0), fim: Some(at(fim)) };
        self.store.execute(finish).await.expect("it ends");
    }

    /// A reserva from one minute to another, at posto 1.
    pub(crate) async fn reserve_between(&self, request_id: &str, plate: &str, from: i64, to: i64) {
        let mut reserve = reservation(request_id, plate, 1, Some((0, 1)));
        reserve.command.interval.inicio = Some(at(from));
        reserve.command.interval.fim = Some(at(to));
        self.store.execute(reserve).await.expect("free");
    }
}

#[tokio::test]
async fn a_reserva_that_began_after_the_reported_end_is_not_fulfilled() {
    use ReservaState::{Ativa, Cumprida, Encerrada};
    for sweeps in [false, true] {
        wait_until(0);
        let mut store = TestStore::with_rules(1, patient()).await;
        store.reserve_between("a", "AAA1111", 0, 60).await;
        store.reserve_between("b", "AAA1111", 60, 65).await;
        store.reserve_between("c", "AAA1111", 65, 120).await;
        let id = store.charges(placa("AAA1111")).await;
        wait_until(70);
        if sweeps {
            store.store.sweep().await.expect("a sweep");
        }
        for request_id in ["a", "b", "c"] {
            assert_eq!(store.facts(request_id).await.state, Cumprida, "{request_id}");
        }
        store.published();
        store.left(id, 50).await;
        let a = shown(store.facts("a").await);
        assert_eq!((a.0, a.1), (Cumprida, 0), "its own stays");
        // Each has a number that nobody has seen with another state.
        assert_eq!(shown(store.facts("b").await), (Encerrada, 65, None, 3));
        assert_eq!(shown(store.facts("c").await), (Ativa, 0, None, 3));
        let published = store.published();
        assert!(
            published.contains(&(2, Encerrada, Some(3)))
                && published.contains(&(3, Ativa, Some(3)))
        );
        assert_eq!(minutes(store.facts("c").await.falta_em), Some(85), "from now");
        let session = store.session(id).await;
        assert_eq!(
            (session.reserva_id, session.finished.map(|end| end.custo.brl())),
            (Some(1), Some(5.0))
        );
        // It is as good as any: others are refused, and its carro may come.
        let start = StartCarregamento { posto_id: 1, placa: placa("BBB2222") };
        let held = Rejection::PostoReservado { nome: "Ponto 1".to_owned() };
        assert_eq!(rejected(store.store.execute(start).await), held);
        store.store.sweep().await.expect("a sweep");
        assert_eq!(shown(store.facts("c").await), (Ativa, 0, None, 3));
        wait_until(80);
        store.charges(placa("AAA1111")).await;
        assert_eq!(shown(store.facts("c").await), (Cumprida, 80, None, 4));
    }
}

#[tokio::test]
async fn a_session_that_ended_before_its_reserva_has_its_own_price() {
    use ReservaState::{Ativa, Cumprida};
    for (fim, sweeps) in [(50, false), (50, true), (60, false), (60, true), (61, false)] {
        wait_until(0);
        let store = TestStore::with_rules(1, patient()).await;
        let id = store.charges(placa("AAA1111")).await;
        store.execute_sql("UPDATE postos SET preco_kwh = 9");
        store.reserve_between("r1", "AAA1111", 60, 120).await;
        wait_until(70);
        if sweeps {
            store.store.sweep().await.expect("a sweep");
            assert_eq!(store.session(id).await.preco_kwh.get(), 9.0);
        }
        store.left(id, fim).await;
        let session = store.session(id).await;
        let charged = (session.reserva_id, session.finished.map(|end| end.custo.brl()));
        let state = store.facts("r1").await.state;
        if fim <= 60 {
            assert_eq!((charged, state), ((None, Some(5.0)), Ativa), "{fim} {sweeps}");
        } else {
            assert_eq!((charged, state), ((Some(1), Some(18.0)), Cumprida), "{fim} {sweeps}");
        }
    }
}

/// It was reported as open when its reserva had begun, so it was recorded with that one's price.
#[tokio::test]
async fn a_session_reported_with_a_reserva_that_it_loses_has_its_own_price_too() {
    wait_until(0);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_between("r1", "AAA1111", 60, 120).await;
    store.execute_sql("UPDATE postos SET preco_kwh = 9");
    wait_until(62);
    store.reports_charging("AAA1111").await;
    wait_until(70);
    let id = store.reports("AAA1111", 30, None).await.expect("a fact").id;
    assert_eq!(store.session(id).await.preco_kwh.get(), 2.5, "that of its reserva");
    store.left(id, 50).await;
    let session = store.session(id).await;
    let charged = (session.reserva_id, session.finished.map(|end| end.custo.brl()));
    assert_eq!(charged, (None, Some(18.0)));
    let facts = store.facts("r1").await;
    assert_eq!((facts.state, minutes(facts.falta_em)), (ReservaState::Ativa, Some(85)), "from now");
}

#[tokio::test]
async fn nobody_is_warned_of_a_carro_that_had_left() {
    use ReservaState::Ativa;
    // The second left when the reserva began.
    for (sweeps, end) in [(false, 50), (true, 50), (false, 60), (true, 60)] {
        wait_until(0);
        let mut store = TestStore::with_rules(1, patient()).await;
        store.reserve_between("r1", "BBB2222", 60, 120).await;
        let id = store.charges(placa("AAA1111")).await;
        wait_until(70);
        if sweeps {
            store.store.sweep().await.expect("a sweep");
        }
        store.published();
        store.left(id, end).await;
        store.store.sweep().await.expect("a sweep");
        // Who was warned hears that it is free.
        let published = if sweeps { vec![(1, Ativa, Some(3))] } else { Vec::new() };
        assert_eq!(store.published(), published);
        assert_eq!(minutes(store.facts("r1").await.falta_em), Some(85));
    }
}
