//! Sessions that are reported by a clock that is ahead of the servidor's or behind it, and a clock of
//! the servidor that is set back.

use domain::{Correction, Kwh, Rejection, ReportedEnergy, ReservaState, SessionTimeError};
use server::store::{CorrectCarregamento, FinishCarregamento, ReportCarregamento, Reported};

use crate::store::reserva_support::rejected;
use crate::store::sessions::{at, minutes, shown, wait_until};
use crate::support::{TestStore, now, placa, set_now};

fn unconfirmed(kwh: f64) -> ReportedEnergy {
    let energia_fornecida = Kwh::new(kwh).expect("energy");
    ReportedEnergy { energia_fornecida, confirmado: false }
}

/// Of a carro that charges already, by a start without a begin of its own.
#[tokio::test]
async fn a_report_that_begins_ahead_is_answered_the_same_when_its_begin_has_passed() {
    let store = TestStore::new(2).await;
    wait_until(10);
    store.charges(placa("AAA1111")).await;
    let overlaps = Rejection::CarregamentoSobreposto { id: 1 };
    for now in [11, 14] {
        wait_until(now);
        for plate in ["AAA1111", "BBB2222"] {
            let refused = rejected(store.reports(plate, 13, None).await);
            assert_eq!(refused, overlaps, "{plate} at {now}");
        }
    }
}

/// Its charger's clock is three minutes ahead.
#[tokio::test]
async fn a_clock_that_is_ahead_reports_a_session_that_goes_on_or_ends_now() {
    let fact = |id| Ok(Reported { id, conflitos: Vec::new() });
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (0, 4)).await.expect("free");
    wait_until(10);
    assert_eq!(store.reports("AAA1111", 13, None).await, fact(1));
    assert_eq!(minutes(Some(store.session(1).await.inicio)), Some(10));
    assert_eq!(shown(store.facts("r1").await), (ReservaState::Cumprida, 10, None, 2));
    wait_until(12);
    assert_eq!(store.reports("AAA1111", 13, None).await, fact(1), "the same again");
    wait_until(40);
    assert_eq!(store.reports("AAA1111", 13, Some(43)).await, fact(1));
    let ended = async || minutes(store.session(1).await.finished.map(|end| end.fim));
    assert_eq!(ended().await, Some(40));
    for now in [41, 90] {
        wait_until(now);
        assert_eq!(store.reports("AAA1111", 13, Some(43)).await, fact(1), "the same again");
    }
    assert_eq!(ended().await, Some(40));
    store.reserve_at("r2", "CCC3333", (4, 5)).await.expect("free");
    wait_until(250);
    let held = Rejection::PostoReservado { nome: "Ponto 1".to_owned() };
    assert_eq!(rejected(store.reports("BBB2222", 253, None).await), held, "it asks to begin now");
    let ahead = rejected(store.reports("BBB2222", 256, None).await);
    assert_eq!(ahead, Rejection::SessionTimes(vec![SessionTimeError::InicioInFuture]));
    wait_until(400);
    assert_eq!(store.reports("BBB2222", 396, Some(405)).await, fact(2));
    assert_eq!(minutes(store.session(2).await.finished.map(|end| end.fim)), Some(400));
}

/// The servidor gave the begin of the session, and its charger's clock is half a minute behind.
#[tokio::test]
async fn a_clock_that_is_behind_ends_a_session_that_it_began_moments_before() {
    for by_report in [false, true] {
        wait_until(10);
        let store = TestStore::new(1).await;
        store.reserve("r1", "AAA1111", 1).await.expect("free");
        let id = store.charges(placa("AAA1111")).await;
        let inicio = now();
        set_now(inicio.plus_millis(5000).as_millis());
        let fim = inicio.plus_millis(-25_000);
        let finish = async |number| {
            let energy = unconfirmed(number);
            if by_report {
                let placa = placa("AAA1111");
                let session = domain::ReportedSession { inicio, ended: Some((fim, energy)) };
                let report = ReportCarregamento { posto_id: 1, placa, session };
                return store
                    .store
                    .execute(report)
                    .await
                    .map(|reported| assert_eq!(reported.id, id));
            }
            let finish = FinishCarregamento { posto_id: 1, id, energy, fim: Some(fim) };
            store.store.execute(finish).await
        };
        let refused = rejected(finish(1.0).await);
        assert!(matches!(refused, Rejection::EnergiaImplausivel { length_ms: 5000, .. }));
        assert!(!store.disponivel(1).await);
        finish(0.03).await.expect("so much it gives in five seconds");
        assert!(store.disponivel(1).await);
        assert_eq!(store.session(id).await.finished.map(|end| end.fim), Some(inicio));
        wait_until(60);
        finish(0.03).await.expect("the same again");
        let expected = match by_report {
            true => Rejection::SessionTimes(vec![SessionTimeError::FimBeforeInicio]),
            false => Rejection::CarregamentoEncerrado { id },
        };
        assert_eq!(rejected(finish(0.02).await), expected, "another end");
    }
}

#[tokio::test]
async fn a_session_ends_after_the_servidors_clock_was_set_back_and_is_corrected() {
    for fim in [None, Some(40)] {
        wait_until(60);
        let store = TestStore::new(1).await;
        let id = store.charges(placa("AAA1111")).await;
        wait_until(45);
        let energy = unconfirmed(11.0);
        let finish = FinishCarregamento { posto_id: 1, id, energy, fim: fim.map(at) };
        for _ in 0..2 {
            store.store.execute(finish.clone()).await.expect("it ends");
        }
        assert!(store.disponivel(1).await);
        assert_eq!(store.session(id).await.finished.map(|end| end.fim), Some(at(60)));
        let correction =
            Correction { inicio: Some(at(10)), fim: Some(at(40)), ..Correction::default() };
        let correct = CorrectCarregamento { id, correction };
        store.store.execute(correct).await.expect("it gives so much in half an hour");
        let session = store.session(id).await;
        let fim = session.finished.map(|end| end.fim);
        assert_eq!((session.inicio, fim), (at(10), Some(at(40))));
    }
}
