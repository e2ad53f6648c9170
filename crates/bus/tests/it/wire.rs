//! Packet by packet, with the test as the broker: for what a real one does rarely or never.

use std::time::Duration;

use bus::{Bus, Delivery, Link, Options};
use bytes::BytesMut;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnAckProperties, ConnectReturnCode, Packet, PubAck, Publish, SubAck,
    SubscribeReasonCode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{PATIENCE, down, eventually, message, next, options, presence, up};

const GRANTED: SubscribeReasonCode = SubscribeReasonCode::Success(QoS::AtLeastOnce);

// DISCONNECT packets with empty properties. The standard allows the short form without them, but
// the library takes that for the beginning of a packet, and writes it wrongly itself.
const SESSION_TAKEN_OVER: [u8; 4] = [0xE0, 2, 0x8E, 0];
const SERVER_SHUTTING_DOWN: [u8; 4] = [0xE0, 2, 0x8B, 0];

/// The broker's end of one connection.
struct Peer {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Peer {
    /// The next packet; pings are skipped.
    async fn receive(&mut self) -> Packet {
        loop {
            match Packet::read(&mut self.buffer, None) {
                Ok(Packet::PingReq(_)) => continue,
                Ok(packet) => return packet,
                Err(_) => {}
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
            assert!(read.expect("a packet comes").unwrap() > 0, "the client closed the connection");
        }
    }

    async fn publish(&mut self) -> Publish {
        match self.receive().await {
            Packet::Publish(publish) => publish,
            other => panic!("{other:?} instead of a PUBLISH"),
        }
    }

    async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, None).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
    }

    async fn acknowledge(&mut self, pkid: u16) {
        self.send(Packet::PubAck(PubAck::new(pkid, None))).await;
    }

    async fn is_silent(&mut self) -> bool {
        assert!(self.buffer.is_empty(), "something was sent before");
        let wait = self.stream.read_buf(&mut self.buffer);
        timeout(Duration::from_millis(200), wait).await.is_err()
    }
}

struct FakeBroker(TcpListener);

impl FakeBroker {
    async fn start() -> (Self, u16) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (Self(listener), port)
    }

    /// Lets the client connect, and answers its subscriptions.
    async fn accept(&self, receive_max: Option<u16>, answer: SubscribeReasonCode) -> Peer {
        let accepted = timeout(PATIENCE, self.0.accept()).await;
        let (stream, _) = accepted.expect("the client connects").unwrap();
        let buffer = BytesMut::new();
        let mut peer = Peer { stream, buffer };
        assert!(matches!(peer.receive().await, Packet::Connect(..)));
        let connack = ConnAck {
            session_present: true,
            code: ConnectReturnCode::Success,
            properties: receive_max.map(receive_maximum),
        };
        peer.send(Packet::ConnAck(connack)).await;
        let Packet::Subscribe(subscribe) = peer.receive().await else {
            panic!("SUBSCRIBE comes first");
        };
        let suback = SubAck {
            pkid: subscribe.pkid,
            return_codes: vec![answer; subscribe.filters.len()],
            properties: None,
        };
        peer.send(Packet::SubAck(suback)).await;
        peer
    }
}

fn receive_maximum(receive_max: u16) -> ConnAckProperties {
    ConnAckProperties {
        session_expiry_interval: None,
        receive_max: Some(receive_max),
        max_qos: None,
        retain_available: None,
        max_packet_size: None,
        assigned_client_identifier: None,
        topic_alias_max: None,
        reason_string: None,
        user_properties: Vec::new(),
        wildcard_subscription_available: None,
        subscription_identifiers_available: None,
        shared_subscription_available: None,
        server_keep_alive: None,
        response_information: None,
        server_reference: None,
        authentication_method: None,
        authentication_data: None,
    }
}

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
async fn the_birth_comes_after_the_subscriptions_and_the_will_has_the_same_start() {
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

    let closing = tokio::spawn(async move { bus.close(PATIENCE).await });
    let offline = peer.publish().await;
    assert_eq!((offline.retain, &*offline.payload), (true, format!("offline {since}").as_bytes()));
    peer.acknowledge(offline.pkid).await;
    let goodbye = peer.stream.read_buf(&mut peer.buffer).await.unwrap();
    assert_eq!((goodbye, &peer.buffer[..]), (2, &[0xE0, 0][..]), "a normal DISCONNECT");
    closing.await.unwrap();
}

#[tokio::test]
async fn a_takeover_that_the_broker_reports_counts_the_second_time() {
    let (broker, port) = FakeBroker::start().await;
    let (bus, _deliveries) = bus::connect(options(port, "b", &["t"]));
    for round in 0..2 {
        let mut peer = broker.accept(None, GRANTED).await;
        up(&bus).await;
        assert_eq!(bus.counters().takeovers, 0, "round {round}");
        peer.stream.write_all(&SESSION_TAKEN_OVER).await.unwrap();
        down(&bus).await;
    }
    eventually("the takeover is counted", || bus.counters().takeovers == 1).await;
    let again = timeout(Duration::from_secs(2), broker.0.accept()).await;
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
