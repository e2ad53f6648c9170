//! MQTT over WebSocket, at the embedded broker.

use std::net::{Ipv4Addr, SocketAddr};

use suite::Broker;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::screen::Suite;
use crate::harness::raw_mqtt::{Connect, Connection, Endpoint, Transport, Version};
use crate::harness::{TEST_TIMEOUT, eventually, free_port};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn broker() -> (Broker, u16) {
    let websocket = SocketAddr::new(LOCAL.ip(), free_port());
    let broker = Broker::start(LOCAL, Some(websocket)).await.expect("a broker");
    (broker, websocket.port())
}

/// The head of the answer to a handshake.
async fn handshake(port: u16, path: &str, more: &str) -> String {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("it listens");
    let upgrade = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: mqttv3.1, mqtt\r\n{more}\r\n"
    );
    socket.write_all(upgrade.as_bytes()).await.expect("it is sent");
    let mut answer = Vec::new();
    let read = async {
        while !answer.ends_with(b"\r\n\r\n") {
            let byte = socket.read_u8().await.expect("an answer");
            answer.push(byte);
        }
    };
    tokio::time::timeout(TEST_TIMEOUT, read).await.expect("an answer in time");
    String::from_utf8_lossy(&answer).to_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_speaks_websocket_with_programs_and_own_pages() {
    let suite = Suite::start().await;
    let port = suite.ports[1];
    for own in [
        "",
        "Origin: http://localhost:5173\r\n",
        "Origin: https://127.0.0.1\r\n",
        "Origin: http://[::1]:8001\r\n",
    ] {
        let answer = handshake(port, "/mqtt", own).await;
        assert!(answer.starts_with("http/1.1 101"), "{own}: {answer}");
        // RFC 6455, section 1.3: the answer to this key.
        assert!(answer.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
        assert!(answer.contains("sec-websocket-protocol: mqtt\r\n"), "{answer}");
    }
    for foreign in [
        "Origin: http://evil.example\r\n",
        "Origin: http://localhost.evil.example\r\n",
        "Origin: http://evil.example@localhost\r\n",
        "Origin: http://192.0.2.7\r\n",
        "Origin: null\r\n",
        "Origin: \r\n",
        "Origin: http://localhost\r\nOrigin: http://evil.example\r\n",
    ] {
        let answer = handshake(port, "/mqtt", foreign).await;
        assert!(answer.starts_with("http/1.1 403"), "{foreign}: {answer}");
    }
    let answer = handshake(port, "/other", "").await;
    assert!(answer.starts_with("http/1.1 404"), "{answer}");
    assert!(suite.interrupt().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_pass_over_websocket_and_a_silent_connection_keeps_nobody_out() {
    let (broker, port) = broker().await;
    let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("it listens");
    let payload = "x".repeat(1 << 20);
    for version in [Version::V311, Version::V5] {
        let endpoint = Endpoint { port, transport: Transport::WebSocket, version };
        let connect = Connect::anonymous("program");
        let mut program = Connection::open(endpoint, &connect).await.expect("it is let in");
        program.subscribe(&["a/b"]).await;
        program.publish(&[("a/b", &payload), ("a/b", "short")], false).await;
        let mut lengths = Vec::new();
        eventually("both messages arrive", async || {
            let received = program.drain().await.expect("a connection");
            lengths.extend(received.iter().map(|message| message.payload.len()));
            lengths.len() >= 2
        })
        .await;
        assert_eq!(lengths, [payload.len(), "short".len()]);
    }
    broker.stop().await.expect("it stops");
    // A program that another test starts holds the listeners of this process until its `exec`.
    eventually("its port is free", async || {
        std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_will_of_a_program_is_published_when_its_websocket_ends() {
    let (broker, port) = broker().await;
    let inside =
        Endpoint { port: broker.addr().port(), transport: Transport::Tcp, version: Version::V311 };
    let mut listens =
        Connection::open(inside, &Connect::anonymous("listens")).await.expect("it is let in");
    listens.subscribe(&["will"]).await;
    let websocket = Endpoint { port, transport: Transport::WebSocket, ..inside };
    let will = Some(("will".to_owned(), "ended".to_owned()));
    let connect = Connect { will, ..Connect::anonymous("program") };
    drop(Connection::open(websocket, &connect).await.expect("it is let in"));
    eventually("the will arrives", async || {
        listens.drain().await.expect("a connection").iter().any(|it| it.payload == "ended")
    })
    .await;
}
