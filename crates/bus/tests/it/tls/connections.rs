//! Connections under TLS that carry much, are slow, or break.

use std::collections::BTreeSet;
use std::time::Duration;

use bus::Options;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::{Certificates, lines, problem_of, tls};
use crate::support::{
    Broker, Proxy, down, eventually, message, next_text, options, presence, up, up_after,
};

/// 1 MiB in both directions, and then thousands of small ones.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn large_messages_and_many_arrive_whole_and_in_order() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let broker = Broker::start_with(lines(&pair, "")).await;
    let (bus, mut deliveries) = bus::connect(tls(broker.port, certificates.trusting()));
    up(&bus).await;
    let large: String = (0..1 << 17).map(|number| format!("{number:08x}")).collect();
    for _ in 0..3 {
        bus.publish(message("t", large.clone())).unwrap();
        assert!(next_text(&mut deliveries).await == large, "it arrives as it was");
    }
    const COUNT: usize = 5_000;
    for number in 0..COUNT {
        bus.publish(message("t", number.to_string())).unwrap();
    }
    for number in 0..COUNT {
        assert_eq!(next_text(&mut deliveries).await, number.to_string());
    }
    eventually("all are acknowledged", || bus.counters().outbox_len == 0).await;
    assert_eq!((bus.counters().reconnects, bus.counters().refused), (0, 0));
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn nothing_is_lost_when_connections_break() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let broker = Broker::start_with(lines(&pair, "")).await;
    let proxy = Proxy::to(&broker).await;
    let through = |id: &str, topics: &[&str]| Options {
        credentials: certificates.trusting(),
        ..options(proxy.port, id, topics)
    };
    let (receiver, mut deliveries) = bus::connect(through("r", &["t"]));
    let (sender, _nothing) = bus::connect(through("s", &[]));
    up(&receiver).await;
    const COUNT: usize = 2_000;
    let mut missing: BTreeSet<usize> = (0..COUNT).collect();
    for number in 0..COUNT {
        sender.publish(message("t", number.to_string())).unwrap();
        if number % 500 == 250 {
            sleep(Duration::from_millis(300)).await;
            proxy.cut();
        }
    }
    while !missing.is_empty() {
        missing.remove(&next_text(&mut deliveries).await.parse().unwrap());
    }
    assert!(sender.counters().reconnects > 0, "connections broke");
}

/// A broker that refuses a message and closes: the refusal, read before the end, counts.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn an_answer_before_the_end_counts() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let extra = "message_size_limit 2000\nmax_queued_messages 0\n";
    let broker = Broker::start_with(lines(&pair, extra)).await;
    let (bus, mut deliveries) = bus::connect(tls(broker.port, certificates.trusting()));
    up(&bus).await;
    bus.publish(message("t", "x".repeat(2_001))).unwrap();
    eventually("it is given up", || bus.counters().refused == 1).await;
    bus.publish(message("t", "2")).unwrap();
    assert_eq!(next_text(&mut deliveries).await, "2");
    assert!(bus.counters().reconnects <= 1, "{:?}", bus.counters());
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_half_open_connection_is_noticed_and_replaced() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let broker = Broker::start_with(lines(&pair, "")).await;
    let proxy = Proxy::to(&broker).await;
    let (bus, mut deliveries) = bus::connect(Options {
        presence: Some(presence("p")),
        ..tls(proxy.port, certificates.trusting())
    });
    let first = up(&bus).await;
    proxy.freeze();
    let begun = Instant::now();
    bus.publish(message("t", "1")).unwrap();
    down(&bus).await;
    assert!(begun.elapsed() > Duration::from_secs(10), "{:?}", begun.elapsed());
    proxy.cut();
    up_after(&bus, first).await;
    assert_eq!(next_text(&mut deliveries).await, "1");
}

/// A link of 2,000 bytes per second: the handshake takes most of its limit.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_slow_handshake_is_waited_for_and_one_without_end_is_not() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let broker = Broker::start_with(lines(&pair, "")).await;
    let slow = slow_proxy(broker.port).await;
    let begun = Instant::now();
    let (bus, _deliveries) = bus::connect(tls(slow, certificates.trusting()));
    up(&bus).await;
    assert!(begun.elapsed() > Duration::from_millis(500), "it was slow: {:?}", begun.elapsed());

    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let (bus, _deliveries) = bus::connect(tls(port, certificates.trusting()));
    let problem = problem_of(&bus).await;
    assert!(problem.contains("does not answer TLS in time"), "{problem}");
}

/// Passes 40 bytes in each 20 ms from the broker.
async fn slow_proxy(broker: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", broker)).await.unwrap();
            let (mut near_read, mut near_write) = near.into_split();
            let (mut far_read, mut far_write) = far.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut near_read, &mut far_write).await });
            tokio::spawn(async move {
                let mut bytes = [0; 40];
                while let Ok(length @ 1..) = far_read.read(&mut bytes).await {
                    near_write.write_all(&bytes[..length]).await.unwrap();
                    sleep(Duration::from_millis(20)).await;
                }
            });
        }
    });
    port
}
