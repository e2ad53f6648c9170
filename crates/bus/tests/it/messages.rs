//! Publishing, delivering, acknowledging.

use std::time::Duration;

use bus::{Bus, BusError, Delivery, Options, Outgoing};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::support::{
    Broker, Proxy, down, eventually, message, next, next_text, options, up, up_after,
};

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn carries_a_message_with_its_properties() {
    let broker = Broker::start().await;
    let (receiver, mut deliveries) = bus::connect(options(broker.port, "r", &["t/#"]));
    let (sender, _) = bus::connect(options(broker.port, "s", &[]));
    up(&receiver).await;
    let sent = Outgoing {
        expires_at: Some(Instant::now() + Duration::from_secs(10)),
        response_topic: Some("reply/here".to_owned()),
        correlation: Some("id-1".into()),
        ..message("t/1", r#"{"a":1}"#)
    };
    sender.publish(sent).unwrap();
    let got = next(&mut deliveries).await;
    assert_eq!((&*got.topic, &*got.payload), ("t/1", &br#"{"a":1}"#[..]));
    // Ten seconds, less the time for connecting, rounded up, less one.
    let expiry = got.expiry.unwrap().as_secs();
    assert!((8..=9).contains(&expiry), "{expiry} s left");
    assert_eq!(got.response_topic.as_deref(), Some("reply/here"));
    assert_eq!(got.correlation.as_deref(), Some(&b"id-1"[..]));
    assert!(!got.replayed);
    got.ack.done();
    eventually("the PUBACK arrives", || sender.counters().acknowledged == 1).await;
    let counters = sender.counters();
    assert_eq!((counters.published, counters.packets, counters.outbox_len), (1, 1, 0));
    assert_eq!(receiver.counters().received, 1);
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_message_published_without_a_broker_is_delivered_when_there_is_one() {
    let mut broker = Broker::stopped("");
    let (bus, mut deliveries) = bus::connect(options(broker.port, "b", &["t"]));
    for number in 0..100 {
        bus.publish(message("t", number.to_string())).unwrap();
    }
    let soon = Instant::now() + Duration::from_millis(100);
    bus.publish(Outgoing { expires_at: Some(soon), ..message("t", "late") }).unwrap();
    sleep(Duration::from_millis(700)).await;
    assert!(!bus.is_up());
    assert_eq!(bus.counters().outbox_len, 100, "expired messages are dropped");
    broker.resume().await;
    for number in 0..100 {
        assert_eq!(next_text(&mut deliveries).await, number.to_string());
    }
    assert_eq!(bus.counters().expired, 1);
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn an_unacknowledged_delivery_comes_again() {
    let broker = Broker::start().await;
    let proxy = Proxy::to(&broker).await;
    let (receiver, mut deliveries) = bus::connect(options(proxy.port, "r", &["t"]));
    let (sender, _) = bus::connect(options(broker.port, "s", &[]));
    let generation = up(&receiver).await;
    for number in 0..5 {
        sender.publish(message("t", number.to_string())).unwrap();
    }
    let mut first = Vec::new();
    for _ in 0..5 {
        first.push(next(&mut deliveries).await);
    }
    // Out of order: 3, 0, 1 are done; 2 is dropped; 4 stays open.
    let four = first.remove(4);
    first.remove(3).ack.done();
    first.remove(0).ack.done();
    first.remove(0).ack.done();
    drop(first);
    eventually("the dropped one is counted", || receiver.counters().abandoned == 1).await;
    sleep(Duration::from_millis(100)).await;
    proxy.cut();
    up_after(&receiver, generation).await;
    assert_eq!(next_text(&mut deliveries).await, "2");
    assert_eq!(next_text(&mut deliveries).await, "4");
    // Its connection has ended: this has no effect.
    four.ack.done();
    sender.publish(message("t", "5")).unwrap();
    assert_eq!(next_text(&mut deliveries).await, "5");
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_full_inbox_loses_nothing() {
    let broker = Broker::start().await;
    let proxy = Proxy::to(&broker).await;
    let small = bus::Options { inbox_capacity: 4, ..options(proxy.port, "r", &["t"]) };
    let (receiver, mut deliveries) = bus::connect(small);
    let (sender, _) = bus::connect(options(broker.port, "s", &[]));
    let generation = up(&receiver).await;
    for number in 0..20 {
        sender.publish(message("t", number.to_string())).unwrap();
    }
    eventually("the inbox fills", || receiver.counters().received == 4).await;
    // The queue still has four of the old connection when the new one delivers them again.
    proxy.cut();
    up_after(&receiver, generation).await;
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 20 {
        let number: u32 = next_text(&mut deliveries).await.parse().unwrap();
        seen.insert(number);
    }
    assert_eq!(receiver.counters().dropped_full, 0);
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn abandoned_deliveries_do_not_stall_a_connection_for_ever() {
    let broker = Broker::start().await;
    let small = bus::Options { inbox_capacity: 4, ..options(broker.port, "r", &["t"]) };
    let (receiver, mut deliveries) = bus::connect(small);
    let (sender, _) = bus::connect(options(broker.port, "s", &[]));
    up(&receiver).await;
    for number in 0..8 {
        sender.publish(message("t", number.to_string())).unwrap();
    }
    for _ in 0..4 {
        drop(next(&mut deliveries).await);
    }
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 8 {
        seen.insert(next_text(&mut deliveries).await);
    }
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_full_outbox_is_an_error() {
    let broker = Broker::stopped("");
    let small = bus::Options { outbox_capacity: 3, ..options(broker.port, "b", &[]) };
    let (bus, _deliveries) = bus::connect(small);
    for _ in 0..3 {
        bus.publish(message("t", "1")).unwrap();
    }
    assert_eq!(bus.publish(message("t", "1")), Err(BusError::Full));
    assert_eq!(bus.counters().dropped_full, 1);
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn large_messages_are_sent_and_larger_than_the_broker_accepts_are_dropped() {
    let broker = Broker::start_with("max_packet_size 3000000\n").await;
    let (bus, mut deliveries) = bus::connect(options(broker.port, "b", &["t"]));
    up(&bus).await;
    bus.publish(message("t", "x".repeat(3_500_000))).unwrap();
    let fits = "y".repeat(2_000_000);
    bus.publish(message("t", fits.clone())).unwrap();
    assert_eq!(next_text(&mut deliveries).await, fits);
    eventually("both are settled", || bus.counters().outbox_len == 0).await;
    let counters = bus.counters();
    assert_eq!((counters.refused, counters.reconnects), (1, 0));
}

fn publish(bus: &Bus, payload: &'static str, retain: bool) {
    bus.publish(Outgoing { retain, ..message("t/1", payload) }).unwrap();
}

/// Payload, whether it is a replay, and whether the broker retains it.
async fn next_flags(deliveries: &mut mpsc::Receiver<Delivery>) -> (String, bool, bool) {
    let delivery = next(deliveries).await;
    delivery.ack.done();
    let payload = String::from_utf8(delivery.payload.to_vec()).unwrap();
    (payload, delivery.replayed, delivery.is_retained)
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn replays_are_told_from_live_messages_that_are_retained() {
    let broker = Broker::start().await;
    let proxy = Proxy::to(&broker).await;
    let (sender, _) = bus::connect(options(broker.port, "s", &[]));
    publish(&sender, "before", true);
    eventually("the broker has it", || sender.counters().acknowledged == 1).await;
    let as_published = vec!["t/+".to_owned()];
    let receiver = Options { as_published, ..options(proxy.port, "r", &["t/+", "u"]) };
    let (receiver, mut deliveries) = bus::connect(receiver);
    let generation = up(&receiver).await;
    let flags = |text: &str, replayed, is_retained| (text.to_owned(), replayed, is_retained);
    assert_eq!(next_flags(&mut deliveries).await, flags("before", true, true));
    publish(&sender, "plain", false);
    assert_eq!(next_flags(&mut deliveries).await, flags("plain", false, false));
    publish(&sender, "retained", true);
    assert_eq!(next_flags(&mut deliveries).await, flags("retained", false, true));
    // The broker keeps the session, and queues.
    proxy.cut();
    down(&receiver).await;
    publish(&sender, "queued", true);
    publish(&sender, "last", false);
    up_after(&receiver, generation).await;
    let mut delivered = next_flags(&mut deliveries).await;
    // If its acknowledgement was lost, it is delivered again.
    if delivered == flags("retained", false, true) {
        delivered = next_flags(&mut deliveries).await;
    }
    assert_eq!(delivered, flags("queued", false, true));
    assert_eq!(next_flags(&mut deliveries).await, flags("last", false, false));
    assert_eq!(next_flags(&mut deliveries).await, flags("queued", true, true));
}
