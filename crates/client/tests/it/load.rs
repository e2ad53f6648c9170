//! Many calls at once.

use std::sync::Arc;
use std::time::Duration;

use bus::Join;
use protocol::MAX_ARRAY;
use tokio::task::JoinSet;

use crate::bus_support::Broker;
use crate::programs::{Caller, Echo, call};

pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Makes `calls` calls from so many callers at a time, and waits for all answers.
pub(crate) async fn call_from_many(caller: &Arc<Caller>, callers: usize, calls: usize, join: Join) {
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let caller = Arc::clone(caller);
        tasks.spawn(async move {
            for _ in 0..calls / callers {
                let call = client::Call { join, ..call(LIMIT) };
                caller.requester.call(call).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn twenty_thousand_calls_of_64_callers_are_answered_and_arrive_once() {
    let broker = Broker::start().await;
    let echo = Echo::start(broker.port).await;
    let caller = Arc::new(Caller::start(broker.port, 1_000).await);
    call_from_many(&caller, 64, 20_000, Join::WhenWaiting).await;
    let seen = echo.seen.lock().unwrap();
    assert_eq!(seen.commands.len(), 20_000 / 64 * 64);
    assert!(seen.commands.values().all(|&count| count == 1), "some arrived twice");
    assert!(seen.largest > 1 && seen.largest <= MAX_ARRAY, "largest: {}", seen.largest);
    assert!(seen.packets < seen.commands.len());
    assert_eq!((caller.requester.pending(), caller.requester.unawaited()), (0, 0));
    assert_eq!(echo.bus.counters().abandoned, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn works_with_a_broker_of_small_windows() {
    let broker = Broker::start_with("max_inflight_messages 2\n").await;
    let _echo = Echo::start(broker.port).await;
    let caller = Arc::new(Caller::start(broker.port, 1_000).await);
    call_from_many(&caller, 32, 640, Join::Never).await;
    assert_eq!(caller.bus.counters().reconnects, 0);
}
