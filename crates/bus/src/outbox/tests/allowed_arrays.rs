//! Messages that are joined only while their receivers take arrays.

use super::*;

fn outbox(payloads: &[&str]) -> Outbox {
    let mut outbox = outbox_with([]);
    outbox.begin_connection(1);
    push(&mut outbox, payloads);
    outbox
}

fn push(outbox: &mut Outbox, payloads: &[&str]) {
    for payload in payloads {
        outbox.push(message("t", payload, Join::WhenAllowed)).unwrap();
    }
}

#[test]
fn they_are_joined_while_that_is_allowed() {
    let mut outbox = outbox(&["1", "2"]);
    assert_eq!(take_all(&mut outbox), ["1", "2"]);
    outbox.allow_arrays(1, true);
    push(&mut outbox, &["3"]);
    assert_eq!(take_all(&mut outbox), ["3"]);
    push(&mut outbox, &["4", "5"]);
    assert_eq!(take_all(&mut outbox), ["[4,5]"]);
    outbox.allow_arrays(1, false);
    push(&mut outbox, &["6", "7"]);
    assert_eq!(take_all(&mut outbox), ["6", "7"]);
}

#[test]
fn what_waits_to_be_joined_is_sent_apart_once_a_receiver_takes_no_arrays() {
    let mut outbox = outbox(&[]);
    outbox.allow_arrays(1, true);
    let mut in_flight = Vec::new();
    for payload in ["1", "2", "3", "4"] {
        push(&mut outbox, &[payload]);
        in_flight.extend(outbox.take(Instant::now(), MAX_ARRAY_BYTES, true).0);
    }
    assert_eq!(in_flight.len(), 2, "the others wait for a PUBACK");
    assert!(outbox.allow_arrays(1, false), "the connection must send them");
    assert!(!outbox.allow_arrays(1, false), "nothing has changed");
    assert_eq!(take_all(&mut outbox), ["3", "4"]);
    in_flight.into_iter().for_each(|batch| outbox.settle(batch));
    assert_eq!((outbox.len(), outbox.topics.len()), (0, 0));
}

#[test]
fn each_connection_begins_without() {
    let mut outbox = outbox(&[]);
    outbox.allow_arrays(1, true);
    outbox.begin_connection(2);
    assert!(!outbox.allow_arrays(1, true), "it is of the connection before");
    push(&mut outbox, &["1", "2"]);
    assert_eq!(take_all(&mut outbox), ["1", "2"]);
}

#[test]
fn an_array_that_was_in_flight_is_sent_again_as_its_receivers_take_it() {
    for (allowed, expected) in [(true, &["[1,2]", "3"][..]), (false, &["1", "2", "3"])] {
        for ended in [None, CLOSED] {
            let mut outbox = outbox(&["1", "2"]);
            outbox.allow_arrays(1, true);
            assert_eq!(lose(&mut outbox, ended).0, ["[1,2]"]);
            outbox.begin_connection(2);
            outbox.allow_arrays(2, allowed);
            push(&mut outbox, &["3"]);
            assert_eq!(take_all(&mut outbox), expected);
            assert_eq!((outbox.len(), outbox.topics.len()), (0, 0));
        }
    }
}

#[test]
fn a_suspect_array_is_still_sent_alone_when_it_is_taken_apart() {
    let mut outbox = outbox(&["1", "2"]);
    outbox.allow_arrays(1, true);
    lose(&mut outbox, CLOSED);
    lose(&mut outbox, CLOSED);
    outbox.begin_connection(2);
    assert_eq!(lose(&mut outbox, CLOSED).0, ["1"]);
    assert_eq!(take_all(&mut outbox), ["1", "2"]);
}
