//! A small MQTT client, and bare round trips between two of it that do nothing else: the limit of
//! the broker.
//!
//! The packets (QoS 1) are written by hand, so that no library is measured as well.

use std::time::{Duration, Instant};

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::logins::{Login, Role};
use super::stats::Stats;
use super::world::World;

const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x32;
const PUBACK: u8 = 0x40;
const SUBACK: u8 = 0x90;
/// About the size of a reservation command.
const PAYLOAD: [u8; 300] = [b'x'; 300];

/// Topics that a gateway and a servidor may use and that the programs do not read.
const COMMANDS: &str = "server/echo/postos/reserva";
const ANSWERS: &str = "client/caller/postos/reserva/response";

/// The number is that of CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V3 = 4,
    V5 = 5,
}

impl Version {
    /// Packets of MQTT 5 have properties. We send none.
    fn put_properties(self, packet: &mut BytesMut) {
        if self == Self::V5 {
            packet.put_u8(0);
        }
    }

    fn skip_properties(self, packet: &mut BytesMut) {
        if self == Self::V5 {
            let (length, size) = variable_length(packet).expect("a length");
            packet.advance(size + length);
        }
    }
}

pub(crate) struct Client {
    version: Version,
    stream: TcpStream,
    input: BytesMut,
    output: BytesMut,
    next_id: u16,
}

impl Client {
    /// Connected to the broker of `world` as this user, and subscribed.
    pub(crate) async fn connect(
        world: &World,
        version: Version,
        (role, id): (Role, &str),
        subscription: &str,
    ) -> std::io::Result<Self> {
        let login = world.login(role, id).await;
        let stream = TcpStream::connect(("127.0.0.1", world.broker_port)).await?;
        stream.set_nodelay(true)?;
        let (input, output) = (BytesMut::with_capacity(1 << 16), BytesMut::new());
        let mut client = Self { version, stream, input, output, next_id: 0 };
        client.put_connect(&login);
        client.flush().await?;
        let connack = client.packet(CONNACK).await?;
        assert_eq!(connack[1], 0, "{} is let in", login.user);
        let mut subscribe = BytesMut::from(&[0, 1][..]);
        version.put_properties(&mut subscribe);
        put_text(&mut subscribe, subscription);
        subscribe.put_u8(1);
        client.put_packet(0x82, &subscribe);
        client.flush().await?;
        client.packet(SUBACK).await?;
        Ok(client)
    }

    fn put_connect(&mut self, login: &Login) {
        let mut connect = BytesMut::from(&b"\0\x04MQTT"[..]);
        connect.put_u8(self.version as u8);
        // A clean session with a name and a password, which is never too long silent.
        connect.put_slice(&[0xC2, 0, 0]);
        self.version.put_properties(&mut connect);
        for text in [&login.user, &login.user, &login.password()] {
            put_text(&mut connect, text);
        }
        self.put_packet(0x10, &connect);
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

    pub(crate) fn put_publish(&mut self, topic: &str, payload: &[u8]) {
        self.next_id = self.next_id % u16::MAX + 1;
        let mut body = BytesMut::with_capacity(payload.len() + 64);
        put_text(&mut body, topic);
        body.put_u16(self.next_id);
        self.version.put_properties(&mut body);
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

    /// Sends what was put, and receives what there is, at least something.
    pub(crate) async fn exchange(&mut self) -> std::io::Result<()> {
        self.flush().await?;
        self.fill().await
    }

    async fn fill(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next packet, if all of it was received.
    fn next_received(&mut self) -> Option<(u8, BytesMut)> {
        let (length, size) = variable_length(self.input.get(1..)?)?;
        let at = 1 + size;
        if self.input.len() < at + length {
            return None;
        }
        let first = self.input[0];
        self.input.advance(at);
        Some((first, self.input.split_to(length)))
    }

    /// The payload of the next publish, if all of it was received. It is acknowledged.
    pub(crate) fn next_payload(&mut self) -> Option<BytesMut> {
        loop {
            let (kind, mut body) = self.next_received()?;
            if kind & 0xf0 == PUBLISH & 0xf0 {
                let topic = usize::from(body.get_u16());
                body.advance(topic);
                let id = body.get_u16();
                self.version.skip_properties(&mut body);
                self.put_packet(PUBACK, &id.to_be_bytes());
                return Some(body);
            }
        }
    }
}

/// A number of 7 bits a byte, and how many bytes it has; `None` if it is incomplete.
fn variable_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (place, byte) in bytes.iter().enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((length, place + 1));
        }
    }
    None
}

fn put_text(bytes: &mut BytesMut, text: &str) {
    bytes.put_u16(u16::try_from(text.len()).expect("a short text"));
    bytes.put_slice(text.as_bytes());
}

/// Sends every publish back.
async fn echo(mut client: Client) -> std::io::Result<()> {
    loop {
        while let Some(payload) = client.next_payload() {
            client.put_publish(ANSWERS, &payload);
        }
        client.exchange().await?;
    }
}

/// Round trips (command and answer, QoS 1 each) with a fixed number outstanding, between a user with
/// the rights of a gateway and one with those of a servidor.
pub(crate) async fn round_trips(
    world: &World,
    version: Version,
    outstanding: usize,
    length: Duration,
) -> std::io::Result<Stats> {
    let servidor = Client::connect(world, version, (Role::Servidor, "echo"), COMMANDS).await?;
    let echoing = tokio::spawn(echo(servidor));
    let mut client = Client::connect(world, version, (Role::Gateway, "caller"), ANSWERS).await?;
    let mut stats = Stats::start();
    let begun = Instant::now();
    let ask = |client: &mut Client| {
        let mut payload = PAYLOAD;
        let sent = u64::try_from(begun.elapsed().as_nanos()).expect("a short run");
        payload[..8].copy_from_slice(&sent.to_be_bytes());
        client.put_publish(COMMANDS, &payload);
    };
    for _ in 0..outstanding {
        ask(&mut client);
    }
    while begun.elapsed() < length {
        client.exchange().await?;
        while let Some(mut payload) = client.next_payload() {
            let sent = Duration::from_nanos(payload.get_u64());
            stats.add_latency(begun.elapsed().saturating_sub(sent));
            ask(&mut client);
        }
    }
    stats.end();
    echoing.abort();
    Ok(stats)
}
