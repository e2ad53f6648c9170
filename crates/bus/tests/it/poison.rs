//! Messages on which a broker ends the connection.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::{Join, OnRefused, Options, Outgoing, Refusal};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::fake_broker::{FakeBroker, GRANTED};
use crate::support::{eventually, logs, message, options};

const PAYLOAD: &str = "\"poison\"";

/// How the broker ends a connection.
#[derive(Clone, Copy, Debug)]
enum End {
    Close,
    Reset,
    Send(&'static [u8]),
}

/// Acknowledges every message, but ends the connection when one contains `poison`.
struct Closing {
    port: u16,
    connections: Arc<AtomicUsize>,
    /// How often each payload was acknowledged.
    seen: Arc<Mutex<BTreeMap<String, usize>>>,
    task: JoinHandle<()>,
}

impl Closing {
    async fn start(poison: &'static str, end: End) -> Self {
        let (broker, port) = FakeBroker::start().await;
        let (connections, seen) = (Arc::new(AtomicUsize::new(0)), Arc::<Mutex<_>>::default());
        let (count, all) = (Arc::clone(&connections), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            loop {
                count.fetch_add(1, Relaxed);
                serve(&broker, poison, end, &all).await;
            }
        });
        Self { port, connections, seen, task }
    }

    fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }

    fn has_seen(&self, payload: &str) -> bool {
        self.seen.lock().unwrap().contains_key(payload)
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection.
async fn serve(broker: &FakeBroker, poison: &str, end: End, seen: &Mutex<BTreeMap<String, usize>>) {
    let mut peer = broker.accept(None, GRANTED).await;
    while let Some(packet) = peer.receive_or_end().await {
        let Packet::Publish(publish) = packet else { continue };
        let payload = String::from_utf8(publish.payload.to_vec()).unwrap();
        if payload.contains(poison) {
            match end {
                End::Close => peer.close().await,
                End::Reset => peer.stream.set_zero_linger().unwrap(),
                End::Send(bytes) => {
                    peer.stream.write_all(bytes).await.unwrap();
                    peer.close().await;
                }
            }
            return;
        }
        for item in protocol::split_array(payload.as_bytes()).unwrap().0 {
            let item = String::from_utf8(item.to_vec()).unwrap();
            *seen.lock().unwrap().entry(item).or_default() += 1;
        }
        peer.acknowledge(publish.pkid).await;
    }
}

type Refusals = Arc<Mutex<Vec<Refusal>>>;

/// A message that is replaced by `"instead"` when it is given up.
fn replaced(topic: &str, payload: &str, refusals: &Refusals) -> Outgoing {
    let refusals = Arc::clone(refusals);
    let on_refused = OnRefused::new(move |message, refusal| {
        refusals.lock().unwrap().push(refusal);
        Some(Outgoing { payload: "\"instead\"".into(), request_id: None, ..message })
    });
    Outgoing { on_refused: Some(on_refused), ..message(topic, payload.to_owned()) }
}

async fn is_given_up(end: End) -> (Refusal, usize) {
    let broker = Closing::start("poison", end).await;
    let (bus, _deliveries) = bus::connect(options(broker.port, "b", &["t"]));
    let refusals = Refusals::default();
    bus.publish(message("a", "1")).unwrap();
    bus.publish(replaced("b", PAYLOAD, &refusals)).unwrap();
    bus.publish(message("b", "2")).unwrap();
    bus.publish(message("c", "3")).unwrap();
    eventually("the replacement is sent", || broker.has_seen("\"instead\"")).await;
    eventually("everything is settled", || bus.counters().outbox_len == 0).await;
    assert!(["1", "2", "3"].iter().all(|payload| broker.has_seen(payload)), "{end:?}");
    let counters = bus.counters();
    assert_eq!((counters.refused, counters.takeovers), (1, 0), "{end:?}");
    let connections = broker.connections();
    bus.publish(message("a", "4")).unwrap();
    eventually("the connection stays", || broker.has_seen("4")).await;
    assert_eq!(broker.connections(), connections);
    let refusal = refusals.lock().unwrap()[0];
    (refusal, connections)
}

#[tokio::test]
async fn a_message_on_which_the_broker_closes_is_given_up() {
    logs();
    // A packet that cannot be read counts like a close.
    for end in [End::Close, End::Reset, End::Send(&[0xE0, 1, 0x81]), End::Send(&[0xFF; 8])] {
        let (refusal, connections) = is_given_up(end).await;
        assert_eq!(refusal, Refusal::Poisonous, "{end:?}");
        assert!(connections <= 6, "{end:?}: {connections} connections");
    }
}

#[tokio::test]
async fn a_reason_that_is_given_is_handed_back() {
    let (refusal, connections) = is_given_up(End::Send(&[0xE0, 1, 0x95])).await;
    assert!(matches!(refusal, Refusal::TooLarge { max: None, .. }), "{refusal:?}");
    assert!(connections <= 4, "{connections} connections");
    let (refusal, _) = is_given_up(End::Send(&[0xE0, 2, 0x87, 0])).await;
    assert_eq!(refusal, Refusal::NotAuthorized);
}

#[tokio::test]
async fn of_an_array_only_the_poisonous_item_is_given_up() {
    let broker = Closing::start("poison", End::Close).await;
    let (bus, _deliveries) = bus::connect(options(broker.port, "b", &["t"]));
    let refusals = Refusals::default();
    let join = Join::WhenWaiting;
    for number in 0..20 {
        bus.publish(Outgoing { join, ..message("t", number.to_string()) }).unwrap();
    }
    bus.publish(Outgoing { join, ..replaced("t", PAYLOAD, &refusals) }).unwrap();
    for number in 20..40 {
        bus.publish(Outgoing { join, ..message("t", number.to_string()) }).unwrap();
    }
    eventually("all but one are delivered", || bus.counters().outbox_len == 0).await;
    let counters = bus.counters();
    assert_eq!((counters.refused, counters.acknowledged), (1, 41), "the replacement included");
    assert!((0..40).all(|number| broker.has_seen(&number.to_string())));
    assert_eq!(*refusals.lock().unwrap(), [Refusal::Poisonous]);
}

#[tokio::test]
async fn a_broker_that_goes_away_for_its_own_reasons_is_not_blamed_on_a_message() {
    // Server shutting down, keep alive timeout, session taken over, administrative action.
    for bytes in [&[0xE0, 1, 0x8B][..], &[0xE0, 1, 0x8D], &[0xE0, 2, 0x98, 0]] {
        let broker = Closing::start("poison", End::Send(bytes)).await;
        let (bus, _deliveries) = bus::connect(options(broker.port, "b", &["t"]));
        bus.publish(message("b", PAYLOAD)).unwrap();
        eventually("it is sent again and again", || broker.connections() > 7).await;
        assert_eq!((bus.counters().refused, bus.counters().outbox_len), (0, 1));
    }
}

#[tokio::test]
async fn without_that_a_poisonous_message_is_sent_for_ever() {
    let broker = Closing::start("poison", End::Send(&[0xE0, 1, 0x81])).await;
    let keeping = Options { give_up_poison: false, ..options(broker.port, "b", &["t"]) };
    let (bus, _deliveries) = bus::connect(keeping);
    bus.publish(message("b", PAYLOAD)).unwrap();
    eventually("it ends many connections", || broker.connections() > 8).await;
    assert_eq!((bus.counters().refused, bus.counters().outbox_len), (0, 1));
}

/// Each connection breaks before its time, whatever was sent on it.
#[tokio::test]
async fn a_link_that_breaks_again_and_again_loses_no_message() {
    let (mut broker, port) = FakeBroker::start().await;
    // Otherwise it looks like a takeover, and the bus slows down.
    broker.session_present = false;
    let (bus, _deliveries) = bus::connect(options(port, "b", &["t"]));
    for number in 0..3 {
        bus.publish(message("out", number.to_string())).unwrap();
    }
    for round in 0..12 {
        let peer = broker.accept(None, GRANTED).await;
        sleep(Duration::from_millis(if round % 2 == 0 { 0 } else { 100 })).await;
        peer.stream.set_zero_linger().unwrap();
    }
    let mut peer = broker.accept(None, GRANTED).await;
    for number in 0..3 {
        let publish = peer.publish().await;
        assert_eq!(publish.payload, number.to_string());
        peer.acknowledge(publish.pkid).await;
    }
    eventually("all are settled", || bus.counters().outbox_len == 0).await;
    assert_eq!(bus.counters().refused, 0);
}

/// How a broker answers what is published on `answers`.
type Answer = fn(&Publish) -> Option<u8>;

/// Until a question is acknowledged the broker delivers it on every connection, and each time it is
/// answered with another copy. The broker answers with a reason code, and then closes if that is an
/// error; without one it only closes. Returns the number of connections until the acknowledgement.
async fn connections_until_acknowledged(answer: Answer, on_refused: bool) -> usize {
    let (broker, port) = FakeBroker::start().await;
    let (bus, mut deliveries) = bus::connect(options(port, "b", &["t"]));
    let answers = tokio::spawn(async move {
        let refusals = Refusals::default();
        let mut number = 0;
        while let Some(question) = deliveries.recv().await {
            number += 1;
            let payload = format!("{{\"request_id\":\"7\",\"n\":{number},\"postos\":[1,2,3]}}");
            let mut reply = replaced("answers", &payload, &refusals);
            reply.request_id = Some("7".parse().unwrap());
            reply.acknowledges = Some(question.ack.after_answer());
            reply.on_refused = reply.on_refused.filter(|_| on_refused);
            bus.publish(reply).unwrap();
        }
    });
    for connections in 1..12 {
        let mut peer = broker.accept(None, GRANTED).await;
        let mut question = Publish::new("t", QoS::AtLeastOnce, "1", None);
        question.pkid = 30;
        peer.send(Packet::Publish(question)).await;
        while let Some(packet) = peer.receive_or_end().await {
            match packet {
                Packet::Publish(reply) => {
                    let Some(code) = answer(&reply) else { break };
                    let [high, low] = reply.pkid.to_be_bytes();
                    peer.stream.write_all(&[0x40, 3, high, low, code]).await.unwrap();
                    if code >= 0x80 {
                        break;
                    }
                }
                Packet::PubAck(ack) if ack.pkid == 30 => {
                    answers.abort();
                    return connections;
                }
                _ => {}
            }
        }
    }
    panic!("the question is never acknowledged");
}

#[tokio::test]
async fn a_question_whose_answer_ends_connections_is_acknowledged_in_the_end() {
    let only_instead: Answer = |reply| (reply.payload == "\"instead\"").then_some(0);
    let connections = connections_until_acknowledged(only_instead, true).await;
    assert!(connections <= 6, "{connections} connections");
}

/// As Mosquitto 2.0.11 does with `max_queued_messages 0`.
#[tokio::test]
async fn a_question_whose_answer_is_refused_with_a_close_is_acknowledged_in_the_end() {
    let not_authorized: Answer = |_| Some(0x87);
    assert_eq!(connections_until_acknowledged(not_authorized, false).await, 2);
}
