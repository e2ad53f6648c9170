//! Two programs with the same id.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::support::{Broker, eventually, logs, options, up};

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn two_programs_with_one_id_are_recognised_and_slow_down() {
    logs();
    let broker = Broker::start().await;
    let (one, _deliveries) = bus::connect(options(broker.port, "same", &["t"]));
    up(&one).await;
    let (other, _other_deliveries) = bus::connect(options(broker.port, "same", &["t"]));
    eventually("a takeover is recognised", || {
        one.counters().takeovers + other.counters().takeovers > 0
    })
    .await;
    let connects = || one.counters().reconnects + other.counters().reconnects;
    sleep(Duration::from_secs(1)).await;
    let before = connects();
    assert!(before < 10, "{before} connections");
    sleep(Duration::from_secs(3)).await;
    assert!(connects() <= before + 1, "they still disconnect each other");
    assert!(one.is_up() || other.is_up(), "one of them works");
}

/// As `mosquitto_sub -i same`: no session is left of it, and it connects a second after each loss.
async fn connect_with_clean_start(port: u16) {
    loop {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the broker listens");
        let connect = b"\x10\x11\0\x04MQTT\x05\x02\0\x3C\0\0\x04same";
        stream.write_all(connect).await.expect("it is sent");
        let _ = stream.read_to_end(&mut Vec::new()).await;
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_program_with_a_clean_start_and_the_same_id_is_recognised() {
    logs();
    let broker = Broker::start().await;
    let (bus, _deliveries) = bus::connect(options(broker.port, "same", &["t"]));
    up(&bus).await;
    let other = tokio::spawn(connect_with_clean_start(broker.port));
    eventually("a takeover is recognised", || bus.counters().takeovers > 0).await;
    let problem = bus.last_problem().unwrap_or_default();
    assert!(problem.contains("another program uses this MQTT id"), "{problem}");
    other.abort();
}
