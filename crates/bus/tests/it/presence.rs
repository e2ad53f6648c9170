//! Who is there.

use std::time::Duration;

use bus::{Bus, Link, Options};
use tokio::time::{sleep, timeout};

use crate::support::{Broker, Line, PATIENCE, message, next_text, options, presence, up, up_after};

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
async fn a_crash_is_told_by_the_broker() {
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
async fn a_broken_line_gives_a_new_birth_with_a_later_start() {
    let broker = Broker::start().await;
    let line = Line::to(&broker).await;
    let (watcher, mut seen) = bus::connect(options(broker.port, "w", &["server/+/status"]));
    up(&watcher).await;
    let (bus, _deliveries) = bus::connect(server(line.port));
    let generation = up(&bus).await;
    let first = since(&bus);
    assert_eq!(next_text(&mut seen).await, format!("online {first}"));
    line.cut();
    up_after(&bus, generation).await;
    let second = since(&bus);
    assert!(second > first);
    assert_eq!(next_text(&mut seen).await, format!("offline {first}"));
    assert_eq!(next_text(&mut seen).await, format!("online {second}"));
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it with --include-ignored"]
async fn a_late_will_is_overruled_and_a_quarrel_is_not_fought_at_full_speed() {
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
    assert!(seen.try_recv().is_err(), "a second answer takes its time");
    assert_eq!(next_text(&mut seen).await, online);
    assert!(deliveries.try_recv().is_err(), "presence stays inside the bus");
}
