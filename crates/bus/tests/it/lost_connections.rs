//! A broker that goes away, and connections that break.

use std::time::Duration;

use bus::{Join, Outgoing};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{
    Broker, Proxy, down, eventually, logs, message, next, next_text, options, up, up_after,
};

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn follows_the_broker_down_and_up() {
    logs();
    let mut broker = Broker::start().await;
    let (bus, mut deliveries) = bus::connect(options(broker.port, "b", &["t"]));
    let mut generation = up(&bus).await;
    for round in 1..=3 {
        broker.kill().await;
        down(&bus).await;
        broker.resume().await;
        let back = Instant::now();
        generation = up_after(&bus, generation).await;
        assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
        bus.publish(message("t", "again")).unwrap();
        assert_eq!(next_text(&mut deliveries).await, "again");
        let counters = bus.counters();
        assert_eq!((counters.reconnects, counters.takeovers), (round, 0));
    }
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_dead_connection_is_noticed_and_replaced() {
    let broker = Broker::start().await;
    let proxy = Proxy::to(&broker).await;
    let (bus, mut deliveries) = bus::connect(options(proxy.port, "b", &["t"]));
    let generation = up(&bus).await;
    proxy.freeze();
    bus.publish(message("t", "1")).unwrap();
    let noticed = async {
        let mut link = bus.link();
        link.wait_for(|link| *link == bus::Link::Down).await.unwrap();
    };
    timeout(Duration::from_secs(20), noticed).await.expect("a silent connection is given up");
    proxy.cut();
    up_after(&bus, generation).await;
    assert_eq!(next_text(&mut deliveries).await, "1");
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_connection_that_breaks_under_load_loses_nothing() {
    let broker = Broker::start().await;
    let proxy = Proxy::to(&broker).await;
    let (receiver, mut deliveries) = bus::connect(options(broker.port, "r", &["t/#"]));
    let (sender, _sent_to) = bus::connect(options(proxy.port, "s", &[]));
    up(&receiver).await;
    let mut generation = up(&sender).await;
    for number in 0..9_000 {
        let join = if number % 2 == 0 { Join::Never } else { Join::WhenWaiting };
        let topic = format!("t/{}", number % 4);
        sender.publish(Outgoing { join, ..message(&topic, number.to_string()) }).unwrap();
    }
    for _ in 0..2 {
        sleep(Duration::from_millis(20)).await;
        proxy.cut();
        generation = up_after(&sender, generation).await;
    }
    let mut missing: std::collections::BTreeSet<u32> = (0..9_000).collect();
    while !missing.is_empty() {
        let delivery = next(&mut deliveries).await;
        for item in protocol::split_array(&delivery.payload).unwrap().0 {
            missing.remove(&std::str::from_utf8(item).unwrap().parse().unwrap());
        }
        delivery.ack.done();
    }
    eventually("all is settled", || sender.counters().outbox_len == 0).await;
    assert_eq!((sender.counters().reconnects, sender.counters().takeovers), (2, 0));
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn arrays_are_allowed_for_one_connection() {
    const COUNT: usize = 100;
    let broker = Broker::start().await;
    let proxy = Proxy::to(&broker).await;
    let (receiver, mut deliveries) = bus::connect(options(broker.port, "r", &["t"]));
    let (sender, _sent_to) = bus::connect(options(proxy.port, "s", &[]));
    up(&receiver).await;
    let mut generation = up(&sender).await;
    // What is said of the connection, whether messages are joined, and whether it is lost then.
    for (allowed, joins, lost) in [
        (Some(true), true, true),
        (None, false, false),
        (Some(true), true, false),
        (Some(false), false, false),
    ] {
        if let Some(allowed) = allowed {
            sender.allow_arrays(generation, allowed);
        }
        let before = sender.counters().packets;
        for number in 0..COUNT {
            let join = Join::WhenAllowed;
            sender.publish(Outgoing { join, ..message("t", number.to_string()) }).unwrap();
        }
        let mut received = 0;
        while received < COUNT {
            let delivery = next(&mut deliveries).await;
            received += protocol::split_array(&delivery.payload).unwrap().0.len();
            delivery.ack.done();
        }
        eventually("all is settled", || sender.counters().outbox_len == 0).await;
        let packets = usize::try_from(sender.counters().packets - before).unwrap();
        assert_eq!((packets < COUNT, received), (joins, COUNT), "{packets} packets");
        if lost {
            proxy.cut();
            generation = up_after(&sender, generation).await;
        }
    }
}
