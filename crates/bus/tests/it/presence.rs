//! Birth, Last Will, and contradictions.

use std::time::Duration;

use bus::{Bus, Link, Options};
use tokio::time::{sleep, timeout};

use crate::support::{
    Broker, PATIENCE, Proxy, message, next_text, options, presence, up, up_after,
};

const TOPIC: &str = "server/server1/status";

fn server(port: u16) -> Options {
    Options { presence: Some(presence(TOPIC)), ..options(port, "server1", &[]) }
}

fn since(bus: &Bus) -> String {
    match *bus.link().borrow() {
        Link::Up { since, .. } => since.to_string(),
        Link::Down => panic!("the link is down"),
    }
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it with --include-ignored"]
async fn birth_at_the_start_and_offline_at_a_clean_end() {
    let broker = Broker::start().await;
    let (bus, _deliveries) = bus::connect(server(broker.port));
    up(&bus).await;
    let since = since(&bus);
    let (watcher, mut seen) = bus::connect(options(broker.port, "w", &["server/+/status"]));
    up(&watcher).await;
    assert_eq!(next_text(&mut seen).await, format!("online {since}"));
    bus.close(PATIENCE).await;
    assert_eq!(next_text(&mut seen).await, format!("offline {since}"));
    let more = timeout(Duration::from_millis(300), seen.recv()).await;
    assert!(more.is_err(), "no Last Will after a clean end");
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it with --include-ignored"]
async fn the_broker_publishes_the_will_after_a_crash() {
    let broker = Broker::start().await;
    let (watcher, mut seen) = bus::connect(options(broker.port, "w", &["server/+/status"]));
    up(&watcher).await;
    let (bus, _deliveries) = bus::connect(server(broker.port));
    up(&bus).await;
    let since = since(&bus);
    assert_eq!(next_text(&mut seen).await, format!("online {since}"));
    drop(bus);
    assert_eq!(next_text(&mut seen).await, format!("offline {since}"));
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it with --include-ignored"]
async fn a_reconnection_publishes_a_birth_with_a_later_start() {
    let broker = Broker::start().await;
    let proxy = Proxy::to(&broker).await;
    let (watcher, mut seen) = bus::connect(options(broker.port, "w", &["server/+/status"]));
    up(&watcher).await;
    let (bus, _deliveries) = bus::connect(server(proxy.port));
    let generation = up(&bus).await;
    let first = since(&bus);
    assert_eq!(next_text(&mut seen).await, format!("online {first}"));
    proxy.cut();
    up_after(&bus, generation).await;
    let second = since(&bus);
    assert!(second > first);
    assert_eq!(next_text(&mut seen).await, format!("offline {first}"));
    assert_eq!(next_text(&mut seen).await, format!("online {second}"));
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it with --include-ignored"]
async fn a_late_will_is_contradicted_and_more_of_them_only_at_intervals() {
    let broker = Broker::start().await;
    let (bus, mut deliveries) = bus::connect(server(broker.port));
    up(&bus).await;
    let (watcher, mut seen) = bus::connect(options(broker.port, "w", &["server/+/status"]));
    up(&watcher).await;
    let online = format!("online {}", since(&bus));
    assert_eq!(next_text(&mut seen).await, online);

    let late_will = "offline 2020-01-01T00:00:00.000Z";
    let retained = |text: &'static str| bus::Outgoing { retain: true, ..message(TOPIC, text) };
    watcher.publish(retained(late_will)).unwrap();
    assert_eq!(next_text(&mut seen).await, late_will);
    assert_eq!(next_text(&mut seen).await, online);

    for _ in 0..3 {
        watcher.publish(retained(late_will)).unwrap();
        assert_eq!(next_text(&mut seen).await, late_will);
    }
    sleep(Duration::from_millis(300)).await;
    assert!(seen.try_recv().is_err(), "the next contradiction waits");
    assert_eq!(next_text(&mut seen).await, online);
    assert!(deliveries.try_recv().is_err(), "presence is not delivered");
}
