//! Who waits for statistics, and of when they are.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::{Fuso, Moment, Passo, Rules, Steps};
use tokio::sync::mpsc;

use super::*;
use crate::store::{Environment, Store};

fn query() -> StatisticsQuery {
    let (de, ate) = (Moment::from_millis(0), Moment::from_millis(3_600_000));
    let steps = Steps::new(de, ate, Passo::Dia, Fuso::default()).expect("a period");
    StatisticsQuery { steps, posto_id: None, by_posto: true }
}

#[tokio::test]
async fn they_are_of_when_they_are_read_and_end_with_their_callers() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(AtomicI64::new(1000));
    let read = Arc::clone(&clock);
    let now: Clock = Arc::new(move || Moment::from_millis(read.load(Ordering::Relaxed)));
    let (changes, _changes) = mpsc::channel(1);
    let (server_id, rules) = ("server1".to_owned(), Rules::default());
    let environment = Environment { server_id, now: Arc::clone(&now), rules, changes };
    let opened = Store::open(&folder.path().join("server1.db"), environment).await;
    let (store, closer) = opened.expect("the store opens");

    let mut source = Arc::clone(&store.statistics.source).lock_owned().await;
    let progress = store.statistics.progress.clone();
    let abandoned = count(&mut source, &query(), &now, &progress, Weak::new());
    assert!(abandoned.is_err(), "nobody waits for it");
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.statistics(query()).await }
    });
    tokio::task::yield_now().await;
    clock.store(2000, Ordering::Relaxed);
    drop(source);
    let counted = waiting.await.expect("it ends").expect("statistics");
    assert_eq!(counted.counted_at.as_millis(), 2000);
    drop(store);
    closer.close().await.expect("it closes");
}
