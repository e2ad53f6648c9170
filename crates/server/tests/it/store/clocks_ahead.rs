//! Sessions that are reported by a clock that is ahead of the servidor's.

use domain::{Rejection, ReservaState, SessionTimeError};
use server::store::Reported;

use crate::store::reserva_support::rejected;
use crate::store::sessions::{minutes, shown, wait_until};
use crate::support::{TestStore, placa};

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
