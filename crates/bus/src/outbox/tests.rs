mod allowed_arrays;

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use opentelemetry::global;
use opentelemetry::trace::Tracer as _;
use protocol::MAX_ARRAY;
use tokio::time::Instant;

use super::{Batch, Blame, GivenUp, MAX_ARRAY_BYTES, MAX_PACKET, Outbox};
use crate::trace::MAX_PROPERTY;
use crate::{BusError, Join, MessageTrace, Outgoing, Refusal};

fn message(topic: &str, payload: &str, join: Join) -> Outgoing {
    let correlation = Some(Bytes::from_static(b"id"));
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    Outgoing { correlation, join, ..Outgoing::new(topic, payload) }
}

fn outbox_with(messages: impl IntoIterator<Item = Outgoing>) -> Outbox {
    let mut outbox = Outbox::new(100_000);
    for message in messages {
        outbox.push(message).unwrap();
    }
    outbox
}

fn take_all(outbox: &mut Outbox) -> Vec<Bytes> {
    let mut payloads = Vec::new();
    while let (Some(batch), _) = outbox.take(Instant::now(), MAX_ARRAY_BYTES, true) {
        payloads.push(batch.payload());
        outbox.settle(batch);
    }
    payloads
}

#[test]
fn alone_a_message_is_sent_as_it_is_and_together_as_an_array() {
    let mut outbox = outbox_with([message("t", "1", Join::WhenWaiting)]);
    assert_eq!(take_all(&mut outbox), ["1"]);
    let mut outbox = outbox_with(["1", "2", "3"].map(|one| message("t", one, Join::WhenWaiting)));
    assert_eq!(take_all(&mut outbox), ["[1,2,3]"]);
    let mut outbox = outbox_with([message("t", "1", Join::Always)]);
    assert_eq!(take_all(&mut outbox), ["[1]"]);
    let mut outbox = outbox_with(["1", "2"].map(|one| message("t", one, Join::Never)));
    assert_eq!(take_all(&mut outbox), ["1", "2"]);
    assert_eq!(outbox.len(), 0);
}

#[test]
fn a_message_that_is_sent_alone_keeps_its_place() {
    let mut outbox = outbox_with([
        message("t", "1", Join::WhenWaiting),
        message("t", "2", Join::Never),
        message("t", "3", Join::WhenWaiting),
        message("t", "4", Join::Always),
    ]);
    assert_eq!(take_all(&mut outbox), ["1", "2", "[3,4]"]);
}

#[test]
fn two_packets_of_a_topic_are_in_flight_and_the_rest_is_collected() {
    let mut outbox = outbox_with([]);
    let mut in_flight = Vec::new();
    for number in 0..9 {
        outbox.push(message("t", &number.to_string(), Join::WhenWaiting)).unwrap();
        in_flight.extend(outbox.take(Instant::now(), MAX_ARRAY_BYTES, true).0);
    }
    assert_eq!(in_flight.len(), 2);
    outbox.settle(in_flight.remove(0));
    let (batch, _) = outbox.take(Instant::now(), MAX_ARRAY_BYTES, true);
    assert_eq!(batch.unwrap().payload(), "[2,3,4,5,6,7,8]");
}

#[test]
fn an_array_stays_within_its_bounds() {
    let count = MAX_ARRAY + 10;
    let mut outbox = outbox_with((0..count).map(|_| message("t", "1", Join::WhenWaiting)));
    let (first, _) = outbox.take(Instant::now(), MAX_ARRAY_BYTES, true);
    assert_eq!(first.unwrap().items.len(), MAX_ARRAY);

    let big = "x".repeat(MAX_ARRAY_BYTES / 3);
    let mut outbox = outbox_with((0..4).map(|_| message("t", &big, Join::WhenWaiting)));
    let payloads = take_all(&mut outbox);
    assert_eq!(payloads.len(), 2);
    assert!(payloads.iter().all(|payload| payload.len() <= MAX_ARRAY_BYTES));
}

#[test]
fn topics_take_turns() {
    let mut outbox = outbox_with([
        message("a", "1", Join::Never),
        message("a", "2", Join::Never),
        message("b", "3", Join::Never),
    ]);
    assert_eq!(take_all(&mut outbox), ["1", "3", "2"]);
}

#[test]
fn an_answer_does_not_wait_behind_events() {
    let soon = Some(Instant::now() + Duration::from_secs(10));
    let mut outbox = outbox_with([
        message("event/1", "1", Join::Never),
        message("event/2", "2", Join::Never),
        Outgoing { expires_at: soon, ..message("answers", "3", Join::Never) },
        Outgoing { expires_at: soon, ..message("answers", "4", Join::Never) },
    ]);
    assert_eq!(take_all(&mut outbox), ["3", "4", "1", "2"]);
}

#[test]
fn more_than_half_full_it_is_crowded_until_messages_are_sent_or_given_up() {
    let mut outbox = Outbox::new(4);
    let soon = Instant::now() + Duration::from_secs(10);
    for _ in 0..3 {
        assert!(outbox.capacity_freed().is_none());
        let message = Outgoing { expires_at: Some(soon), ..message("t", "1", Join::Never) };
        outbox.push(message).unwrap();
    }
    let mut freed = pin!(outbox.capacity_freed().expect("it is crowded"));
    assert!(freed.as_mut().now_or_never().is_none());
    let (batch, _) = outbox.take(Instant::now(), MAX_ARRAY_BYTES, true);
    assert!(outbox.capacity_freed().is_some(), "the broker may not have it");
    outbox.settle(batch.expect("a packet"));
    assert!(outbox.capacity_freed().is_none() && freed.now_or_never().is_some());
    outbox.push(message("u", "1", Join::Never)).unwrap();
    assert!(outbox.capacity_freed().is_some());
    assert_eq!(outbox.purge(soon), 2);
    assert!(outbox.capacity_freed().is_none());
}

#[test]
fn only_commands_of_one_expiry_are_joined() {
    let now = Instant::now();
    let in_secs = |payload: &str, seconds: u64| Outgoing {
        expires_at: Some(now + Duration::from_secs(seconds)),
        ..message("t", payload, Join::WhenWaiting)
    };
    let mut outbox = outbox_with([in_secs("1", 10), in_secs("2", 10), in_secs("3", 5)]);
    let (batch, _) = outbox.take(now, MAX_ARRAY_BYTES, true);
    let batch = batch.unwrap();
    assert_eq!((batch.payload(), batch.expiry_seconds), (Bytes::from("[1,2]"), Some(9)));
    let (batch, _) = outbox.take(now, MAX_ARRAY_BYTES, true);
    let batch = batch.unwrap();
    assert_eq!((batch.payload(), batch.expiry_seconds), (Bytes::from("3"), Some(4)));
}

#[test]
fn what_has_expired_is_neither_sent_nor_kept() {
    let now = Instant::now();
    let expired_message =
        || Outgoing { expires_at: Some(now), ..message("t", "1", Join::WhenWaiting) };
    let mut outbox = outbox_with([expired_message(), message("t", "2", Join::WhenWaiting)]);
    let (batch, expired) = outbox.take(now, MAX_ARRAY_BYTES, true);
    assert_eq!((batch.unwrap().payload(), expired), (Bytes::from("2"), 1));

    let mut outbox = outbox_with([expired_message()]);
    assert_eq!(outbox.purge(now), 1);
    assert_eq!(outbox.len(), 0);
    assert!(outbox.take(now, MAX_ARRAY_BYTES, true).0.is_none());
}

#[test]
fn what_was_in_flight_is_sent_first_and_in_order() {
    let mut outbox =
        outbox_with([message("a", "1", Join::WhenWaiting), message("b", "2", Join::Never)]);
    let mut in_flight = Vec::new();
    while let (Some(batch), _) = outbox.take(Instant::now(), MAX_ARRAY_BYTES, true) {
        in_flight.push((batch, Instant::now()));
    }
    outbox.push(message("a", "3", Join::Never)).unwrap();
    outbox.push(message("b", "4", Join::Never)).unwrap();
    assert!(outbox.put_back(in_flight, None, Instant::now()).is_none());
    let mut payloads = take_all(&mut outbox);
    payloads.sort();
    assert_eq!(payloads, ["1", "2", "3", "4"]);
    assert_eq!(outbox.len(), 0);
    assert!(outbox.topics.is_empty(), "idle topics are forgotten");
}

#[test]
fn refuses_what_it_cannot_hold_or_send() {
    let mut outbox = Outbox::new(1);
    for topic in ["", "a/+", "a/#"] {
        assert_eq!(outbox.push(message(topic, "1", Join::Never)), Err(BusError::InvalidTopic));
    }
    let huge = message("t", &"x".repeat(MAX_PACKET), Join::Never);
    assert_eq!(outbox.push(huge), Err(BusError::TooLarge));
    assert_eq!(outbox.push(message("t", "1", Join::Never)), Ok(true));
    assert_eq!(outbox.push(message("t", "1", Join::Never)), Err(BusError::Full));
    outbox.close();
    assert_eq!(outbox.push(message("t", "1", Join::Never)), Err(BusError::Closed));
    assert_eq!(take_all(&mut outbox), ["1"]);
}

const CLOSED: Option<Blame> = Some(Blame { code: None });

/// Sends everything that may be sent, and loses the connection.
fn lose(outbox: &mut Outbox, blame: Option<Blame>) -> (Vec<Bytes>, Option<GivenUp>) {
    let now = Instant::now();
    let mut in_flight = Vec::new();
    while let (Some(batch), _) = outbox.take(now, MAX_ARRAY_BYTES, in_flight.is_empty()) {
        in_flight.push((batch, now));
    }
    let payloads = in_flight.iter().map(|(batch, _)| batch.payload()).collect();
    (payloads, outbox.put_back(in_flight, blame, now))
}

#[test]
fn after_two_ends_in_a_row_a_packet_is_sent_alone_and_after_three_more_given_up() {
    let mut outbox = outbox_with([message("a", "1", Join::Never), message("b", "2", Join::Never)]);
    for _ in 0..2 {
        let (sent, given_up) = lose(&mut outbox, CLOSED);
        assert_eq!((sent, given_up.is_none()), (vec!["1".into(), "2".into()], true));
    }
    for round in 1..=3 {
        let (sent, given_up) = lose(&mut outbox, CLOSED);
        assert_eq!(sent, ["1"]);
        let payload = given_up.map(|one| (one.message.payload, one.refusal));
        assert_eq!(payload, (round == 3).then(|| ("1".into(), Refusal::Poisonous)));
    }
    let (batch, _) = outbox.take(Instant::now(), MAX_ARRAY_BYTES, true);
    assert_eq!(batch.as_ref().map(Batch::payload), Some("2".into()));
    outbox.settle(batch.expect("it is healthy"));
    assert_eq!((outbox.len(), outbox.topics.len()), (0, 0));
}

#[test]
fn other_ends_do_not_count_and_begin_the_count_again() {
    let mut outbox = outbox_with([message("a", "1", Join::Never)]);
    for _ in 0..3 {
        for _ in 0..4 {
            assert!(lose(&mut outbox, CLOSED).1.is_none());
        }
        // By silence.
        assert!(lose(&mut outbox, None).1.is_none());
        for _ in 0..4 {
            assert!(lose(&mut outbox, CLOSED).1.is_none());
        }
        // Before it was sent.
        assert!(outbox.put_back(Vec::new(), CLOSED, Instant::now()).is_none());
        for _ in 0..4 {
            assert!(lose(&mut outbox, CLOSED).1.is_none());
        }
        // Long after it was sent.
        let now = Instant::now();
        let (batch, _) = outbox.take(now, MAX_ARRAY_BYTES, true);
        let later = now + Duration::from_secs(6);
        assert!(outbox.put_back(vec![(batch.unwrap(), now)], CLOSED, later).is_none());
    }
    assert_eq!(lose(&mut outbox, None).0, ["1"]);
}

#[test]
fn a_suspect_waits_until_nothing_is_in_flight_and_then_holds_up_the_rest() {
    let mut outbox = outbox_with([message("a", "1", Join::Never)]);
    lose(&mut outbox, CLOSED);
    lose(&mut outbox, CLOSED);
    outbox.push(message("b", "2", Join::Never)).unwrap();
    let now = Instant::now();
    assert!(outbox.take(now, MAX_ARRAY_BYTES, false).0.is_none());
    let (suspect, _) = outbox.take(now, MAX_ARRAY_BYTES, true);
    assert_eq!(suspect.as_ref().map(Batch::payload), Some("1".into()));
    assert!(outbox.take(now, MAX_ARRAY_BYTES, false).0.is_none());
    outbox.settle(suspect.unwrap());
    assert_eq!(take_all(&mut outbox), ["2"]);
}

#[test]
fn what_expires_while_it_is_put_back_is_dropped() {
    let soon = Instant::now() + Duration::from_secs(10);
    let expiring = |topic| Outgoing { expires_at: Some(soon), ..message(topic, "1", Join::Never) };
    let mut outbox = outbox_with([expiring("a"), message("a", "2", Join::Never), expiring("b")]);
    lose(&mut outbox, None);
    assert_eq!((outbox.purge(soon), outbox.len()), (2, 1));
    assert_eq!(take_all(&mut outbox), ["2"]);
    assert!(outbox.topics.is_empty());
}

#[test]
fn an_array_with_its_properties_is_no_longer_than_it_may_be() {
    const MAX: usize = 4_096;
    let trace = || Some(MessageTrace::new(global::tracer("test").start("publish")));
    let traced = |number: usize| {
        let trace = if number.is_multiple_of(3) { trace() } else { None };
        Outgoing { trace, ..message("t", "12345678", Join::WhenWaiting) }
    };
    let mut outbox = outbox_with((0..300).map(traced));
    let mut items = 0;
    while let (Some(batch), _) = outbox.take(Instant::now(), MAX, true) {
        let properties = batch.items.len() * MAX_PROPERTY;
        assert!(batch.payload().len() + properties <= MAX || batch.items.len() == 1);
        assert!(batch.size() >= batch.payload().len() + properties);
        items += batch.items.len();
        outbox.settle(batch);
    }
    assert_eq!(items, 300);
}
