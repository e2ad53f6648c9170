use std::time::Duration;

use super::super::state::{IDLE_AFTER, SLOW_PEER};
use super::*;

fn caller(number: u8) -> CallerKey {
    CallerKey::of([192, 0, 2, number].into())
}

/// Of which it is known that no request has come yet.
async fn admit(connections: &Arc<Connections>, number: u8) -> Slot {
    let slot = connections.admit(caller(number)).await;
    slot.connection.wait_for_request();
    slot
}

fn is_evicted(slot: &Slot) -> bool {
    slot.connection.is_evicted()
}

#[tokio::test]
async fn the_connection_that_is_idle_longest_makes_room() {
    let connections = Connections::new(2);
    let (first, second) = (admit(&connections, 1).await, admit(&connections, 1).await);
    assert!(second.connection.begin_answer());
    let third = admit(&connections, 1).await;
    assert!(is_evicted(&first) && !is_evicted(&second) && !third.connection.only_probes());
    assert!(!first.connection.begin_answer(), "its next request is not begun");
    second.connection.end_answer();
    second.connection.flushed();
    assert!(third.connection.begin_answer());
    admit(&connections, 1).await;
    assert!(is_evicted(&second), "it is idle after its answer");
}

#[tokio::test]
async fn a_slow_peer_makes_room_after_a_while_and_after_idle_ones() {
    let connections = Connections::new(3);
    let slots = [(); 3].map(|()| connections.add(caller(1)).expect("there is room"));
    let [body, reader, rest] = slots.each_ref().map(|slot| &slot.connection);
    for connection in [body, reader, rest] {
        assert!(connection.begin_answer());
    }
    body.wait_for_body();
    reader.wait_for_reader();
    rest.end_answer();
    assert!(admit(&connections, 1).await.connection.only_probes(), "none is slow for long");
    tokio::time::sleep(SLOW_PEER).await;
    let idle = admit(&connections, 1).await;
    assert_eq!(slots.each_ref().map(is_evicted), [true, false, false], "the slowest first");
    tokio::time::sleep(IDLE_AFTER).await;
    let _next = admit(&connections, 1).await;
    assert!(is_evicted(&idle), "an idle one goes before slow ones");
    reader.flushed();
    admit(&connections, 1).await;
    assert_eq!(slots.each_ref().map(is_evicted), [true, false, true], "one is read again");
}

#[tokio::test]
async fn sockets_beyond_the_bound_are_waited_for() {
    let connections = Connections::new(1);
    let mut slots = Vec::new();
    for _ in 0..=PROBE_CONNECTIONS {
        let slot = admit(&connections, 1).await;
        assert!(slot.connection.begin_answer());
        slots.push(slot);
    }
    let mut next = std::pin::pin!(connections.admit(caller(1)));
    let started = tokio::time::timeout(Duration::from_millis(50), &mut next).await;
    assert!(started.is_err(), "one more socket than descriptors were planned for");
    slots.pop();
    assert!(next.await.connection.only_probes());
}

#[tokio::test]
async fn long_answers_that_are_not_read_make_room_for_others() {
    let connections = Connections::new(10);
    let slots = [(); 4].map(|()| connections.add(caller(1)).expect("there is room"));
    let [first, second, third, fourth] = slots.each_ref().map(|slot| &slot.connection);
    for connection in [first, second, third, fourth] {
        assert!(connection.begin_answer());
    }
    assert!(connections.admit_answer(first, MAX_UNREAD / 2));
    assert!(connections.admit_answer(second, MAX_UNREAD / 2));
    assert!(!connections.admit_answer(third, SHORT_ANSWER + 1), "none is slow for long");
    assert!(connections.admit_answer(third, SHORT_ANSWER));
    first.end_answer();
    second.end_answer();
    second.flushed();
    assert!(connections.admit_answer(third, MAX_UNREAD / 2), "the second was read");
    tokio::time::sleep(SLOW_PEER).await;
    assert!(connections.admit_answer(fourth, MAX_UNREAD / 2));
    assert_eq!(slots.each_ref().map(is_evicted), [true, false, false, false]);
}

#[tokio::test]
async fn a_caller_with_many_connections_makes_room_before_others() {
    let connections = Connections::new(8 * 3);
    let few = admit(&connections, 1).await;
    let mut many = Vec::new();
    for _ in 1..8 * 3 {
        many.push(admit(&connections, 2).await);
    }
    tokio::time::sleep(IDLE_AFTER * 2).await;
    for number in 3..=12 {
        many.push(admit(&connections, number).await);
    }
    assert!(!is_evicted(&few), "it is idle longest, but alone");
    let evicted = many.iter().filter(|slot| is_evicted(slot)).count();
    assert_eq!(evicted, 10, "all of the caller that had many");
    drop(many);
    assert_eq!(connections.open.lock().of_callers.len(), 1);
}

#[tokio::test]
async fn more_come_than_are_looked_up_at_once() {
    const OPEN: usize = 1_000;
    const NEW: usize = 600;
    let connections = Connections::new(OPEN);
    let mut slots = Vec::new();
    for number in 0..OPEN {
        slots.push(admit(&connections, (number % 100) as u8).await);
    }
    tokio::time::sleep(IDLE_AFTER * 2).await;
    // Without a wait for those that are closed.
    let admit = |at: usize| connections.add(caller(at as u8)).expect("one may be closed");
    let mut new = vec![admit(100)];
    // Requests come on some that were found already.
    let is_busy = |at: usize| at % 7 == 1;
    for (_, slot) in slots.iter().enumerate().filter(|(at, _)| is_busy(*at)) {
        assert!(slot.connection.begin_answer());
    }
    new.extend((1..NEW).map(|at| admit(100 + at % 100)));
    let evicted = slots.iter().map(is_evicted).collect::<Vec<_>>();
    let longest = (0..OPEN).filter(|at| !is_busy(*at)).take(NEW).collect::<Vec<_>>();
    let closed = (0..OPEN).filter(|at| evicted[*at]).collect::<Vec<_>>();
    assert_eq!(
        closed, longest,
        "those that have waited longest, and none that waits for an answer"
    );
    assert!(!new.iter().any(is_evicted));
}

#[tokio::test]
async fn one_that_was_not_looked_at_yet_does_not_count_as_idle() {
    let connections = Connections::new(2);
    let first = connections.admit(caller(1)).await;
    let second = admit(&connections, 2).await;
    tokio::time::sleep(IDLE_AFTER * 2).await;
    let third = connections.admit(caller(3)).await;
    assert!(is_evicted(&second) && !is_evicted(&first), "its request may have come already");
    first.connection.wait_for_request();
    let fourth = connections.admit(caller(4)).await;
    assert!(is_evicted(&first) && !fourth.connection.only_probes());
    assert!(!is_evicted(&third));
}

#[tokio::test]
async fn what_was_not_read_is_forgotten_with_its_connection() {
    let connections = Connections::new(10);
    let slot = connections.admit(caller(1)).await;
    assert!(slot.connection.begin_answer());
    assert!(connections.admit_answer(&slot.connection, MAX_UNREAD / 2));
    drop(slot);
    assert_eq!(connections.unread.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn newcomers_that_send_nothing_keep_out_nobody_beside_one_that_is_answered() {
    let connections = Connections::new(1);
    let busy = admit(&connections, 1).await;
    assert!(busy.connection.begin_answer());
    let newcomers = async {
        for number in 0..2 * PROBE_CONNECTIONS {
            let slot = admit(&connections, number as u8).await;
            tokio::spawn(async move { slot.connection.evicted().await });
        }
    };
    let admitted = tokio::time::timeout(Duration::from_secs(20), newcomers).await;
    assert!(admitted.is_ok(), "each may be closed for the next");
    assert!(!is_evicted(&busy));
}

#[tokio::test]
async fn idle_connections_are_closed_for_one_that_waits_for_a_socket() {
    let connections = Connections::new(1);
    let slots = futures_util::future::join_all([(); 1 + PROBE_CONNECTIONS].map(|()| async {
        let slot = admit(&connections, 1).await;
        assert!(slot.connection.begin_answer());
        slot
    }));
    let mut slots = slots.await;
    let mut next = std::pin::pin!(connections.admit(caller(2)));
    let waited = tokio::time::timeout(IDLE_AFTER, &mut next).await;
    assert!(waited.is_err(), "each is being answered");
    let answered = slots.swap_remove(3);
    answered.connection.end_answer();
    answered.connection.flushed();
    tokio::spawn(async move { answered.connection.evicted().await });
    let admitted = tokio::time::timeout(Duration::from_secs(20), next).await;
    assert!(admitted.is_ok(), "one is idle, and makes room");
}

#[tokio::test]
async fn a_caller_that_comes_to_have_many_connections_makes_room_from_then_on() {
    let connections = Connections::new(24);
    let mut others = Vec::new();
    for number in 3..24 {
        others.push(admit(&connections, number).await);
    }
    let mut of_one = Vec::new();
    for _ in 0..3 {
        of_one.push(admit(&connections, 2).await);
    }
    tokio::time::sleep(IDLE_AFTER * 2).await;
    let _new = [(); 3].map(|()| connections.add(caller(2)).expect("one may be closed"));
    let count = |slots: &[Slot]| slots.iter().filter(|slot| is_evicted(slot)).count();
    assert_eq!((count(&others), count(&of_one)), (1, 2));
}
