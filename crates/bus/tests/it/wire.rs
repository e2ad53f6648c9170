//! Packet by packet, with the test as the broker: for what a real one does rarely or never.

use std::time::Duration;

use bus::{Bus, Delivery, Link, Options, Outgoing};
use bytes::BytesMut;
use protocol::Timestamp;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAck, Publish, SubscribeReasonCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::fake_broker::{FakeBroker, GRANTED, Peer};
use crate::support::{TEST_TIMEOUT, down, eventually, message, next, options, presence, up};

// DISCONNECT packets, with empty properties and in the short form without them.
const SESSION_TAKEN_OVER: [&[u8]; 2] = [&[0xE0, 2, 0x8E, 0], &[0xE0, 1, 0x8E]];
const SERVER_SHUTTING_DOWN: [u8; 3] = [0xE0, 1, 0x8B];

async fn connected(receive_max: Option<u16>) -> (Peer, Bus, mpsc::Receiver<Delivery>) {
    let (broker, port) = FakeBroker::start().await;
    let (bus, deliveries) = bus::connect(options(port, "b", &["t"]));
    let peer = broker.accept(receive_max, GRANTED).await;
    up(&bus).await;
    (peer, bus, deliveries)
}

#[tokio::test]
async fn deliveries_are_acknowledged_in_order_of_arrival() {
    let (mut peer, _bus, mut deliveries) = connected(None).await;
    let mut taken = Vec::new();
    for pkid in [30, 10, 20] {
        let mut publish = Publish::new("t", QoS::AtLeastOnce, "1", None);
        publish.pkid = pkid;
        peer.send(Packet::Publish(publish)).await;
        taken.push(next(&mut deliveries).await);
    }
    taken.pop().unwrap().ack.done();
    taken.pop().unwrap().ack.done();
    assert!(peer.is_silent().await, "the first is still open");
    taken.pop().unwrap().ack.done();
    for pkid in [30, 10, 20] {
        assert_eq!(peer.receive().await, Packet::PubAck(PubAck::new(pkid, None)));
    }
}

#[tokio::test]
async fn keeps_within_the_receive_maximum_and_takes_answers_in_any_order() {
    let (mut peer, bus, _deliveries) = connected(Some(3)).await;
    for number in 0..30 {
        bus.publish(message(&format!("out/{number}"), "1")).unwrap();
    }
    for _ in 0..10 {
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(peer.publish().await.pkid);
        }
        assert!(peer.is_silent().await, "no more than the limit is in flight");
        for pkid in open.into_iter().rev() {
            peer.acknowledge(pkid).await;
        }
    }
    eventually("all is settled", || bus.counters().outbox_len == 0).await;
    assert_eq!((bus.counters().acknowledged, bus.counters().reconnects), (30, 0));
}

#[tokio::test]
async fn a_refused_subscription_is_tried_again_and_is_not_up() {
    let (broker, port) = FakeBroker::start().await;
    let (bus, _deliveries) = bus::connect(options(port, "b", &["t"]));
    for _ in 0..2 {
        let mut peer = broker.accept(None, SubscribeReasonCode::NotAuthorized).await;
        let end = peer.stream.read_buf(&mut peer.buffer).await;
        assert_eq!(end.unwrap_or(0), 0, "the client closes the connection");
        assert!(!bus.is_up());
    }
    let _peer = broker.accept(None, GRANTED).await;
    up(&bus).await;
    assert_eq!(bus.counters().takeovers, 0);
}

#[tokio::test]
async fn the_birth_comes_after_the_subscriptions_and_a_clean_end_says_since_when() {
    let (broker, port) = FakeBroker::start().await;
    let with_presence = Options { presence: Some(presence("p")), ..options(port, "b", &["t"]) };
    let (bus, _deliveries) = bus::connect(with_presence);
    let mut peer = broker.accept(None, GRANTED).await;
    let birth = peer.publish().await;
    up(&bus).await;
    let Link::Up { since, .. } = *bus.link().borrow() else {
        panic!("the link is up");
    };
    assert_eq!(birth.payload, format!("online {since}"));
    assert!(birth.retain);
    peer.acknowledge(birth.pkid).await;

    tokio::time::sleep(Duration::from_millis(5)).await;
    let closing = tokio::spawn(async move { bus.close(TEST_TIMEOUT).await });
    let offline = peer.publish().await;
    let text = std::str::from_utf8(&offline.payload).expect("UTF-8");
    let end: Timestamp = text.strip_prefix("offline ").expect("its kind").parse().expect("a time");
    assert!(offline.retain && end > since, "{text}, online since {since}");
    peer.acknowledge(offline.pkid).await;
    let goodbye = peer.stream.read_buf(&mut peer.buffer).await.unwrap();
    assert_eq!((goodbye, &peer.buffer[..]), (2, &[0xE0, 0][..]), "a normal DISCONNECT");
    closing.await.unwrap();
}

#[tokio::test]
async fn a_takeover_that_the_broker_reports_counts_the_second_time() {
    let (broker, port) = FakeBroker::start().await;
    let (bus, _deliveries) = bus::connect(options(port, "b", &["t"]));
    for packet in SESSION_TAKEN_OVER {
        let mut peer = broker.accept(None, GRANTED).await;
        up(&bus).await;
        assert_eq!(bus.counters().takeovers, 0);
        peer.stream.write_all(packet).await.unwrap();
        down(&bus).await;
    }
    eventually("the takeover is counted", || bus.counters().takeovers == 1).await;
    let again = timeout(Duration::from_secs(2), broker.listener.accept()).await;
    assert!(again.is_err(), "it slows down");
}

#[tokio::test]
async fn a_puback_read_before_the_connection_broke_still_counts() {
    let (mut peer, bus, _deliveries) = connected(None).await;
    bus.publish(message("out", "1")).unwrap();
    let publish = peer.publish().await;
    let mut last_packets = BytesMut::new();
    PubAck::new(publish.pkid, None).write(&mut last_packets).unwrap();
    last_packets.extend_from_slice(&SERVER_SHUTTING_DOWN);
    peer.stream.write_all(&last_packets).await.unwrap();
    down(&bus).await;
    eventually("the PUBACK counts", || bus.counters().outbox_len == 0).await;
    assert_eq!(bus.counters().acknowledged, 1);
}

#[tokio::test]
async fn a_suback_with_the_id_of_a_message_loses_no_message() {
    let (broker, port) = FakeBroker::start().await;
    let (bus, _deliveries) = bus::connect(options(port, "b", &["t"]));
    let mut peer = broker.accept(None, GRANTED).await;
    bus.publish(message("out", "1")).unwrap();
    let publish = peer.publish().await;
    let [high, low] = publish.pkid.to_be_bytes();
    peer.stream.write_all(&[0x90, 4, high, low, 0, 1]).await.unwrap();
    let mut peer = broker.accept(None, GRANTED).await;
    assert_eq!(peer.publish().await.topic, "out");
}

#[tokio::test]
async fn a_refused_answer_acknowledges_what_it_answers() {
    let (mut peer, bus, mut deliveries) = connected(None).await;
    let mut question = Publish::new("t", QoS::AtLeastOnce, "1", None);
    question.pkid = 30;
    peer.send(Packet::Publish(question)).await;
    let ack = next(&mut deliveries).await.ack;
    let answer = Outgoing { acknowledges: Some(ack.after_answer()), ..message("out", "2") };
    bus.publish(answer).unwrap();
    let [high, low] = peer.publish().await.pkid.to_be_bytes();
    // A code that the MQTT library does not know in a PUBACK.
    peer.stream.write_all(&[0x40, 3, high, low, 0x95]).await.unwrap();
    assert_eq!(peer.receive().await, Packet::PubAck(PubAck::new(30, None)));
    assert_eq!((bus.counters().refused, bus.counters().outbox_len), (1, 0));
}

#[tokio::test]
async fn a_broker_that_closes_on_the_presence_is_said() {
    let (broker, port) = FakeBroker::start().await;
    let with_presence = Options { presence: Some(presence("p")), ..options(port, "b", &["t"]) };
    let (bus, _deliveries) = bus::connect(with_presence);
    let mut peer = broker.accept(None, GRANTED).await;
    peer.publish().await;
    drop(peer);
    let problem = || bus.last_problem().unwrap_or_default();
    eventually("the presence is named", || problem().contains("the presence on p was not")).await;
}

/// A denial after which a redelivered command was carried out would be a false one.
#[tokio::test]
async fn what_follows_an_acknowledgement_is_not_sent_on_a_later_connection() {
    let (broker, port) = FakeBroker::start().await;
    let (bus, mut deliveries) = bus::connect(options(port, "follower", &["in"]));
    let mut peer = broker.accept(None, GRANTED).await;
    let command = Publish {
        pkid: 7,
        qos: QoS::AtLeastOnce,
        topic: "in".into(),
        payload: "1".into(),
        ..Publish::default()
    };
    peer.send(Packet::Publish(command.clone())).await;
    let sent = next(&mut deliveries).await.ack.sent().await.expect("it is sent");
    bus.publish(Outgoing { follows: Some(sent), ..message("out", "in flight") }).unwrap();
    assert!(matches!(peer.receive().await, Packet::PubAck(ack) if ack.pkid == 7));
    assert_eq!(peer.publish().await.payload, "in flight");
    peer.send(Packet::Publish(command)).await;
    let sent = next(&mut deliveries).await.ack.sent().await.expect("it is sent");
    drop(peer);
    let mut peer = broker.accept(None, GRANTED).await;
    bus.publish(Outgoing { follows: Some(sent), ..message("out", "waiting") }).unwrap();
    bus.publish(message("out", "last")).unwrap();
    assert_eq!(peer.publish().await.payload, "last");
    assert!(peer.is_silent().await);
    assert_eq!(bus.counters().expired, 2);
}

/// At this rate the packet takes longer than an answer may take otherwise.
#[tokio::test]
async fn a_long_packet_on_a_slow_link_is_waited_for() {
    const LENGTH: usize = 2 << 20;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(8).unwrap();
    let broker = FakeBroker { listener, session_present: true, subscription_identifiers: None };
    let port = broker.listener.local_addr().unwrap().port();
    let (bus, _deliveries) = bus::connect(options(port, "slow", &["in"]));
    let mut peer = broker.accept(None, GRANTED).await;
    up(&bus).await;
    let payload = format!("\"{}\"", "x".repeat(LENGTH));
    bus.publish(message("out", payload.clone())).unwrap();
    while peer.buffer.len() < LENGTH {
        let mut chunk = (&mut peer.stream).take(LENGTH as u64 / 180);
        let read = timeout(TEST_TIMEOUT, chunk.read_buf(&mut peer.buffer)).await;
        assert!(read.expect("more of it comes").unwrap() > 0, "the connection was given up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let long = peer.publish().await;
    assert_eq!(long.payload, payload);
    peer.acknowledge(long.pkid).await;
    eventually("it is acknowledged", || bus.counters().acknowledged == 1).await;
    assert_eq!(bus.counters().reconnects, 0);
}

#[tokio::test]
async fn a_broker_without_subscription_identifiers_is_subscribed_to_once() {
    let (mut broker, port) = FakeBroker::start().await;
    broker.subscription_identifiers = Some(0);
    let as_published = vec!["t".to_owned()];
    let (bus, mut deliveries) =
        bus::connect(Options { as_published, ..options(port, "b", &["t"]) });
    let mut peer = broker.accept(None, GRANTED).await;
    up(&bus).await;
    let replay = Publish { topic: "t".into(), retain: true, ..Publish::default() };
    peer.send(Packet::Publish(replay)).await;
    assert!(next(&mut deliveries).await.replayed);
}
