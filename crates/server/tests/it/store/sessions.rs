//! What sessions do to reservas.

use domain::{Moment, Rejection, ReservaFacts, ReservaState};
use server::store::{Change, StartCarregamento};

use crate::store::reserva_support::{MINUTE, patient, rejected};
use crate::support::{START, TestStore, placa, reservation, set_now};

/// A time in minutes after [`START`].
pub(crate) fn at(minutes: i64) -> Moment {
    Moment::from_millis(START + minutes * MINUTE)
}

pub(crate) fn wait_until(minutes: i64) {
    set_now(at(minutes).as_millis());
}

pub(crate) fn minutes(moment: Option<Moment>) -> Option<i64> {
    moment.map(|moment| (moment.as_millis() - START) / MINUTE)
}

/// State, since when, when its posto came free, and its version.
pub(crate) fn shown(facts: ReservaFacts) -> (ReservaState, i64, Option<i64>, i64) {
    let desde = minutes(Some(facts.desde)).unwrap_or_default();
    (facts.state, desde, minutes(facts.free_early()), facts.versao)
}

impl TestStore {
    pub(crate) async fn session(&self, id: i64) -> domain::Carregamento {
        self.store.carregamento(1, id).await.expect("a read").expect("the session")
    }

    /// What was published to the clients of reservas since the last call: state and warning.
    fn warned(&mut self) -> Vec<(i64, ReservaState, Option<&'static str>)> {
        let mut warned = Vec::new();
        while let Ok(changes) = self.changes.try_recv() {
            warned.extend(changes.into_iter().filter_map(|change| match change {
                Change::Reserva { id, state, for_client: Some((_, reserva)), .. } => {
                    Some((id, state, reserva.facts.aviso.map(domain::Aviso::as_str)))
                }
                _ => None,
            }));
        }
        warned
    }

    pub(crate) async fn posto_price(&self, preco_kwh: f64) {
        self.execute_sql(&format!("UPDATE postos SET preco_kwh = {preco_kwh}"));
    }
}

fn reserved_posto() -> Rejection {
    Rejection::PostoReservado { nome: "Ponto 1".to_owned() }
}

#[tokio::test]
async fn a_session_fulfils_the_reserva_and_its_end_frees_the_rest() {
    use ReservaState::{Ativa, Cumprida};
    let mut store = TestStore::with_rules(1, patient()).await;
    let first = store.reserve_at("r1", "AAA1111", (0, 4)).await.expect("free");
    store.posto_price(9.0).await;
    wait_until(10);
    let refused = store.store.execute(StartCarregamento { posto_id: 1, placa: placa("BBB2222") });
    assert_eq!(rejected(refused.await), reserved_posto());
    let session = store.charges(placa("AAA1111")).await;
    let charging = store.session(session).await;
    assert_eq!((charging.reserva_id, charging.preco_kwh.get()), (Some(1), 2.5), "as agreed");
    assert_eq!(shown(store.facts("r1").await), (Cumprida, 10, None, 2));
    assert_eq!(store.published(), [(1, Ativa, None), (1, Cumprida, Some(2))]);
    assert_eq!(rejected(store.cancel("r1").await), Rejection::ReservaEmUso);
    assert_eq!(store.charges(placa("AAA1111")).await, session, "twice is the same as once");
    wait_until(60);
    assert_eq!(rejected(store.reserve("r2", "BBB2222", 1).await), reserved_posto());
    assert_eq!(shown(store.facts("r1").await), (Cumprida, 10, None, 2), "it is not absent");
    store.leaves(session).await;
    assert_eq!(store.session(session).await.finished.map(|end| end.custo.get()), Some(250));
    let freed = (Cumprida, 10, Some(60), 3);
    assert_eq!(shown(store.facts("r1").await), freed);
    assert_eq!(store.published(), [(1, Cumprida, Some(3))]);
    assert!(store.disponivel(1).await);
    // It holds nothing any more: another carro may have it, and its own reserves it anew.
    let again = store.charges(placa("AAA1111")).await;
    let charging = store.session(again).await;
    assert_eq!((charging.reserva_id, charging.preco_kwh.get()), (None, 9.0));
    store.leaves(again).await;
    assert_eq!(shown(store.facts("r1").await), freed, "it was free before");
    store.reserve("r3", "BBB2222", 1).await.expect("it is free");
    let start = StartCarregamento { posto_id: 1, placa: placa("AAA1111") };
    assert_eq!(rejected(store.store.execute(start).await), reserved_posto());
    let repeated = store.reserve_at("r1", "AAA1111", (0, 4)).await;
    assert_eq!(repeated, Ok(first), "a repeat gets the first answer");
    store.store.sweep().await.expect("a sweep");
    wait_until(300);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(shown(store.facts("r1").await), freed, "it is final");
}

#[tokio::test]
async fn a_session_that_is_open_at_the_begin_counts() {
    use ReservaState::{Ativa, Cumprida};
    for sweeps in [false, true] {
        wait_until(0);
        let mut store = TestStore::with_rules(1, patient()).await;
        let session = store.charges(placa("AAA1111")).await;
        store.posto_price(9.0).await;
        store.reserve_at("r1", "AAA1111", (1, 3)).await.expect("free");
        store.published();
        wait_until(59);
        assert_eq!(store.facts("r1").await.state, Ativa);
        wait_until(60);
        for minutes in [60, 90, 240] {
            // However long nothing is recorded, nobody reads anything else.
            wait_until(minutes);
            if sweeps {
                store.store.sweep().await.expect("a sweep");
            }
            assert_eq!(shown(store.facts("r1").await), (Cumprida, 60, None, 2), "{minutes}");
            assert_eq!(rejected(store.cancel("r1").await), Rejection::ReservaEmUso);
        }
        wait_until(90);
        store.leaves(session).await;
        assert_eq!(shown(store.facts("r1").await), (Cumprida, 60, Some(90), 3));
        assert_eq!(store.published(), [(1, Cumprida, Some(2)), (1, Cumprida, Some(3))]);
        let session = store.session(session).await;
        assert_eq!((session.reserva_id, session.preco_kwh.get()), (Some(1), 9.0));
        store.reserve("r2", "BBB2222", 1).await.expect("the rest is free");
    }
    // One that ends before does not.
    wait_until(0);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (1, 3)).await.expect("free");
    let session = store.charges(placa("AAA1111")).await;
    assert_eq!(store.facts("r1").await.falta_em, None, "the carro is there");
    wait_until(59);
    store.leaves(session).await;
    assert_eq!(shown(store.facts("r1").await), (Ativa, 0, None, 1));
    assert_eq!(minutes(store.facts("r1").await.falta_em), Some(75));
    assert_eq!(store.session(session).await.reserva_id, None);
    // One that charges in one reserva is there when its next begins, at the price of the first.
    wait_until(0);
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
    store.reserve_at("r2", "AAA1111", (1, 2)).await.expect("free");
    let session = store.charges(placa("AAA1111")).await;
    wait_until(70);
    store.leaves(session).await;
    assert_eq!(shown(store.facts("r1").await), (Cumprida, 0, None, 2));
    assert_eq!(shown(store.facts("r2").await), (Cumprida, 60, Some(70), 3));
    assert_eq!(store.session(session).await.reserva_id, Some(1));
}

#[tokio::test]
async fn a_reserva_that_is_made_at_the_charging_posto_is_fulfilled_at_once() {
    use ReservaState::{Ativa, Cumprida};
    let mut store = TestStore::new(2).await;
    store.charges(placa("AAA1111")).await;
    let made = store.reserve("r1", "AAA1111", 1).await.expect("its own posto");
    assert_eq!(shown(made.reserva.facts), (Ativa, 0, None, 1), "as it was made");
    assert_eq!(shown(store.facts("r1").await), (Cumprida, 0, None, 2));
    assert_eq!(store.published(), [(1, Ativa, None), (1, Cumprida, Some(2))]);
    // At another posto, or cancelled before, it is not.
    store.store.execute(reservation("r2", "AAA1111", 2, Some((1, 2)))).await.expect("free");
    store.reserve_at("r3", "AAA1111", (30, 31)).await.expect("free");
    store.cancel("r3").await.expect("it has not begun");
    // Nor once it is at another posto, whoever moves it.
    store.reserve_at("r4", "AAA1111", (40, 41)).await.expect("free");
    store.execute_sql("UPDATE reservas SET posto_id = 2 WHERE request_id = 'r4'");
    wait_until(45 * 60);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(store.facts("r2").await.state, ReservaState::Encerrada);
    assert_eq!(store.facts("r3").await.state, ReservaState::Cancelada);
    assert_eq!(store.facts("r4").await.state, ReservaState::Encerrada);
}

#[tokio::test]
async fn a_carro_that_overstays_keeps_the_next_one_waiting() {
    use ReservaState::{Ativa, Cumprida};
    for sweeps in [true, false] {
        wait_until(0);
        let mut store = TestStore::with_rules(1, patient()).await;
        store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
        store.reserve_at("r2", "BBB2222", (1, 3)).await.expect("free");
        let session = store.charges(placa("AAA1111")).await;
        store.warned();
        wait_until(59);
        store.store.sweep().await.expect("a sweep");
        assert_eq!(store.warned(), []);
        wait_until(61);
        let warning = (2, Ativa, Some("posto_ocupado"));
        if sweeps {
            store.store.sweep().await.expect("a sweep");
            assert_eq!(store.warned(), [warning]);
            store.store.sweep().await.expect("a sweep");
            assert_eq!(store.warned(), [], "it is published once");
            assert_eq!(store.facts("r2").await.versao, 2);
        }
        wait_until(100);
        assert!(!store.disponivel(1).await);
        assert_eq!(shown(store.facts("r1").await), (Cumprida, 0, None, 2));
        assert_eq!(store.facts("r2").await.state, Ativa, "it is not its fault");
        let start = StartCarregamento { posto_id: 1, placa: placa("BBB2222") };
        let occupied = Rejection::PostoOcupado { nome: "Ponto 1".to_owned() };
        assert_eq!(rejected(store.store.execute(start).await), occupied);
        store.leaves(session).await;
        let free = (2, Ativa, Some("posto_livre"));
        let published = if sweeps { vec![free] } else { vec![warning, free] };
        assert_eq!(store.warned(), published, "whether or not a sweep has run");
        let waiting = store.facts("r2").await;
        assert_eq!((waiting.versao, minutes(waiting.falta_em)), (3, Some(115)));
        store.store.sweep().await.expect("a sweep");
        assert_eq!(store.warned(), []);
        store.charges(placa("BBB2222")).await;
        assert_eq!(store.warned(), [(2, Cumprida, None)], "nothing to warn of any more");
    }
}

#[tokio::test]
async fn each_carro_that_overstays_is_announced() {
    use ReservaState::Ativa;
    let mut store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 4)).await.expect("free");
    store.warned();
    // It charges there because nobody said so in time.
    for (round, plate) in (0..).zip(["BBB2222", "CCC3333", "BBB2222"]) {
        let begin = 1 + 10 * round;
        wait_until(begin + 5);
        let other = store.reports(plate, begin, None).await.expect("a fact");
        store.store.sweep().await.expect("a sweep");
        store.store.sweep().await.expect("a sweep");
        assert_eq!(store.warned(), [(1, Ativa, Some("posto_ocupado"))], "{plate}");
        assert_eq!(store.facts("r1").await.versao, 2 + 2 * round);
        store.leaves(other.id).await;
        store.store.sweep().await.expect("a sweep");
        assert_eq!(store.warned(), [(1, Ativa, Some("posto_livre"))], "{plate}");
    }
}
