//! Time in which the servidor could not serve, and clocks that are set back: neither costs a driver a
//! reserva, nor holds a posto for nobody.

use domain::{Handling, ReservaState};
use server::store::{back_up, restore};

use crate::store_lives::patient;
use crate::store_maintenance::out;
use crate::store_sessions::{at, wait_until};
use crate::support::{TestStore, now, placa};

#[tokio::test]
async fn a_restore_makes_nobody_absent() {
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 4)).await.expect("free");
    let backup = store.folder.path().join("backup.db");
    back_up(&store.path(), "server1", &backup, now()).expect("a backup");
    let folder = store.close().await;
    wait_until(60);
    restore(&TestStore::file(folder.path()), "server1", &backup, now(), None).expect("restored");
    wait_until(61);
    let store = TestStore::open_with(folder, patient()).await;
    let facts = store.facts("r1").await;
    assert_eq!((facts.state, facts.falta_em), (ReservaState::Ativa, Some(at(76))));
}

/// A disk that is full keeps sessions from being recorded.
#[tokio::test]
async fn a_database_that_cannot_be_written_makes_nobody_absent() {
    let store = TestStore::with_rules(2, patient()).await;
    store.reserve("r1", "AAA1111", 1).await.expect("free");
    wait_until(14);
    store.reserve("r2", "BBB2222", 2).await.expect("free");
    let other = rusqlite::Connection::open(store.path()).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock of the writer");
    store.store.sweep().await.expect_err("it is locked");
    wait_until(60);
    other.execute_batch("ROLLBACK").expect("the lock is released");
    store.charges(placa("AAA1111")).await;
    assert_eq!(store.facts("r1").await.state, ReservaState::Cumprida, "it could not come before");
    let waits = store.facts("r2").await;
    assert_eq!((waits.state, waits.falta_em), (ReservaState::Ativa, Some(at(75))));
}

#[tokio::test]
async fn a_session_that_ends_after_the_clock_was_set_back_frees_its_reserva() {
    wait_until(10);
    let mut store = TestStore::with_rules(1, patient()).await;
    store.reserve("r1", "AAA1111", 1).await.expect("free");
    let session = store.charges(placa("AAA1111")).await;
    wait_until(5);
    store.told();
    store.leaves(session).await;
    assert_eq!(store.told().len(), 1, "its client is told");
    wait_until(30);
    let facts = store.facts("r1").await;
    assert_eq!((facts.state, facts.held_until()), (ReservaState::Cumprida, None));
    assert!(store.disponivel(1).await);
    store.reserve("r2", "BBB2222", 1).await.expect("it is free");
}

/// A reserva of an old release has no name of its own.
#[tokio::test]
async fn a_move_does_not_change_what_an_old_release_answered() {
    wait_until(0);
    let store = TestStore::new(2).await;
    let first = store.reserve("r1", "AAA1111", 1).await.expect("free");
    store.execute_sql("UPDATE reservas SET nome = NULL");
    store.store.execute(out(Handling::Move)).await.expect("it is done");
    assert_eq!(store.reserve("r1", "AAA1111", 1).await, Ok(first));
}
