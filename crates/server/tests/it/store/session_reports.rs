//! Sessions that are reported afterwards.

use domain::{Correction, Rejection, ReportedSession, ReservaState, SessionTimeError};
use server::store::{
    CorrectCarregamento, FinishCarregamento, ReportCarregamento, Reported, WriteError,
};

use crate::store::reserva_support::{patient, rejected};
use crate::store::sessions::{at, minutes, shown, wait_until};
use crate::support::{TestStore, energy, placa, removal};

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
    assert_eq!(store.published(), [(1, Ativa, None), (1, Cumprida, Some(2))]);
    assert_eq!(store.session(2).await.reserva_id, Some(1));
    // Another session of that time has its price, and changes nothing of it.
    assert_eq!(store.reports("AAA1111", 30, Some(40)).await, fact(3, &[]));
    assert_eq!(store.session(3).await.reserva_id, Some(1));
    assert_eq!(shown(store.facts("r1").await), (Cumprida, 20, Some(60), 2));
    // What overlaps did not happen: of the posto, of the carro, of one that is still open.
    let overlaps = |id| Rejection::CarregamentoSobreposto { id };
    assert_eq!(rejected(store.reports("CCC3333", 9, Some(21)).await), overlaps(2));
    assert_eq!(rejected(store.reports("CCC3333", 21, None).await), overlaps(3));
    assert_eq!(rejected(store.reports("AAA1111", 21, Some(31)).await), overlaps(3));
    assert_eq!(store.reports("CCC3333", 10, Some(20)).await, fact(4, &[1]), "it touches them");
    let times = |errors: &[SessionTimeError]| Rejection::SessionTimes(errors.to_vec());
    use SessionTimeError::{FimBeforeInicio, FimInFuture, InicioInFuture};
    for (inicio, fim, errors) in [
        (66, None, &[InicioInFuture][..]),
        (66, Some(67), &[InicioInFuture, FimInFuture]),
        (59, Some(66), &[FimInFuture]),
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
async fn a_tolerance_begins_again_after_a_session_that_is_reported_with_its_end() {
    use ReservaState::{Ativa, NaoCompareceu};
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    let due = async || minutes(store.facts("r1").await.falta_em);
    assert_eq!(due().await, Some(15));
    wait_until(10);
    store.reports("BBB2222", 2, Some(8)).await.expect("a fact");
    assert_eq!(due().await, Some(23), "its carro could not charge before");
    store.reports("CCC3333", 0, Some(2)).await.expect("a fact");
    assert_eq!(due().await, Some(23), "that one had left before the other came");
    wait_until(22);
    assert_eq!(store.facts("r1").await.state, Ativa);
    wait_until(23);
    assert_eq!(store.facts("r1").await.state, NaoCompareceu);
}

#[tokio::test]
async fn a_report_counts_from_before_the_begin_also_if_another_held_the_posto_then() {
    use ReservaState::Cumprida;
    for (first, ended) in
        [(None, true), (None, false), (Some("BBB2222"), true), (Some("BBB2222"), false)]
    {
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
        let livre = ended.then_some(90);
        let versao = if ended { 2 } else { 3 };
        let facts = store.facts("r1").await;
        assert_eq!((facts.state, minutes(facts.free_early())), (Cumprida, livre), "{first:?}");
        assert_eq!(reported.conflitos.len(), usize::from(first.is_some()));
        if !ended {
            assert_eq!(facts.falta_em, None, "the carro is there");
            store.leaves(reported.id).await;
        }
        assert_eq!(shown(store.facts("r1").await), (Cumprida, 60, Some(90), versao));
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
    let refused = rejected(store.store.execute(finish(66)).await);
    assert_eq!(refused, wrong(SessionTimeError::FimInFuture));
    let refused = rejected(store.store.execute(finish(-6)).await);
    assert_eq!(refused, wrong(SessionTimeError::FimBeforeInicio));
    store.store.execute(finish(30)).await.expect("it ended then");
    store.store.execute(finish(30)).await.expect("the same again");
    let other = rejected(store.store.execute(finish(36)).await);
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

#[tokio::test]
async fn a_report_that_is_repeated_finds_its_session_whatever_became_of_it() {
    let fact = |id, conflitos: &[i64]| Ok(Reported { id, conflitos: conflitos.to_vec() });
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "BBB2222", (0, 1)).await.expect("free");
    store.reserve_at("r2", "CCC3333", (1, 3)).await.expect("free");
    wait_until(50);
    assert_eq!(store.reports("AAA1111", 10, None).await, fact(1, &[1]));
    let finish = FinishCarregamento { posto_id: 1, id: 1, energy: energy(1.0), fim: Some(at(30)) };
    store.store.execute(finish).await.expect("it ends");
    wait_until(90);
    assert_eq!(store.reports("AAA1111", 10, None).await, fact(1, &[1]), "as long as it was");
    assert_eq!(store.reports("AAA1111", 10, Some(30)).await, fact(1, &[1]), "as it ended");
    let ended = Rejection::CarregamentoEncerrado { id: 1 };
    assert_eq!(rejected(store.reports("AAA1111", 10, Some(36)).await), ended, "another end");
    let correct = async |correction| {
        let corrected = store.store.execute(CorrectCarregamento { id: 1, correction }).await;
        corrected.expect("it has ended");
    };
    correct(Correction { fim: Some(at(40)), ..Correction::default() }).await;
    correct(Correction { inicio: Some(at(5)), ..Correction::default() }).await;
    correct(Correction { inicio: Some(at(8)), ..Correction::default() }).await;
    for fim in [None, Some(30), Some(40)] {
        assert_eq!(store.reports("AAA1111", 10, fim).await, fact(1, &[1]), "{fim:?}");
    }
    // What it was not first said to be is another report.
    let other = Rejection::CarregamentoSobreposto { id: 1 };
    for inicio in [5, 8] {
        assert_eq!(rejected(store.reports("AAA1111", inicio, Some(40)).await), other);
    }
    assert_eq!(rejected(store.reports("DDD4444", 10, None).await), other);
    assert_eq!(store.reports("DDD4444", 5, Some(6)).await, fact(2, &[1]), "it was free then");
}

#[tokio::test]
async fn a_report_with_the_end_ends_the_session_that_is_open() {
    use ReservaState::{Ativa, Cumprida};
    let fact = |id, conflitos: &[i64]| Ok(Reported { id, conflitos: conflitos.to_vec() });
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
    store.reserve_at("r2", "AAA1111", (1, 2)).await.expect("free");
    wait_until(50);
    assert_eq!(store.reports("AAA1111", 10, None).await, fact(1, &[]));
    wait_until(70);
    assert_eq!(store.facts("r2").await.state, Cumprida, "the carro seems to charge there");
    let future = Rejection::SessionTimes(vec![SessionTimeError::FimInFuture]);
    assert_eq!(rejected(store.reports("AAA1111", 10, Some(76)).await), future);
    assert_eq!(store.session(1).await.finished, None);
    for _ in 0..2 {
        assert_eq!(store.reports("AAA1111", 10, Some(40)).await, fact(1, &[]));
        assert_eq!(minutes(store.session(1).await.finished.map(|end| end.fim)), Some(40));
        assert_eq!(shown(store.facts("r1").await).0, Cumprida);
        assert_eq!(store.facts("r2").await.state, Ativa, "it had left before");
    }
    assert_eq!(store.reports("AAA1111", 41, None).await, fact(2, &[]), "the posto is free");
}

#[tokio::test]
async fn two_sessions_never_begin_at_one_moment() {
    let fact = |id| Ok(Reported { id, conflitos: Vec::new() });
    let store = TestStore::new(1).await;
    wait_until(60);
    assert_eq!(store.reports("AAA1111", 10, Some(10)).await, fact(1));
    let overlaps = Rejection::CarregamentoSobreposto { id: 1 };
    for fim in [Some(10), Some(20), None] {
        assert_eq!(rejected(store.reports("BBB2222", 10, fim).await), overlaps, "{fim:?}");
    }
    assert_eq!(store.reports("BBB2222", 5, Some(10)).await, fact(2), "it touches it");
    assert_eq!(
        rejected(store.reports("CCC3333", 5, Some(5)).await).to_string().as_str(),
        "O carregamento se sobrepõe ao carregamento 2. Corrija inicio ou fim."
    );
    assert_eq!(store.reports("CCC3333", 11, Some(20)).await, fact(3));
    assert_eq!(store.reports("CCC3333", 20, Some(20)).await, fact(4), "it touches it");
}

#[tokio::test]
async fn sessions_that_overlap_after_the_clock_was_set_back_are_all_looked_at() {
    let store = TestStore::new(2).await;
    wait_until(600);
    store.execute_sql(&format!(
        "INSERT INTO carregamentos (id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
         VALUES (1, 1, 'AAA1111', {}, 2.5, {}, 0, 0), (2, 1, 'BBB2222', {}, 2.5, {}, 0, 0),
                (3, 2, 'CCC3333', {}, 2.5, {}, 0, 0)",
        at(10).as_millis(), at(200).as_millis(), at(20).as_millis(), at(30).as_millis(),
        at(10).as_millis(), at(200).as_millis()
    ));
    let overlaps = |id| Rejection::CarregamentoSobreposto { id };
    assert_eq!(rejected(store.reports("DDD4444", 50, Some(60)).await), overlaps(1));
    assert_eq!(rejected(store.reports("CCC3333", 199, Some(300)).await), overlaps(1));
    assert_eq!(rejected(store.reports("CCC3333", 5, Some(11)).await), overlaps(1));
    store.reports("CCC3333", 200, Some(300)).await.expect("it is free, and so is the carro");
}

#[tokio::test]
async fn what_happened_at_a_posto_that_was_removed_is_recorded() {
    use ReservaState::Cumprida;
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
    wait_until(90);
    store.store.execute(removal(1)).await.expect("nobody holds it");
    wait_until(120);
    let missing = Rejection::PostoInexistente { posto_id: 1, server_id: "server1".to_owned() };
    assert_eq!(rejected(store.reports("AAA1111", 30, None).await), missing, "it cannot go on");
    assert_eq!(rejected(store.reports("AAA1111", 90, Some(95)).await), missing, "it was gone");
    let first = store.reports("AAA1111", 30, Some(50)).await.expect("a fact");
    assert_eq!(store.session(first.id).await.reserva_id, Some(1));
    assert_eq!(store.facts("r1").await.state, Cumprida);
    let last = store.reports("BBB2222", 80, Some(100)).await.expect("it was begun in time");
    let again = store.reports("BBB2222", 80, None).await.expect("the same");
    assert_eq!(again, last);
}
