//! What the tests share. The tests of the client use it as well.

mod broker;

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Credentials, Delivery, Link, Options, Outgoing, Presence};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

pub(crate) use broker::{Broker, Proxy};

/// Longer than anything takes that is expected to happen.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn options(port: u16, mqtt_id: &str, subscriptions: &[&str]) -> Options {
    Options {
        broker: "127.0.0.1".to_owned(),
        port,
        credentials: Credentials::default(),
        mqtt_id: mqtt_id.to_owned(),
        subscriptions: subscriptions.iter().map(|&one| one.to_owned()).collect(),
        as_published: Vec::new(),
        on_demand: Vec::new(),
        presence: None,
        session_expiry: Duration::from_secs(60),
        inbox_capacity: 1024,
        outbox_capacity: 10_000,
        give_up_poison: true,
    }
}

pub(crate) fn presence(topic: &str) -> Presence {
    Presence {
        topic: topic.to_owned(),
        birth: Arc::new(|since| format!("online {since}").into_bytes()),
        will: Arc::new(|since| format!("offline {since}").into_bytes()),
    }
}

pub(crate) fn message(topic: &str, payload: impl Into<Bytes>) -> Outgoing {
    Outgoing::new(topic, payload)
}

/// Waits for the link to be up; returns the connection's number.
pub(crate) async fn up(bus: &Bus) -> u64 {
    up_after(bus, 0).await
}

/// Waits for a connection later than `generation`.
pub(crate) async fn up_after(bus: &Bus, generation: u64) -> u64 {
    let mut link = bus.link();
    let later = |link: &Link| matches!(link, Link::Up { generation: now, .. } if *now > generation);
    let found = timeout(TEST_TIMEOUT, link.wait_for(later)).await;
    match *found.expect("the link comes up").expect("the bus runs") {
        Link::Up { generation, .. } => generation,
        Link::Down => unreachable!("waited for up"),
    }
}

pub(crate) async fn down(bus: &Bus) {
    let mut link = bus.link();
    let found = timeout(TEST_TIMEOUT, link.wait_for(|link| *link == Link::Down)).await;
    found.expect("the link goes down").expect("the bus runs");
}

/// The next delivery.
pub(crate) async fn next(deliveries: &mut mpsc::Receiver<Delivery>) -> Delivery {
    let next = timeout(TEST_TIMEOUT, deliveries.recv()).await;
    next.expect("something is delivered").expect("the bus runs")
}

/// The next payload, acknowledged.
pub(crate) async fn next_text(deliveries: &mut mpsc::Receiver<Delivery>) -> String {
    let delivery = next(deliveries).await;
    delivery.ack.done();
    String::from_utf8(delivery.payload.to_vec()).unwrap()
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < TEST_TIMEOUT, "never came true: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Shows the log of a test that is run with `--nocapture`.
pub(crate) fn logs() {
    let filter = tracing_subscriber::EnvFilter::new("bus=debug");
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}
