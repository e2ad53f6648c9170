//! Two programs with the same id.

use std::time::Duration;

use tokio::time::sleep;

use crate::support::{Broker, eventually, logs, options, up};

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn two_programs_with_one_id_are_recognised_and_slow_down() {
    logs();
    let broker = Broker::start().await;
    let (one, _deliveries) = bus::connect(options(broker.port, "same", &["t"]));
    up(&one).await;
    let (other, _other_deliveries) = bus::connect(options(broker.port, "same", &["t"]));
    eventually("a takeover is recognised", || {
        one.counters().takeovers + other.counters().takeovers > 0
    })
    .await;
    let connects = || one.counters().reconnects + other.counters().reconnects;
    sleep(Duration::from_secs(1)).await;
    let before = connects();
    assert!(before < 10, "{before} connections");
    sleep(Duration::from_secs(3)).await;
    assert!(connects() <= before + 1, "they still disconnect each other");
    assert!(one.is_up() || other.is_up(), "one of them works");
}
