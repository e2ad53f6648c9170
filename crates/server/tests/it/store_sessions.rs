//! What sessions do to reservas.

use domain::{Moment, Rejection, ReportedSession, ReservaFacts, ReservaState, SessionTimeError};
use server::store::{Change, FinishCarregamento, ReportCarregamento, Reported, WriteError};

use crate::store_lives::{MINUTE, patient, rejected};
use crate::support::{START, TestStore, energy, placa, reservation, set_now};

/// A time in minutes after [`START`].
pub(crate) fn at(minutes: i64) -> Moment {
    Moment::from_millis(START + minutes * MINUTE)
}

fn wait_until(minutes: i64) {
    set_now(at(minutes).as_millis());
}

fn minutes(moment: Option<Moment>) -> Option<i64> {
    moment.map(|moment| (moment.as_millis() - START) / MINUTE)
}

/// State, since when, when its posto came free, and its version.
fn shown(facts: ReservaFacts) -> (ReservaState, i64, Option<i64>, i64) {
    let desde = minutes(Some(facts.desde)).unwrap_or_default();
    (facts.state, desde, minutes(facts.livre_desde), facts.versao)
}

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

    async fn session(&self, id: i64) -> domain::Carregamento {
        self.store.carregamento(1, id).await.expect("a read").expect("the session")
    }

    /// What the clients of reservas were told since the last call: state and warning.
    fn warned(&mut self) -> Vec<(i64, ReservaState, Option<&'static str>)> {
        let mut warned = Vec::new();
        while let Ok(changes) = self.changes.try_recv() {
            warned.extend(changes.into_iter().filter_map(|change| match change {
                Change::Reserva { id, state, told: Some((_, reserva)), .. } => {
                    Some((id, state, reserva.facts.aviso.map(domain::Aviso::as_str)))
                }
                _ => None,
            }));
        }
        warned
    }

    async fn posto_price(&self, preco_kwh: f64) {
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
    let refused = store
        .store
        .execute(server::store::StartCarregamento { posto_id: 1, placa: placa("BBB2222") });
    assert_eq!(rejected(refused.await), reserved_posto());
    let session = store.charges(placa("AAA1111")).await;
    let charging = store.session(session).await;
    assert_eq!((charging.reserva_id, charging.preco_kwh.get()), (Some(1), 2.5), "as agreed");
    assert_eq!(shown(store.facts("r1").await), (Cumprida, 10, None, 2));
    assert_eq!(store.told(), [(1, Ativa, None), (1, Cumprida, Some(2))]);
    assert_eq!(rejected(store.cancel("r1").await), Rejection::ReservaEmUso);
    assert_eq!(store.charges(placa("AAA1111")).await, session, "twice is the same as once");
    wait_until(60);
    assert_eq!(rejected(store.reserve("r2", "BBB2222", 1).await), reserved_posto());
    assert_eq!(shown(store.facts("r1").await), (Cumprida, 10, None, 2), "it is not absent");
    store.leaves(session).await;
    assert_eq!(store.session(session).await.finished.map(|end| end.custo), Some(2.5));
    let freed = (Cumprida, 10, Some(60), 3);
    assert_eq!(shown(store.facts("r1").await), freed);
    assert_eq!(store.told(), [(1, Cumprida, Some(3))]);
    assert!(store.disponivel(1).await);
    // It holds nothing any more: another carro may have it, and its own reserves it anew.
    let again = store.charges(placa("AAA1111")).await;
    let charging = store.session(again).await;
    assert_eq!((charging.reserva_id, charging.preco_kwh.get()), (None, 9.0));
    store.leaves(again).await;
    assert_eq!(shown(store.facts("r1").await), freed, "it was free before");
    store.reserve("r3", "BBB2222", 1).await.expect("it is free");
    let start = server::store::StartCarregamento { posto_id: 1, placa: placa("AAA1111") };
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
        store.told();
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
        assert_eq!(store.told(), [(1, Cumprida, Some(2)), (1, Cumprida, Some(3))]);
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
    assert_eq!(store.told(), [(1, Ativa, None), (1, Cumprida, Some(2))]);
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
            assert_eq!(store.warned(), [], "it is told once");
            assert_eq!(store.facts("r2").await.versao, 2);
        }
        wait_until(100);
        assert!(!store.disponivel(1).await);
        assert_eq!(shown(store.facts("r1").await), (Cumprida, 0, None, 2));
        assert_eq!(store.facts("r2").await.state, Ativa, "it is not its fault");
        let start = server::store::StartCarregamento { posto_id: 1, placa: placa("BBB2222") };
        let occupied = Rejection::PostoOcupado { nome: "Ponto 1".to_owned() };
        assert_eq!(rejected(store.store.execute(start).await), occupied);
        store.leaves(session).await;
        let free = (2, Ativa, Some("posto_livre"));
        let told = if sweeps { vec![free] } else { vec![warning, free] };
        assert_eq!(store.warned(), told, "whether or not a sweep has run");
        let waiting = store.facts("r2").await;
        assert_eq!((waiting.versao, minutes(waiting.falta_em)), (3, Some(115)));
        store.store.sweep().await.expect("a sweep");
        assert_eq!(store.warned(), []);
        store.charges(placa("BBB2222")).await;
        assert_eq!(store.warned(), [(2, Cumprida, None)], "nothing to warn of any more");
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
