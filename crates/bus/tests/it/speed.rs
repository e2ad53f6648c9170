//! How fast. `cargo test --release -p bus --test it speed -- --ignored --nocapture`

use bus::{Join, Outgoing};
use tokio::time::Instant;

use crate::support::{Broker, message, options, up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: run it alone, with --release and --nocapture"]
async fn how_fast_one_way() {
    let broker = Broker::start().await;
    let (receiver, mut deliveries) = bus::connect(options(broker.port, "r", &["t"]));
    let large = bus::Options { outbox_capacity: 200_000, ..options(broker.port, "s", &[]) };
    let (sender, _nothing) = bus::connect(large);
    up(&receiver).await;
    up(&sender).await;
    const COUNT: usize = 100_000;
    let start = Instant::now();
    for _ in 0..COUNT {
        let one = Outgoing { join: Join::Never, ..message("t", r#"{"request_id":"x"}"#) };
        sender.publish(one).unwrap();
    }
    for _ in 0..COUNT {
        deliveries.recv().await.unwrap().ack.done();
    }
    let rate = COUNT as f64 / start.elapsed().as_secs_f64();
    println!("one way, alone: {rate:.0} messages/s");
}
