//! Closing a bus.

use std::time::Duration;

use bus::BusError;
use tokio::time::Instant;

use crate::support::{Broker, TEST_TIMEOUT, message, next_text, options, up};

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn closing_sends_waiting_messages_and_accepts_no_more() {
    let broker = Broker::start().await;
    let (receiver, mut deliveries) = bus::connect(options(broker.port, "r", &["t"]));
    let (sender, _sent_to) = bus::connect(options(broker.port, "s", &[]));
    up(&receiver).await;
    for number in 0..500 {
        sender.publish(message("t", number.to_string())).unwrap();
    }
    let other = sender.clone();
    tokio::join!(sender.close(TEST_TIMEOUT), other.close(TEST_TIMEOUT));
    assert_eq!(sender.counters().acknowledged, 500);
    assert_eq!(sender.publish(message("t", "late")), Err(BusError::Closed));
    assert!(!sender.is_up());
    for number in 0..500 {
        assert_eq!(next_text(&mut deliveries).await, number.to_string());
    }
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn closing_without_a_broker_ends_with_the_grace() {
    let broker = Broker::stopped("");
    let (bus, _deliveries) = bus::connect(options(broker.port, "b", &[]));
    bus.publish(message("t", "1")).unwrap();
    let start = Instant::now();
    bus.close(Duration::from_millis(600)).await;
    let took = start.elapsed();
    assert!(took > Duration::from_millis(500) && took < Duration::from_secs(10), "{took:?}");

    let (idle, _deliveries) = bus::connect(options(broker.port, "i", &[]));
    let start = Instant::now();
    idle.close(TEST_TIMEOUT).await;
    assert!(start.elapsed() < Duration::from_secs(10), "nothing to wait for");
}
