//! Bare MQTT round trips between two clients that do nothing else: the limit of the broker.
//!
//! The packets (MQTT 3.1.1, QoS 1) are written by hand, so that no library is measured as well.

use std::time::{Duration, Instant};

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::stats::Stats;

const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x32;
const PUBACK: u8 = 0x40;
const SUBACK: u8 = 0x90;
/// About the size of a reservation command.
const PAYLOAD: [u8; 300] = [b'x'; 300];

struct Client {
    stream: TcpStream,
    input: BytesMut,
    output: BytesMut,
    next_id: u16,
}

impl Client {
    async fn connect(port: u16, id: &str, subscription: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (input, output) = (BytesMut::with_capacity(1 << 16), BytesMut::new());
        let mut client = Self { stream, input, output, next_id: 0 };
        let mut connect = BytesMut::from(&b"\0\x04MQTT\x04\x02\0\0"[..]);
        put_text(&mut connect, id);
        client.put_packet(0x10, &connect);
        client.flush().await?;
        client.packet(CONNACK).await?;
        let mut subscribe = BytesMut::from(&[0, 1][..]);
        put_text(&mut subscribe, subscription);
        subscribe.put_u8(1);
        client.put_packet(0x82, &subscribe);
        client.flush().await?;
        client.packet(SUBACK).await?;
        Ok(client)
    }

    fn put_packet(&mut self, first: u8, body: &[u8]) {
        self.output.put_u8(first);
        let mut length = body.len();
        loop {
            let low = (length & 0x7f) as u8;
            length >>= 7;
            self.output.put_u8(if length > 0 { low | 0x80 } else { low });
            if length == 0 {
                break;
            }
        }
        self.output.put_slice(body);
    }

    fn put_publish(&mut self, topic: &str, payload: &[u8]) {
        self.next_id = self.next_id % u16::MAX + 1;
        let mut body = BytesMut::with_capacity(payload.len() + 64);
        put_text(&mut body, topic);
        body.put_u16(self.next_id);
        body.put_slice(payload);
        self.put_packet(PUBLISH, &body);
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        self.stream.write_all_buf(&mut self.output).await
    }

    /// The body of the next packet of this kind; others are skipped.
    async fn packet(&mut self, kind: u8) -> std::io::Result<BytesMut> {
        loop {
            match self.next_received() {
                Some((found, body)) if found & 0xf0 == kind & 0xf0 => return Ok(body),
                Some(_) => {}
                None => self.fill().await?,
            }
        }
    }

    async fn fill(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next packet, if all of it was received.
    fn next_received(&mut self) -> Option<(u8, BytesMut)> {
        let (mut length, mut shift, mut at) = (0usize, 0, 1);
        loop {
            let byte = *self.input.get(at)?;
            length |= usize::from(byte & 0x7f) << shift;
            at += 1;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        if self.input.len() < at + length {
            return None;
        }
        let first = self.input[0];
        self.input.advance(at);
        Some((first, self.input.split_to(length)))
    }

    /// Acknowledges a publish and returns its payload.
    fn take_publish(&mut self, mut body: BytesMut) -> BytesMut {
        let topic = usize::from(body.get_u16());
        body.advance(topic);
        let id = body.get_u16();
        self.put_packet(PUBACK, &id.to_be_bytes());
        body
    }
}

fn put_text(bytes: &mut BytesMut, text: &str) {
    bytes.put_u16(u16::try_from(text.len()).expect("a short text"));
    bytes.put_slice(text.as_bytes());
}

/// Sends every publish back.
async fn echo(mut client: Client) -> std::io::Result<()> {
    loop {
        while let Some((kind, body)) = client.next_received() {
            if kind & 0xf0 == PUBLISH & 0xf0 {
                let payload = client.take_publish(body);
                client.put_publish("bench/answer", &payload);
            }
        }
        client.flush().await?;
        client.fill().await?;
    }
}

/// Round trips (command and answer, QoS 1 each) with a fixed number outstanding.
pub(crate) async fn round_trips(
    port: u16,
    outstanding: usize,
    length: Duration,
) -> std::io::Result<Stats> {
    let echoing = tokio::spawn(echo(Client::connect(port, "bench-echo", "bench/command").await?));
    let mut client = Client::connect(port, "bench-caller", "bench/answer").await?;
    let mut stats = Stats::start();
    let begun = Instant::now();
    let ask = |client: &mut Client| {
        let mut payload = PAYLOAD;
        let sent = u64::try_from(begun.elapsed().as_nanos()).expect("a short run");
        payload[..8].copy_from_slice(&sent.to_be_bytes());
        client.put_publish("bench/command", &payload);
    };
    for _ in 0..outstanding {
        ask(&mut client);
    }
    while begun.elapsed() < length {
        client.flush().await?;
        client.fill().await?;
        while let Some((kind, body)) = client.next_received() {
            if kind & 0xf0 == PUBLISH & 0xf0 {
                let mut payload = client.take_publish(body);
                let sent = Duration::from_nanos(payload.get_u64());
                stats.add_latency(begun.elapsed().saturating_sub(sent));
                ask(&mut client);
            }
        }
    }
    stats.end();
    echoing.abort();
    Ok(stats)
}
