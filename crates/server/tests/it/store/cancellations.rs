//! Cancelling reservas, and requests to cancel that were refused.

use domain::{Rejection, ReservaState};
use server::store::{CancelReserva, CancelTarget};

use crate::store::reserva_support::rejected;
use crate::support::{HOUR, START, TestStore, cancellation, now, set_now, soon};

#[tokio::test]
async fn cancelling_frees_the_posto_and_repeating_it_changes_nothing() {
    let store = TestStore::new(1).await;
    let reserved = store.reserve("r1", "ABC1234", 1).await.expect("it is free");
    assert!(!store.disponivel(1).await);
    for _ in 0..2 {
        let cancelled = store.cancel("r1").await.expect("the reserva exists");
        assert_eq!(cancelled.facts.state, ReservaState::Cancelada);
    }
    let by_id = CancelReserva { target: CancelTarget::Id(reserved.reserva.id), deadline: soon() };
    let by_id = store.store.execute(by_id).await;
    assert_eq!(by_id.expect("the same one").facts.state, ReservaState::Cancelada);
    assert!(store.disponivel(1).await);
    let missing = rejected(store.cancel("unknown").await);
    assert_eq!(missing.to_string(), "A reserva unknown não existe no servidor server1");
    let first = store.reserve("r1", "ABC1234", 1).await.expect("the first answer again");
    assert_eq!(first.reserva.facts.state, ReservaState::Ativa);
    let outcome = store.store.request_outcome("r1", None, now()).await.expect("a read");
    let current = outcome.expect("it was decided").current.expect("a reserva");
    assert_eq!(current.reserva.facts.state, ReservaState::Cancelada);
}

/// Its caller was answered that there is nothing to cancel.
#[tokio::test]
async fn a_copy_of_a_refused_cancellation_is_refused_again_and_another_is_not() {
    let store = TestStore::new(1).await;
    let asked = cancellation("r1", soon());
    let unknown =
        Rejection::ReservaInexistente { reserva: "r1".to_owned(), server_id: "server1".to_owned() };
    assert_eq!(rejected(store.store.execute(asked.clone()).await), unknown);
    store.reserve("r1", "ABC1234", 1).await.expect("it is free");
    assert_eq!(rejected(store.store.execute(asked.clone()).await), unknown);
    let store = store.reopen().await;
    assert_eq!(rejected(store.store.execute(asked).await), unknown);
    assert!(!store.disponivel(1).await, "nobody cancelled it");
    store.cancel("r1").await.expect("asked anew");
    // What is remembered is deleted with the refusals of reservations.
    let refused = || {
        let file = rusqlite::Connection::open(store.path()).expect("the file");
        file.query_row("SELECT count(*) FROM refused_cancellations", [], |row| row.get(0))
    };
    set_now(START + 29 * 24 * HOUR);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(refused(), Ok(1));
    set_now(START + 31 * 24 * HOUR);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(refused(), Ok(0));
}
