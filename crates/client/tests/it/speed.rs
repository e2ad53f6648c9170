//! How fast. `cargo test --release -p client --test it speed -- --ignored --nocapture`

use std::sync::Arc;

use bus::Join;
use tokio::time::Instant;

use crate::bus_support::Broker;
use crate::load::{LIMIT, call_from_many};
use crate::programs::{Caller, Echo};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: run it alone, with --release and --nocapture"]
async fn how_fast() {
    let broker = Broker::start().await;
    let _echo = Echo::start(broker.port).await;
    let caller = Arc::new(Caller::start(broker.port, 10_000).await);

    let mut times = Vec::new();
    for _ in 0..2_000 {
        let start = Instant::now();
        caller.call(LIMIT).await.unwrap();
        times.push(start.elapsed());
    }
    times.sort();
    println!("a lone call: median {:?}, p99 {:?}", times[1_000], times[1_980]);

    for callers in [8, 64, 256, 1024] {
        for join in [Join::WhenWaiting, Join::Never] {
            let calls = if join == Join::Never { 20_480 } else { 61_440 };
            let before = caller.bus.counters();
            let start = Instant::now();
            call_from_many(&caller, callers, calls, join).await;
            let rate = calls as f64 / start.elapsed().as_secs_f64();
            let packets = caller.bus.counters().packets - before.packets;
            let joined = calls as f64 / packets as f64;
            println!("{callers} callers, {join:?}: {rate:.0} calls/s, {joined:.1} in a packet");
        }
    }
}
