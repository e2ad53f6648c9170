//! The store with many commands at once.

use std::collections::HashSet;

use domain::{Rejection, ReservaState};
use futures_util::FutureExt as _;
use server::store::{CreatePosto, ReservasQuery, WriteError};
use sqlx::{Connection as _, SqliteConnection};
use tokio::task::JoinSet;

use crate::support::{TestStore, cancellation, now, posto, reservation, soon};

#[tokio::test]
async fn two_thousand_callers_share_a_hundred_postos() {
    let store = TestStore::new(100).await;
    let mut callers = JoinSet::new();
    for caller in 0..2000 {
        let (handle, posto_id) = (store.store.clone(), caller % 100 + 1);
        let request_id = format!("r{caller}");
        let plate = format!("CAR{caller:04}");
        callers.spawn(async move {
            handle.execute(reservation(&request_id, &plate, posto_id, None)).await
        });
    }
    let mut reserved_postos = HashSet::new();
    let mut refused = 0;
    while let Some(outcome) = callers.join_next().await {
        match outcome.expect("a caller") {
            Ok(reserved) => {
                assert!(reserved.reserva.id > 0);
                assert!(
                    reserved_postos.insert(reserved.reserva.posto_id),
                    "a posto was reserved twice"
                );
            }
            Err(WriteError::Rejected(Rejection::PostoReservado { .. })) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((reserved_postos.len(), refused), (100, 1900));
    let query = ReservasQuery { limit: 1000, ..ReservasQuery::default() };
    assert_eq!(store.store.reservas(&query, now()).await.expect("a read").len(), 100);
}

#[tokio::test]
async fn repeats_in_one_batch_have_one_effect_and_one_answer() {
    let store = TestStore::new(1).await;
    let mut repeats = JoinSet::new();
    for _ in 0..50 {
        let handle = store.store.clone();
        repeats.spawn(async move { handle.execute(reservation("r1", "ABC1234", 1, None)).await });
    }
    let mut ids = HashSet::new();
    while let Some(outcome) = repeats.join_next().await {
        ids.insert(outcome.expect("a caller").expect("the first answer").reserva.id);
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn reserve_cancel_reserve_in_one_batch_keeps_its_order() {
    let store = TestStore::new(1).await;
    let handle = &store.store;
    let (first, refused, cancelled, second) = tokio::join!(
        handle.execute(reservation("r1", "AAA1111", 1, None)),
        handle.execute(reservation("r2", "BBB2222", 1, None)),
        handle.execute(cancellation("r1", soon())),
        handle.execute(reservation("r3", "CCC3333", 1, None)),
    );
    let first = first.expect("free").reserva;
    assert!(refused.is_err());
    let cancelled = cancelled.expect("it was made");
    assert_eq!((cancelled.id, cancelled.facts.state), (first.id, ReservaState::Cancelada));
    let second = second.expect("free again").reserva;
    let query = ReservasQuery { status: Some(ReservaState::Ativa), limit: 9, ..Default::default() };
    let held = store.store.reservas(&query, now()).await.expect("a read");
    assert_eq!(held.iter().map(|record| record.id).collect::<Vec<_>>(), [second.id]);
}

#[tokio::test]
async fn a_reserva_of_an_earlier_batch_is_cancelled_and_replaced_in_one_batch() {
    let store = TestStore::new(1).await;
    store.reserve("r1", "AAA1111", 1).await.expect("free");
    let (cancelled, second) = tokio::join!(
        store.store.execute(cancellation("r1", soon())),
        store.store.execute(reservation("r2", "BBB2222", 1, None)),
    );
    cancelled.expect("it was made");
    second.expect("free within the same batch");
}

#[tokio::test]
async fn a_command_that_cannot_be_written_does_not_fail_its_batch() {
    let store = TestStore::new(1).await;
    // No value of the domain breaks a rule of the schema, so here is one more.
    let url = format!("sqlite:{}", store.path().display());
    let mut other = SqliteConnection::connect(&url).await.expect("the same file");
    let rule = "CREATE TRIGGER refuse BEFORE INSERT ON postos WHEN NEW.nome = 'refused'
                BEGIN SELECT RAISE(ABORT, 'refused'); END";
    sqlx::query(rule).execute(&mut other).await.expect("a trigger");
    let unwritable = CreatePosto(posto("refused"));
    let (before, failed, after) = tokio::join!(
        store.reserve_at("r1", "AAA1111", (0, 1)),
        store.store.execute(unwritable),
        store.reserve_at("r2", "BBB2222", (1, 2)),
    );
    assert_eq!(failed, Err(WriteError::Unavailable));
    before.expect("it is written on its own");
    after.expect("it is written on its own");
    assert!(store.store.is_writable(), "the disk works");
}

/// The schema ends the whole transaction of a reservation that breaks its rule, and a foreign key that
/// leads nowhere fails the commit.
#[tokio::test]
async fn a_reservation_that_the_schema_refuses_does_not_fail_its_batch() {
    // No reservation gets past the decision, so here are rules of the same kinds.
    for rule in [
        "BEFORE INSERT ON reservas WHEN NEW.placa = 'XXX9999'
         BEGIN SELECT RAISE(ROLLBACK, 'refused'); END",
        "AFTER INSERT ON reservas WHEN NEW.placa = 'XXX9999'
         BEGIN DELETE FROM carros WHERE placa = NEW.placa; END",
    ] {
        let store = TestStore::new(1).await;
        let file = rusqlite::Connection::open(store.path()).expect("the same file");
        file.execute_batch(&format!("CREATE TRIGGER refuse {rule}")).expect("a trigger");
        let (before, failed, after) = tokio::join!(
            store.reserve_at("r1", "AAA1111", (0, 1)),
            store.reserve_at("r2", "XXX9999", (1, 2)),
            store.reserve_at("r3", "BBB2222", (1, 3)),
        );
        before.expect("it is written on its own");
        assert_eq!(failed.expect_err(rule), WriteError::Unavailable);
        after.expect("it is written on its own");
        assert!(store.store.is_writable(), "the disk works");
        let carro = store.store.carro("XXX9999").await.expect("a read");
        assert!(carro.is_none(), "nothing of it is left: {rule}");
        let query = ReservasQuery { limit: 9, ..ReservasQuery::default() };
        let listed = store.store.reservas(&query, now()).await.expect("a read");
        assert_eq!(listed.len(), 2, "{rule}");
    }
}

/// Refused commands are no answers to those that were queued before.
#[tokio::test]
async fn what_is_queued_is_waited_for_however_many_are_refused() {
    let store = TestStore::new(1).await;
    let url = format!("sqlite:{}", store.path().display());
    let mut other = SqliteConnection::connect(&url).await.expect("the same file");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("the lock of the writer");
    let mut made = Box::pin(store.reserve("r1", "ABC1234", 1));
    assert!(made.as_mut().now_or_never().is_none(), "it waits for the lock");
    let mut queued = Vec::new();
    loop {
        let mut sweep = Box::pin(store.store.sweep());
        match sweep.as_mut().now_or_never() {
            None => queued.push(sweep),
            Some(refused) => break assert_eq!(refused, Err(WriteError::Overloaded)),
        }
    }
    let mut settled = Box::pin(store.store.settled());
    assert!(settled.as_mut().now_or_never().is_none());
    for _ in 0..2 * queued.len() {
        let refused = store.store.sweep().now_or_never();
        assert_eq!(refused, Some(Err(WriteError::Overloaded)));
    }
    assert!(settled.as_mut().now_or_never().is_none(), "nothing is answered yet");
    sqlx::query("COMMIT").execute(&mut other).await.expect("the lock is free");
    settled.await.expect("nothing is in doubt");
    let outcome = store.store.request_outcome("r1", None, now()).await.expect("a read");
    assert!(outcome.is_some_and(|outcome| outcome.current.is_some()), "it is committed by then");
    made.await.expect("it was made");
}
