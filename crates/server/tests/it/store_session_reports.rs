//! Sessions that are told of afterwards.

use domain::{Rejection, ReportedSession, ReservaState, SessionTimeError};
use server::store::{FinishCarregamento, ReportCarregamento, Reported, WriteError};

use crate::store_lives::{patient, rejected};
use crate::store_sessions::{at, minutes, shown, wait_until};
use crate::support::{TestStore, energy, placa};

impl TestStore {
    /// Reports a session at posto 1, which has ended if `fim` is given.
    pub(crate) async fn reports(
        &self,
        plate: &str,
        inicio: i64,
        fim: Option<i64>,
    ) -> Result<Reported, WriteError> {
        let ended = fim.map(|fim| (at(fim), energy(1.0)));
        let session = ReportedSession { inicio: at(inicio), ended };
        let report = ReportCarregamento { posto_id: 1, placa: placa(plate), session };
        self.store.execute(report).await
    }
}

#[tokio::test]
async fn what_is_reported_afterwards_is_a_fact() {
    use ReservaState::{Ativa, Cumprida, Encerrada, NaoCompareceu};
    let mut store = TestStore::with_rules(1, patient()).await;
    let fact = |id, conflitos: &[i64]| Ok(Reported { id, conflitos: conflitos.to_vec() });
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    store.charger_says(false).await;
    wait_until(60);
    // Neither the reserva of another nor the service refuses it; it fulfils nobody.
    assert_eq!(store.reports("BBB2222", 5, Some(10)).await, fact(1, &[1]));
    assert_eq!(shown(store.facts("r1").await), (Ativa, 0, None, 1));
    let session = store.session(1).await;
    assert_eq!((session.reserva_id, minutes(Some(session.inicio))), (None, Some(5)));
    assert_eq!(store.reports("BBB2222", 5, Some(10)).await, fact(1, &[1]), "reported twice");
    // Its own reserva is fulfilled as of then, and free from now.
    assert_eq!(store.reports("AAA1111", 20, Some(30)).await, fact(2, &[]));
    assert_eq!(shown(store.facts("r1").await), (Cumprida, 20, Some(60), 2));
    assert_eq!(store.told(), [(1, Ativa, None), (1, Cumprida, Some(2))]);
    assert_eq!(store.session(2).await.reserva_id, Some(1));
    // Another session of that time has its price, and changes nothing of it.
    assert_eq!(store.reports("AAA1111", 30, Some(40)).await, fact(3, &[]));
    assert_eq!(store.session(3).await.reserva_id, Some(1));
    assert_eq!(shown(store.facts("r1").await), (Cumprida, 20, Some(60), 2));
    // What overlaps did not happen: of the posto, of the carro, of one that is still open.
    let overlaps = |id| Rejection::CarregamentoSobreposto { id };
    assert_eq!(rejected(store.reports("CCC3333", 9, Some(21)).await), overlaps(2));
    assert_eq!(rejected(store.reports("CCC3333", 21, None).await), overlaps(3));
    assert_eq!(rejected(store.reports("AAA1111", 20, Some(31)).await), overlaps(3));
    assert_eq!(store.reports("CCC3333", 10, Some(20)).await, fact(4, &[1]), "it touches them");
    let times = |errors: &[SessionTimeError]| Rejection::SessionTimes(errors.to_vec());
    use SessionTimeError::{FimBeforeInicio, FimInFuture, InicioInFuture};
    for (inicio, fim, errors) in [
        (61, None, &[InicioInFuture][..]),
        (61, Some(62), &[InicioInFuture, FimInFuture]),
        (59, Some(61), &[FimInFuture]),
        (59, Some(58), &[FimBeforeInicio]),
    ] {
        assert_eq!(rejected(store.reports("CCC3333", inicio, fim).await), times(errors));
    }
    // One that still charges.
    store.charger_says(true).await;
    store.reserve_at("r2", "DDD4444", (2, 4)).await.expect("free");
    assert_eq!(store.reports("CCC3333", 50, None).await, fact(5, &[1]));
    assert!(!store.disponivel(1).await);
    assert_eq!(store.facts("r2").await.falta_em, None, "another charges there");
    assert_eq!(store.reports("CCC3333", 50, None).await, fact(5, &[1]));
    wait_until(130);
    assert_eq!(store.facts("r2").await.state, Ativa);
    store.leaves(5).await;
    wait_until(145);
    assert_eq!(store.facts("r2").await.state, NaoCompareceu);
    // It is final, and held the posto until then; an end that has passed is not.
    assert_eq!(store.reports("DDD4444", 131, Some(140)).await, fact(6, &[]));
    assert_eq!(shown(store.facts("r2").await), (NaoCompareceu, 145, None, 4));
    assert_eq!(store.reports("EEE5555", 140, Some(145)).await, fact(7, &[2]));
    let store = store.reopen().await;
    store.reserve_at("r3", "FFF6666", (3, 4)).await.expect("free");
    wait_until(300);
    for versao in [2, 3] {
        let (desde, state) = if versao == 2 { (240, Encerrada) } else { (200, Cumprida) };
        assert_eq!(shown(store.facts("r3").await), (state, desde, None, versao));
        assert_eq!(store.reports("FFF6666", 200, Some(210)).await, fact(8, &[]));
    }
}

#[tokio::test]
async fn a_report_counts_from_before_the_begin_unless_another_held_the_posto() {
    use ReservaState::{Ativa, Cumprida};
    for (first, ended, state) in [
        (None, true, Cumprida),
        (None, false, Cumprida),
        (Some("BBB2222"), true, Ativa),
        (Some("BBB2222"), false, Ativa),
    ] {
        wait_until(0);
        let store = TestStore::with_rules(1, patient()).await;
        if let Some(plate) = first {
            store.reserve_at("first", plate, (0, 1)).await.expect("free");
        }
        store.reserve_at("r1", "AAA1111", (1, 3)).await.expect("free");
        // So that the first does not count as absent.
        store.execute_sql("UPDATE reservas SET falta_em = NULL");
        wait_until(90);
        let reported = store.reports("AAA1111", 50, ended.then_some(80)).await.expect("a fact");
        let facts = store.facts("r1").await;
        assert_eq!(facts.state, state, "{first:?} {ended}");
        let livre = (state == Cumprida && ended).then_some(90);
        assert_eq!(minutes(facts.livre_desde), livre, "{first:?} {ended}");
        assert_eq!(reported.conflitos.len(), usize::from(first.is_some()));
        if !ended {
            assert_eq!(facts.falta_em, None, "the carro is there");
            store.leaves(reported.id).await;
            assert_eq!(store.facts("r1").await.state, state);
        }
    }
}

#[tokio::test]
async fn a_session_may_have_ended_before_it_is_said() {
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (0, 4)).await.expect("free");
    let id = store.charges(placa("AAA1111")).await;
    wait_until(60);
    let finish =
        |fim| FinishCarregamento { posto_id: 1, id, energy: energy(1.0), fim: Some(at(fim)) };
    let wrong = |error| Rejection::SessionTimes(vec![error]);
    let refused = rejected(store.store.execute(finish(61)).await);
    assert_eq!(refused, wrong(SessionTimeError::FimInFuture));
    let refused = rejected(store.store.execute(finish(-1)).await);
    assert_eq!(refused, wrong(SessionTimeError::FimBeforeInicio));
    store.store.execute(finish(30)).await.expect("it ended then");
    store.store.execute(finish(30)).await.expect("the same again");
    let other = rejected(store.store.execute(finish(31)).await);
    assert_eq!(other, Rejection::CarregamentoEncerrado { id });
    assert_eq!(minutes(store.session(id).await.finished.map(|end| end.fim)), Some(30));
    // Until now it was said to be held.
    assert_eq!(minutes(store.facts("r1").await.livre_desde), Some(60));
}

#[tokio::test]
async fn a_reserva_that_was_moved_had_its_new_posto_only_since_then() {
    let fact = |id, conflitos: &[i64]| Ok(Reported { id, conflitos: conflitos.to_vec() });
    for moved_and_cancelled in [false, true] {
        wait_until(0);
        let store = TestStore::new(2).await;
        let elsewhere = crate::support::reservation("r1", "BBB2222", 2, Some((0, 4)));
        store.store.execute(elsewhere).await.expect("free");
        let since = at(60).as_millis();
        store.execute_sql(&format!("UPDATE reservas SET posto_id = 1, updated_at = {since}"));
        wait_until(120);
        if moved_and_cancelled {
            store.cancel("r1").await.expect("it is active");
        }
        assert_eq!(store.reports("AAA1111", 10, Some(60)).await, fact(1, &[]));
        assert_eq!(store.reports("CCC3333", 60, Some(70)).await, fact(2, &[1]));
        assert_eq!(store.reports("BBB2222", 80, Some(90)).await, fact(3, &[]));
        let fulfilled = store.facts("r1").await.state == ReservaState::Cumprida;
        assert_eq!(fulfilled, !moved_and_cancelled);
    }
}
