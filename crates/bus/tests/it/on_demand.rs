//! Subscriptions that come and go.

use std::time::Duration;

use bus::{Options, Received, Subscription};
use bytes::BytesMut;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Packet, Publish, SubAck, SubscribeReasonCode, UnsubAck, UnsubAckReason,
};
use tokio::time::timeout;

use crate::fake_broker::{FakeBroker, GRANTED, Peer};
use crate::support::{
    Broker, TEST_TIMEOUT, down, eventually, message, next_text, options, up, up_after,
};

const ALL: &str = "pontos/+/status";
const ONE: &str = "pontos/5/status";

/// A program `b` that may listen to [`ALL`], and always receives `t`.
fn listener(port: u16) -> Options {
    Options { on_demand: vec![ALL.to_owned()], ..options(port, "b", &["t"]) }
}

async fn received(subscription: &mut Subscription) -> Received {
    timeout(TEST_TIMEOUT, subscription.next())
        .await
        .expect("something arrives")
        .expect("it listens")
}

fn message_of(topic: &str, payload: &'static str) -> Received {
    Received::Message(topic.into(), payload.into())
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn nothing_is_sent_to_one_that_does_not_listen() {
    let broker = Broker::start().await;
    let (bus, mut deliveries) = bus::connect(listener(broker.port));
    let (sender, _) = bus::connect(options(broker.port, "s", &[]));
    up(&bus).await;
    let mut marker = async || {
        sender.publish(message("t", "marker")).unwrap();
        next_text(&mut deliveries).await
    };
    sender.publish(message(ONE, "1")).unwrap();
    marker().await;
    assert_eq!(bus.counters().received, 1, "the marker");

    let mut all = bus.subscribe(ALL, 9);
    let mut one = bus.subscribe(ONE, 9);
    assert_eq!(received(&mut all).await, Received::Gap, "the broker has it now");
    assert_eq!(received(&mut one).await, Received::Gap);
    sender.publish(message("pontos/6/status", "2")).unwrap();
    assert_eq!(received(&mut all).await, message_of("pontos/6/status", "2"));
    drop(one);
    let mut again = bus.subscribe(ALL, 9);
    assert_eq!(received(&mut again).await, Received::Gap, "at once: the broker has it already");
    drop(all);
    sender.publish(message("pontos/7/status", "3")).unwrap();
    assert_eq!(received(&mut again).await, message_of("pontos/7/status", "3"));
    drop(again);
    eventually_deaf(&bus, &sender, &mut marker).await;
}

/// Waits until the broker sends nothing of [`ALL`] any more.
async fn eventually_deaf(
    bus: &bus::Bus,
    sender: &bus::Bus,
    marker: &mut impl AsyncFnMut() -> String,
) {
    for _ in 0..200 {
        let before = bus.counters().received;
        sender.publish(message(ONE, "x")).unwrap();
        marker().await;
        // The broker sends to one client in the order of arrival.
        if bus.counters().received == before + 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it is still subscribed");
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_broker_that_restarts_is_asked_again() {
    let mut broker = Broker::start().await;
    let (bus, _deliveries) = bus::connect(listener(broker.port));
    let (sender, _) = bus::connect(options(broker.port, "s", &[]));
    let mut subscription = bus.subscribe(ALL, 9);
    let mut generation = up(&bus).await;
    assert_eq!(received(&mut subscription).await, Received::Gap);
    for _ in 0..2 {
        broker.kill().await;
        down(&bus).await;
        // Nobody else's filter is asked for again.
        drop(bus.subscribe("pontos/9/status", 1));
        broker.resume().await;
        generation = up_after(&bus, generation).await;
        assert_eq!(received(&mut subscription).await, Received::Gap);
        sender.publish(message(ONE, "1")).unwrap();
        assert_eq!(received(&mut subscription).await, message_of(ONE, "1"));
    }
}

/// The session of the program that was killed still has its subscriptions.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn what_an_earlier_run_listened_to_is_ended() {
    let broker = Broker::start().await;
    let (sender, _) = bus::connect(options(broker.port, "s", &[]));
    let (bus, _deliveries) = bus::connect(listener(broker.port));
    let mut subscription = bus.subscribe(ALL, 9);
    assert_eq!(received(&mut subscription).await, Received::Gap);
    // As by SIGKILL: without a word to the broker.
    drop(subscription);
    drop(bus);
    let (bus, mut deliveries) = bus::connect(listener(broker.port));
    up(&bus).await;
    let mut marker = async || {
        sender.publish(message("t", "marker")).unwrap();
        next_text(&mut deliveries).await
    };
    eventually_deaf(&bus, &sender, &mut marker).await;
}

async fn answer_subscribe(peer: &mut Peer, answer: SubscribeReasonCode) -> Vec<String> {
    let Packet::Subscribe(subscribe) = peer.receive().await else { panic!("SUBSCRIBE comes") };
    let return_codes = vec![answer; subscribe.filters.len()];
    let suback = SubAck { pkid: subscribe.pkid, return_codes, properties: None };
    peer.send(Packet::SubAck(suback)).await;
    subscribe.filters.into_iter().map(|filter| filter.path).collect()
}

#[tokio::test]
async fn a_refusal_ends_no_connection_and_is_a_gap() {
    let (broker, port) = FakeBroker::start().await;
    let (bus, _deliveries) = bus::connect(listener(port));
    let mut peer = broker.accept(None, GRANTED).await;
    up(&bus).await;
    let mut refused = bus.subscribe(ONE, 9);
    assert_eq!(answer_subscribe(&mut peer, SubscribeReasonCode::NotAuthorized).await, [ONE]);
    assert_eq!(received(&mut refused).await, Received::Gap);
    drop(refused);
    let Packet::Unsubscribe(unsubscribe) = peer.receive().await else {
        panic!("UNSUBSCRIBE comes")
    };
    assert_eq!(unsubscribe.filters, [ONE]);
    let reasons = vec![UnsubAckReason::NoSubscriptionExisted];
    let unsuback = UnsubAck { pkid: unsubscribe.pkid, reasons, properties: None };
    peer.send(Packet::UnsubAck(unsuback)).await;
    let mut granted = bus.subscribe(ONE, 9);
    assert_eq!(answer_subscribe(&mut peer, GRANTED).await, [ONE]);
    assert_eq!(received(&mut granted).await, Received::Gap);
    assert!(bus.is_up() && bus.counters().reconnects == 0);
}

/// However many come, the connection takes them and acknowledges each.
#[tokio::test]
async fn who_does_not_read_holds_up_nobody() {
    let (broker, port) = FakeBroker::start().await;
    let (bus, _deliveries) = bus::connect(listener(port));
    let mut peer = broker.accept(None, GRANTED).await;
    let mut slow = bus.subscribe(ALL, 4);
    assert_eq!(answer_subscribe(&mut peer, GRANTED).await, [ALL]);
    assert_eq!(received(&mut slow).await, Received::Gap);
    let mut bytes = BytesMut::new();
    for pkid in 1..=1000 {
        let mut publish = Publish::new(ONE, QoS::AtLeastOnce, "1", None);
        publish.pkid = pkid;
        Packet::Publish(publish).write(&mut bytes, None).unwrap();
    }
    tokio::io::AsyncWriteExt::write_all(&mut peer.stream, &bytes).await.unwrap();
    for pkid in 1..=1000 {
        let Packet::PubAck(ack) = peer.receive().await else { panic!("PUBACK comes") };
        assert_eq!(ack.pkid, pkid);
    }
    assert_eq!(received(&mut slow).await, Received::Gap);
    let mut publish = Publish::new(ONE, QoS::AtLeastOnce, "2", None);
    publish.pkid = 1001;
    peer.send(Packet::Publish(publish)).await;
    assert_eq!(received(&mut slow).await, message_of(ONE, "2"));
    eventually("all are counted", || bus.counters().received == 1001).await;
}
