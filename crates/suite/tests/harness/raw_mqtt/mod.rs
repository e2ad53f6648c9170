//! A small MQTT client that shows everything the broker answers, and can send what a library would
//! not: 3.1.1 and 5, over TCP and WebSocket.

mod stream;
mod wire;

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use stream::Stream;
use wire::{framed, put_text, split_packet, take_text};

use super::TEST_TIMEOUT;

const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const SUBACK: u8 = 9;
const PINGRESP: u8 = 13;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V311,
    V5,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    WebSocket,
}

/// A listener, and how it is spoken to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) port: u16,
    pub(crate) transport: Transport,
    pub(crate) version: Version,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Connect {
    pub(crate) client_id: String,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    /// Topic and payload.
    pub(crate) will: Option<(String, String)>,
    /// The broker keeps the session when the connection ends.
    pub(crate) keeps_session: bool,
}

impl Connect {
    pub(crate) fn anonymous(client_id: &str) -> Self {
        Self { client_id: client_id.to_owned(), ..Self::default() }
    }

    pub(crate) fn user(name: &str, password: &str) -> Self {
        let (user, password) = (Some(name.to_owned()), Some(password.to_owned()));
        Self { client_id: name.to_owned(), user, password, ..Self::default() }
    }

    fn packet(&self, version: Version) -> BytesMut {
        let flags = [
            (!self.keeps_session, 0x02),
            (self.will.is_some(), 0x04),
            (self.password.is_some(), 0x40),
            (self.user.is_some(), 0x80),
        ];
        let mut body = BytesMut::new();
        put_text(&mut body, "MQTT");
        body.put_u8(if version == Version::V5 { 5 } else { 4 });
        body.put_u8(flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum());
        body.put_u16(60);
        if version == Version::V5 {
            if self.keeps_session {
                // Session Expiry Interval: an hour.
                body.put_slice(&[5, 17, 0, 0, 0x0E, 0x10]);
            } else {
                body.put_u8(0);
            }
        }
        put_text(&mut body, &self.client_id);
        if let Some((topic, payload)) = &self.will {
            if version == Version::V5 {
                body.put_u8(0);
            }
            put_text(&mut body, topic);
            put_text(&mut body, payload);
        }
        for text in [&self.user, &self.password].into_iter().flatten() {
            put_text(&mut body, text);
        }
        framed(0x10, &body)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) retained: bool,
}

/// The reason code of a CONNACK, or `None` if the broker closed without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) Option<u8>);

pub(crate) struct Connection {
    stream: Stream,
    version: Version,
    buffer: BytesMut,
    last_id: u16,
    acks: HashMap<u16, u8>,
    received: Vec<Received>,
}

impl Connection {
    pub(crate) async fn open(endpoint: Endpoint, connect: &Connect) -> Result<Self, Refused> {
        let stream = Stream::connect(endpoint).await.ok_or(Refused(None))?;
        let mut connection = Self {
            stream,
            version: endpoint.version,
            buffer: BytesMut::new(),
            last_id: 0,
            acks: HashMap::new(),
            received: Vec::new(),
        };
        let packet = connect.packet(endpoint.version);
        connection.stream.send(packet.freeze()).await.ok_or(Refused(None))?;
        let (kind, body) = connection.packet().await.ok_or(Refused(None))?;
        assert_eq!(kind >> 4, CONNACK);
        match body[1] {
            0 => Ok(connection),
            code => Err(Refused(Some(code))),
        }
    }

    /// Publishes each with QoS 1, and gives the reason code of each acknowledgement (0 for 3.1.1).
    pub(crate) async fn publish(&mut self, messages: &[(&str, &str)], retain: bool) -> Vec<u8> {
        let codes = self.try_to_publish(messages, retain).await;
        codes.expect("the broker closed the connection")
    }

    /// As [`publish`](Self::publish); `None` if the broker ends the connection instead.
    pub(crate) async fn try_to_publish(
        &mut self,
        messages: &[(&str, &str)],
        retain: bool,
    ) -> Option<Vec<u8>> {
        let mut ids = Vec::new();
        let mut packets = BytesMut::new();
        for (topic, payload) in messages {
            let mut body = BytesMut::new();
            put_text(&mut body, topic);
            ids.push(self.put_next_id(&mut body));
            if self.version == Version::V5 {
                body.put_u8(0);
            }
            body.put_slice(payload.as_bytes());
            packets.unsplit(framed(0x32 | u8::from(retain), &body));
        }
        self.stream.send(packets.freeze()).await?;
        let mut codes = Vec::new();
        for id in ids {
            while !self.acks.contains_key(&id) {
                self.process_next().await?;
            }
            codes.extend(self.acks.remove(&id));
        }
        Some(codes)
    }

    /// Subscribes with QoS 0, so that messages arrive in the order in which they were published.
    pub(crate) async fn subscribe(&mut self, filters: &[&str]) {
        self.subscribe_with_qos(0, filters).await;
    }

    /// With QoS 1, messages wait while a client with a session is away.
    pub(crate) async fn subscribe_with_qos(&mut self, qos: u8, filters: &[&str]) {
        let mut body = BytesMut::new();
        let id = self.put_next_id(&mut body);
        if self.version == Version::V5 {
            body.put_u8(0);
        }
        for filter in filters {
            put_text(&mut body, filter);
            body.put_u8(qos);
        }
        self.stream.send(framed(0x82, &body).freeze()).await.expect("a connection");
        while self.acks.remove(&id).is_none() {
            assert!(self.process_next().await.is_some(), "the broker closed the connection");
        }
    }

    /// All that the broker has sent by now: it answers a ping after that. `None` if it has ended the
    /// connection.
    pub(crate) async fn drain(&mut self) -> Option<Vec<Received>> {
        self.stream.send(Bytes::from_static(&[0xC0, 0])).await?;
        while self.process_next().await? != PINGRESP {}
        Some(std::mem::take(&mut self.received))
    }

    fn put_next_id(&mut self, body: &mut BytesMut) -> u16 {
        self.last_id += 1;
        body.put_u16(self.last_id);
        self.last_id
    }

    async fn process_next(&mut self) -> Option<u8> {
        let (kind, mut body) = self.packet().await?;
        match kind >> 4 {
            PUBLISH => {
                let topic = take_text(&mut body);
                if kind & 0x06 != 0 {
                    body.advance(2);
                }
                if self.version == Version::V5 {
                    let length = usize::from(body.get_u8());
                    body.advance(length);
                }
                let payload = String::from_utf8_lossy(&body).into_owned();
                self.received.push(Received { topic, payload, retained: kind & 1 == 1 });
            }
            PUBACK => {
                let id = body.get_u16();
                let code = if body.has_remaining() { body.get_u8() } else { 0 };
                self.acks.insert(id, code);
            }
            SUBACK => {
                self.acks.insert(body.get_u16(), 0);
            }
            _ => {}
        }
        Some(kind >> 4)
    }

    /// The first byte of the next packet, and its body.
    async fn packet(&mut self) -> Option<(u8, Bytes)> {
        loop {
            if let Some(packet) = split_packet(&mut self.buffer) {
                return Some(packet);
            }
            let receive = self.stream.receive(&mut self.buffer);
            tokio::time::timeout(TEST_TIMEOUT, receive).await.expect("an answer")?;
        }
    }

    /// Whether the broker ends this connection soon.
    pub(crate) async fn ends(&mut self) -> bool {
        let end = async { while self.process_next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(5), end).await.is_ok()
    }
}

/// A connection on which a CONNECT of 256 MiB begins, of which `part` bytes are sent, as far as the
/// broker takes them.
pub(crate) async fn send_packet_without_end(endpoint: Endpoint, part: usize) -> impl Sized {
    let mut stream = Stream::connect(endpoint).await.expect("a connection");
    let mut sent = stream.send(Bytes::from_static(b"\x10\xFF\xFF\xFF\x7F\0\x04MQTT\x05\xC2")).await;
    let block = Bytes::from(vec![b'x'; 1 << 16]);
    for _ in 0..part >> 16 {
        if sent.is_some() {
            sent = stream.send(block.clone()).await;
        }
    }
    stream
}
