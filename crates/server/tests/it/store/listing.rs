//! Listings: each is true at a moment of its call, also when it is cached.

use std::sync::Arc;
use std::time::Duration;

use domain::{PostoChange, PostosFilter};
use server::store::ChangePosto;
use sqlx::{Connection as _, SqliteConnection};

use crate::support::{HOUR, START, TestStore, set_clock_step, set_now};

async fn free(store: &TestStore) -> Vec<i64> {
    let listing = store.store.listing().await.expect("a listing");
    let free = PostosFilter { disponivel: Some(true), ..PostosFilter::default() };
    listing.matching(&free).map(|posto| posto.id).collect()
}

#[tokio::test]
async fn a_listing_shows_every_change_at_once() {
    let store = TestStore::new(2).await;
    assert_eq!(free(&store).await, [1, 2]);
    store.reserve("r1", "ABC1234", 1).await.expect("free");
    assert_eq!(free(&store).await, [2]);
    let change = PostoChange { in_service: Some(false), ..PostoChange::default() };
    store.store.execute(ChangePosto { posto_id: 2, change }).await.expect("it exists");
    assert_eq!(free(&store).await, [0; 0]);
    store.cancel("r1").await.expect("it is active");
    assert_eq!(free(&store).await, [1]);
}

#[tokio::test]
async fn a_listing_changes_as_time_passes() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (1, 2)).await.expect("free");
    for (moment, expected) in [
        (START, &[1, 2][..]),
        (START + HOUR - 1, &[1, 2]),
        (START + HOUR, &[2]),
        (START + 2 * HOUR - 1, &[2]),
        (START + 2 * HOUR, &[1, 2]),
        // The clock is set back.
        (START + HOUR, &[2]),
        (START, &[1, 2]),
    ] {
        set_now(moment);
        assert_eq!(free(&store).await, expected, "{} ms after the start", moment - START);
    }
}

#[tokio::test]
async fn a_listing_that_is_read_slowly_is_not_of_a_moment_before_its_data() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (1, 20)).await.expect("free");
    // 40 minutes pass with each reading of the clock: the reserva begins while the listing is read.
    set_clock_step(HOUR * 2 / 3);
    assert_eq!(free(&store).await, [2]);
}

#[tokio::test]
async fn a_listing_shows_what_another_program_writes() {
    let store = TestStore::new(3).await;
    assert_eq!(free(&store).await, [1, 2, 3]);
    let url = format!("sqlite://{}", store.path().display());
    let mut other = SqliteConnection::connect(&url).await.expect("the same file");
    for (sql, expected) in [
        ("UPDATE postos SET operador_em_manutencao = 1 WHERE id = 2", &[1, 3][..]),
        ("UPDATE postos SET removed_at = 1 WHERE id = 3", &[1]),
        ("UPDATE postos SET operador_em_manutencao = 0 WHERE id = 2", &[1, 2]),
    ] {
        sqlx::query(sql).execute(&mut other).await.expect("a change");
        assert_eq!(free(&store).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn the_cached_listing_is_returned_while_nothing_changes() {
    let store = TestStore::new(2).await;
    let first = store.store.listing().await.expect("a listing");
    assert!(Arc::ptr_eq(&store.store.listing().await.expect("a listing"), &first));
    store.reserve("r1", "ABC1234", 1).await.expect("free");
    assert!(!Arc::ptr_eq(&store.store.listing().await.expect("a listing"), &first));
}

#[tokio::test]
async fn a_version_is_of_one_list_and_never_comes_again() {
    let store = TestStore::new(2).await;
    let version = async || store.store.listing().await.expect("a listing").version.clone();
    let in_service = async |in_service: bool| {
        let change = PostoChange { in_service: Some(in_service), ..PostoChange::default() };
        store.store.execute(ChangePosto { posto_id: 2, change }).await.expect("it exists");
    };
    store.reserve_at("r1", "ABC1234", (1, 2)).await.expect("free");
    let mut versions = vec![version().await];
    // Neither the written change nor the reserva of later changes the list.
    in_service(true).await;
    store.reserve_at("r2", "ABC1234", (5, 6)).await.expect("free");
    assert_eq!(version().await, versions[0]);
    for disponivel in [false, true] {
        in_service(disponivel).await;
        versions.push(version().await);
    }
    // The reserva begins, ends, and the clock is set back to each.
    for moment in [START + HOUR, START + 2 * HOUR, START + HOUR, START] {
        set_now(moment);
        versions.push(version().await);
    }
    let other = TestStore::new(2).await;
    versions.push(other.store.listing().await.expect("a listing").version.clone());
    let different: std::collections::HashSet<_> = versions.iter().collect();
    assert_eq!(different.len(), versions.len(), "{versions:?}");
}

#[tokio::test]
async fn postos_that_change_all_the_time_are_listed() {
    const POSTOS: i64 = 5_000;
    let store = TestStore::new(POSTOS).await;
    // Each change makes what was read of the postos before it old.
    let changes = async {
        for count in 0.. {
            let in_service = Some(count % 2 == 0);
            let change = PostoChange { in_service, ..PostoChange::default() };
            let changed = store.store.execute(ChangePosto { posto_id: 1, change }).await;
            changed.expect("it exists");
        }
    };
    let listings = async {
        for _ in 0..10 {
            assert!(free(&store).await.len() as i64 >= POSTOS - 1);
        }
    };
    let listed = async {
        tokio::select! { () = listings => {}, () = changes => {} }
    };
    let listed = tokio::time::timeout(Duration::from_secs(60), listed).await;
    listed.expect("lists are answered while postos change");
}
