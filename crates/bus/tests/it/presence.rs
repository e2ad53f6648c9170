//! Birth, Last Will, and contradictions.

use std::time::Duration;

use bus::{Bus, Link, Options};
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use tokio::time::{Instant, sleep, timeout};

use crate::fake_broker::{FakeBroker, GRANTED};
use crate::support::{
    Broker, Proxy, TEST_TIMEOUT, message, next_text, options, presence, up, up_after,
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
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn birth_at_the_start_and_offline_at_a_clean_end() {
    let broker = Broker::start().await;
    let (bus, _deliveries) = bus::connect(server(broker.port));
    up(&bus).await;
    let since = since(&bus);
    let (watcher, mut seen) = bus::connect(options(broker.port, "w", &["server/+/status"]));
    up(&watcher).await;
    assert_eq!(next_text(&mut seen).await, format!("online {since}"));
    tokio::time::sleep(Duration::from_millis(5)).await;
    bus.close(TEST_TIMEOUT).await;
    let offline = next_text(&mut seen).await;
    let end = offline.strip_prefix("offline ").expect("its kind");
    assert!(end > since.as_str(), "{offline}, online since {since}");
    let more = timeout(Duration::from_millis(300), seen.recv()).await;
    assert!(more.is_err(), "no Last Will after a clean end");
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
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
#[ignore = "needs a mosquitto binary; CI runs it"]
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
#[ignore = "needs a mosquitto binary; CI runs it"]
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

#[tokio::test]
async fn a_repeated_birth_keeps_to_the_receive_maximum() {
    let (broker, port) = FakeBroker::start().await;
    let (bus, _deliveries) = bus::connect(server(port));
    let mut peer = broker.accept(Some(1), GRANTED).await;
    let birth = peer.publish().await;
    assert_eq!(birth.topic, TOPIC);
    peer.acknowledge(birth.pkid).await;
    bus.publish(message("out", "1")).unwrap();
    let only = peer.publish().await;
    let other = Publish { topic: TOPIC.into(), payload: "other".into(), ..Publish::default() };
    peer.send(Packet::Publish(other)).await;
    assert!(peer.is_silent().await);
    peer.acknowledge(only.pkid).await;
    assert_eq!(peer.publish().await.payload, birth.payload);
}

#[tokio::test]
async fn a_link_is_up_since_its_subscriptions_and_not_since_it_was_tried() {
    let (broker, port) = FakeBroker::start().await;
    let (bus, _deliveries) = bus::connect(server(port));
    sleep(Duration::from_millis(50)).await;
    let accepted = Instant::now();
    let _peer = broker.accept(None, GRANTED).await;
    up(&bus).await;
    let Link::Up { at, .. } = *bus.link().borrow() else { panic!("the link is down") };
    assert!(at >= accepted);
}
