//! Corrections of sessions that have ended, and energy that no posto gives.

use domain::{
    Correction, Kw, Kwh, Moment, PostoChange, Rejection, ReportedEnergy, ReportedSession,
};
use server::store::{
    Audited, Author, ChangePosto, CorrectCarregamento, FinishCarregamento, ReportCarregamento,
};

use crate::store::reserva_support::rejected;
use crate::store::sessions::at;
use crate::support::{TestStore, placa, removal, set_now};

fn kwh(kwh: f64) -> Kwh {
    Kwh::new(kwh).expect("energy")
}

fn reported(number: f64, confirmado: bool) -> ReportedEnergy {
    ReportedEnergy { energia_fornecida: kwh(number), confirmado }
}

impl TestStore {
    async fn correct(&self, id: i64, correction: Correction) -> Result<i64, Rejection> {
        let corrected = self.store.execute(CorrectCarregamento { id, correction }).await;
        corrected.map_err(|error| rejected::<()>(Err(error)))
    }

    /// Times, energy, cost, and whether it was corrected.
    async fn recorded(&self, id: i64) -> (Moment, Moment, f64, f64, bool) {
        let session = self.store.carregamento(1, id).await.expect("a read").expect("the session");
        let end = session.finished.expect("it has ended");
        let is_corrected = session.corrigido_em.is_some();
        (session.inicio, end.fim, end.energia_fornecida.get(), end.custo.brl(), is_corrected)
    }
}

#[tokio::test]
async fn an_ended_session_is_corrected_at_its_agreed_price() {
    let none = Correction::default();
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "ABC1234", (0, 4)).await.expect("free");
    let id = store.charges(placa("ABC1234")).await;
    let energy = |number| Correction { energia_fornecida: Some(kwh(number)), ..none };
    assert_eq!(store.correct(id, energy(1.0)).await, Err(Rejection::CarregamentoAberto { id }));
    let server_id = "server1".to_owned();
    let unknown = Rejection::CarregamentoDesconhecido { id: 99, server_id };
    assert_eq!(store.correct(99, energy(1.0)).await, Err(unknown));
    set_now(at(60).as_millis());
    store.leaves(id).await;
    let before = store.facts("r1").await;
    store.execute_sql("UPDATE postos SET preco_kwh = 9");
    for unchanged in [none, energy(1.0), Correction { fim: Some(at(60)), ..none }] {
        assert_eq!(store.correct(id, unchanged).await, Ok(1));
    }
    assert_eq!(store.recorded(id).await, (at(0), at(60), 1.0, 2.5, false));
    assert_eq!(store.correct(id, energy(20.0)).await, Ok(1));
    assert_eq!(store.recorded(id).await, (at(0), at(60), 20.0, 50.0, true));
    let shorter = Correction { inicio: Some(at(10)), fim: Some(at(40)), ..energy(12.1) };
    assert_eq!(store.correct(id, shorter).await, Ok(1));
    assert_eq!(store.recorded(id).await, (at(10), at(40), 12.1, 30.25, true));
    assert_eq!(store.facts("r1").await, before, "what it did to its reserva stays");
    // Others happened then: of the posto, and of the carro.
    store.reports("XYZ9876", 45, Some(50)).await.expect("a fact");
    let overlaps = Err(Rejection::CarregamentoSobreposto { id: 2 });
    assert_eq!(store.correct(id, Correction { fim: Some(at(46)), ..none }).await, overlaps);
    assert_eq!(store.correct(id, Correction { fim: Some(at(45)), ..none }).await, Ok(1));
    let overlaps = Err(Rejection::CarregamentoSobreposto { id: 1 });
    assert_eq!(store.correct(2, Correction { inicio: Some(at(44)), ..none }).await, overlaps);
    // What overlapped before, as a clock that was set back leaves it, may be corrected otherwise.
    store.execute_sql("UPDATE carregamentos SET inicio = inicio - 600000 WHERE id = 2");
    let confirmed = Correction { confirmado: true, ..energy(3.0) };
    assert_eq!(store.correct(2, confirmed).await, Ok(1));
    // A posto that was removed has had its sessions.
    store.store.execute(removal(1)).await.expect("nobody holds it");
    assert_eq!(store.correct(id, energy(5.0)).await, Ok(1));
    assert_eq!(store.recorded(id).await.3, 12.5);
}

#[tokio::test]
async fn more_energy_than_a_posto_gives_is_confirmed_first() {
    let store = TestStore::new(1).await;
    let id = store.charges(placa("ABC1234")).await;
    set_now(at(30).as_millis());
    let finish = |energy, fim: Option<i64>| {
        let finish = FinishCarregamento { posto_id: 1, id, energy, fim: fim.map(at) };
        store.store.execute(finish)
    };
    let too_much = |minutes: i64, limite_wh| Rejection::EnergiaImplausivel {
        nome: "Ponto 1".to_owned(),
        length_ms: minutes * 60_000,
        limite_wh,
    };
    let refused = rejected(finish(reported(12.101, false), None).await);
    assert_eq!(refused, too_much(30, 12_100));
    let refused = rejected(finish(reported(12.1, false), Some(20)).await);
    assert_eq!(refused, too_much(25, 10_084), "the clock of its charger may be behind");
    assert!(!store.disponivel(1).await, "it goes on");
    finish(reported(12.1, false), None).await.expect("it gives so much");
    let more = Correction { energia_fornecida: Some(kwh(12.2)), ..Correction::default() };
    assert_eq!(store.correct(id, more).await, Err(too_much(30, 12_100)));
    let confirmed = Correction { confirmado: true, ..more };
    assert_eq!(store.correct(id, confirmed).await, Ok(1));
    assert_eq!(store.recorded(id).await.3, 30.5);
    let shorter = Correction { fim: Some(at(10)), ..Correction::default() };
    assert_eq!(store.correct(id, shorter).await, Err(too_much(10, 4_034)));
}

#[tokio::test]
async fn energy_is_plausible_by_the_power_that_the_posto_had_meanwhile() {
    let store = TestStore::new(1).await;
    let id = store.charges(placa("ABC1234")).await;
    let has_power = async |kw| {
        let potencia_maxima = Some(Kw::new(kw).expect("power"));
        let change = PostoChange { potencia_maxima, ..PostoChange::default() };
        let command = ChangePosto { posto_id: 1, change };
        let by = Author::Caller("ana".to_owned());
        store.store.execute(Audited { by, command }).await.expect("it exists");
    };
    set_now(at(29).as_millis());
    has_power(7.0).await;
    has_power(11.0).await;
    set_now(at(30).as_millis());
    let finish =
        |id, energy| store.store.execute(FinishCarregamento { posto_id: 1, id, energy, fim: None });
    let too_much = |minutes: i64, limite_wh| Rejection::EnergiaImplausivel {
        nome: "Ponto 1".to_owned(),
        length_ms: minutes * 60_000,
        limite_wh,
    };
    assert_eq!(rejected(finish(id, reported(12.2, false)).await), too_much(30, 12_100));
    finish(id, reported(12.0, false)).await.expect("it had 22 kW");
    let more = Correction { energia_fornecida: Some(kwh(12.1)), ..Correction::default() };
    assert_eq!(store.correct(id, more).await, Ok(1));
    // What begins after the change has the power of then, reported at once or afterwards.
    let next = store.charges(placa("ABC1234")).await;
    set_now(at(60).as_millis());
    assert_eq!(rejected(finish(next, reported(6.1, false)).await), too_much(30, 6050));
    finish(next, reported(6.05, false)).await.expect("it gives so much");
    set_now(at(120).as_millis());
    let report = async |from: i64, number| {
        let ended = Some((at(from + 15), reported(number, false)));
        let session = ReportedSession { inicio: at(from), ended };
        let placa = placa("XYZ9876");
        store.store.execute(ReportCarregamento { posto_id: 1, placa, session }).await
    };
    assert_eq!(rejected(report(60, 3.1).await), too_much(15, 3025));
    report(-20, 6.0).await.expect("it had 22 kW");
}
