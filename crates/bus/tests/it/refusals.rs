//! Messages that Mosquitto refuses.

use std::sync::{Arc, Mutex};

use bus::{Join, OnRefused, Options, Outgoing, Refusal};

use crate::support::{Broker, eventually, message, next_text, options, presence, up};

type Refusals = Arc<Mutex<Vec<Refusal>>>;

fn watched(message: Outgoing, refusals: &Refusals) -> Outgoing {
    let refusals = Arc::clone(refusals);
    let on_refused = OnRefused::new(move |message, refusal| {
        refusals.lock().unwrap().push(refusal);
        Some(Outgoing { payload: "instead".into(), ..message })
    });
    Outgoing { on_refused: Some(on_refused), ..message }
}

/// Extra lines for a broker where only what this list says is allowed.
fn acl(folder: &tempfile::TempDir, list: &str) -> &'static str {
    let path = folder.path().join("acl");
    std::fs::write(&path, list).unwrap();
    // A test's configuration lives as long as the test.
    format!("user root\nmax_queued_messages 1000\nacl_file {}\n", path.display()).leak()
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn what_is_over_the_size_limit_is_handed_back_and_the_connection_stays() {
    let broker = Broker::start_with("message_size_limit 2000\nmax_queued_messages 1000\n").await;
    let (bus, mut deliveries) = bus::connect(options(broker.port, "b", &["t"]));
    up(&bus).await;
    let refusals = Refusals::default();
    let before = bus.max_payload("t");
    bus.publish(message("t", "1")).unwrap();
    bus.publish(watched(message("t", "x".repeat(2_001)), &refusals)).unwrap();
    bus.publish(message("t", "2")).unwrap();
    for expected in ["1", "2", "instead"] {
        assert_eq!(next_text(&mut deliveries).await, expected);
    }
    assert!(matches!(refusals.lock().unwrap()[..], [Refusal::TooLarge { max: None, .. }]));
    // A delivery may be read before the acknowledgement of what was published.
    eventually("all is settled", || bus.counters().outbox_len == 0).await;
    let counters = bus.counters();
    assert_eq!((counters.refused, counters.reconnects), (1, 0));
    assert!(bus.max_payload("t") < 2_001 && before > 2_001, "the limit is learned");
}

/// With `max_queued_messages 0`, Mosquitto 2.0.11 ends the connection after each refusal.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_broker_that_refuses_and_then_closes_is_not_sent_it_again() {
    let broker = Broker::start_with("message_size_limit 2000\n").await;
    let (bus, mut deliveries) = bus::connect(options(broker.port, "b", &["t"]));
    up(&bus).await;
    let refusals = Refusals::default();
    bus.publish(watched(message("t", "x".repeat(2_001)), &refusals)).unwrap();
    assert_eq!(next_text(&mut deliveries).await, "instead");
    eventually("all is settled", || bus.counters().outbox_len == 0).await;
    bus.publish(message("t", "2")).unwrap();
    assert_eq!(next_text(&mut deliveries).await, "2");
    let counters = bus.counters();
    assert_eq!((counters.refused, refusals.lock().unwrap().len()), (1, 1));
    assert!(counters.reconnects <= 1, "{counters:?}");
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn an_array_that_is_too_large_is_sent_in_parts() {
    let mut broker = Broker::stopped("message_size_limit 2000\nmax_queued_messages 1000\n");
    let (bus, mut deliveries) = bus::connect(options(broker.port, "b", &["t"]));
    let refusals = Refusals::default();
    let item = |number: usize| format!("\"{}\"", number.to_string().repeat(400));
    for number in 0..10 {
        let joined = Outgoing { join: Join::WhenWaiting, ..message("t", item(number)) };
        bus.publish(watched(joined, &refusals)).unwrap();
    }
    broker.resume().await;
    for number in 0..10 {
        assert_eq!(next_text(&mut deliveries).await, item(number));
    }
    eventually("all are settled", || bus.counters().outbox_len == 0).await;
    assert!(refusals.lock().unwrap().is_empty());
    assert_eq!((bus.counters().refused, bus.counters().reconnects), (0, 0));
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn larger_than_the_announced_maximum_is_handed_back_unsent() {
    let broker = Broker::start_with("max_packet_size 2000\n").await;
    let (bus, mut deliveries) = bus::connect(options(broker.port, "b", &["t"]));
    up(&bus).await;
    let refusals = Refusals::default();
    bus.publish(watched(message("t", "x".repeat(2_001)), &refusals)).unwrap();
    assert_eq!(next_text(&mut deliveries).await, "instead");
    assert!(matches!(refusals.lock().unwrap()[..], [Refusal::TooLarge { max: Some(2_000), .. }]));
    assert_eq!(bus.counters().reconnects, 0);
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_presence_that_is_not_allowed_is_said_and_one_that_is_allowed_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let list = "topic read #\ntopic write other/#\ntopic write server/good/status\n";
    let broker = Broker::start_with(acl(&folder, list)).await;
    let with_presence = |id: &str| Options {
        presence: Some(presence(&format!("server/{id}/status"))),
        ..options(broker.port, id, &["t"])
    };
    let (good, _deliveries) = bus::connect(with_presence("good"));
    up(&good).await;
    let (bad, _deliveries) = bus::connect(with_presence("bad"));
    up(&bad).await;
    eventually("it is known", || bad.last_problem().is_some()).await;
    let problem = bad.last_problem().unwrap();
    assert!(problem.contains("server/bad/status, not authorized (0x87)"), "{problem}");
    assert!(bad.is_up(), "the rest works");

    let refusals = Refusals::default();
    good.publish(watched(message("not/allowed", "1"), &refusals)).unwrap();
    eventually("it and its replacement are refused", || good.counters().refused == 2).await;
    assert_eq!(*refusals.lock().unwrap(), [Refusal::NotAuthorized]);
    good.publish(message("other/t", "1")).unwrap();
    eventually("the rest is sent", || good.counters().acknowledged == 1).await;
    assert_eq!((good.last_problem(), good.counters().reconnects), (None, 0));
}
