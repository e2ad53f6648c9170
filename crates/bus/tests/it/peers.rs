//! Peers that are no MQTT 5 broker, or one that refuses this program.

use bus::Bus;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Duration, Instant};

use crate::support::{eventually, options};

/// Answers every connection with these bytes, after something has arrived, and closes it.
async fn answering(bytes: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut received = [0; 1024];
            let _ = stream.read(&mut received).await;
            let _ = stream.write_all(bytes).await;
        }
    });
    port
}

async fn problem_of(bus: &Bus) -> String {
    eventually("the problem is known", || bus.last_problem().is_some()).await;
    bus.last_problem().unwrap()
}

#[tokio::test]
async fn what_the_peer_is_and_what_to_do_is_said() {
    for (answer, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "answers HTTP"),
        (
            b"\x15\x03\x01\x00\x02\x02\x46",
            "speaks TLS: MQTT_PORT names the broker's TLS port; name the certificate of its authority in MQTT_CA_FILE",
        ),
        (b"\x20\x02\x00\x01", "only MQTT 3.1.1"),
        (b"\x20\x02\x00\x00", "only MQTT 3.1.1"),
        (b"\x20\x03\x00\x84\x00", "only MQTT 3.1.1"),
        (b"\x20\x02\x00\x05", "the broker refused the login: not authorized (0x87); the log"),
        (b"\x20\x03\x00\x86\x00", "bad user name or password (0x86)"),
        (b"\x20\x02\x00\x04", "refused the login: bad user name or password (0x86)"),
        (b"\x20\x03\x00\x8C\x00", "refused the login: bad authentication method (0x8C)"),
        (b"\xE0\x01\x87", "the broker refused the login: not authorized (0x87)"),
        (b"\x20\x03\x00\x8A\x00", "banned (0x8A)"),
        (b"\x20\x03\x00\xC0\x00", "unspecified error (0xC0)"),
        (b"\xE0\x01\x89", "server busy (0x89)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak MQTT (it began with \"SSH-2.0"),
        (b"220", "does not speak MQTT (it began with \"220\")"),
        (b"", "did not answer CONNECT"),
    ] {
        let (bus, _deliveries) = bus::connect(options(answering(answer).await, "b", &["t"]));
        let problem = problem_of(&bus).await;
        assert!(problem.contains(expected), "{answer:02X?}: {problem}");
        assert!(!bus.is_up());
    }
}

#[tokio::test]
async fn a_peer_that_accepts_and_never_answers_is_said_and_does_not_delay_the_close() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (bus, _deliveries) = bus::connect(options(port, "b", &["t"]));
    let problem = problem_of(&bus).await;
    assert!(problem.contains("does not answer CONNECT"), "{problem}");
    let start = Instant::now();
    bus.close(Duration::from_millis(100)).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
