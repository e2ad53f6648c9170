//! The TCP connection: packets in, bytes out. The MQTT library only reads and writes packets; its
//! event loop, which writes them one by one, is not used.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAck, Connect, ConnectProperties, LastWill, Packet};
use socket2::SockRef;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_util::codec::FramedRead;

use super::codec::{Incoming, PacketDecoder};
use super::dial::Dialer;
use super::loss::Reason;
use crate::Options;
use crate::outbox::{MAX_ARRAY_BYTES, MAX_PACKET};
use crate::presence::PresencePublisher;

/// For CONNECT and CONNACK.
const CONNACK_TIMEOUT: Duration = Duration::from_secs(5);
/// The broker gives a connection up after one and a half of these without a packet.
const KEEP_ALIVE_SECS: u16 = 8;
/// How often a ping is sent, unless the broker wants it more often.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(KEEP_ALIVE_SECS as u64);
/// Limit of publishes in flight. It keeps a broker on the same network busy; with more, messages
/// would wait in the broker instead of the outbox, where they can be joined.
const WINDOW: u16 = 64;
/// How much the kernel takes before the network does: what it holds cannot be seen to make progress.
const MAX_UNSENT: u32 = 128 * 1024;

#[expect(clippy::cast_possible_truncation, reason = "the constant is far below the limit")]
const MAX_INCOMING: u32 = MAX_PACKET as u32;

/// What the broker allows on one connection.
pub(super) struct BrokerLimits {
    pub(super) keep_alive: Duration,
    /// Publishes that may be in flight.
    pub(super) window: usize,
    /// Largest packet, in bytes.
    pub(super) max_packet: usize,
    /// Longest array of joined messages, in bytes.
    pub(super) max_array: usize,
    /// Whether the broker takes SUBSCRIBE with an identifier.
    pub(super) subscription_identifiers: bool,
}

impl BrokerLimits {
    pub(super) fn from_connack(connack: &ConnAck) -> Self {
        let properties = connack.properties.as_ref();
        let receive_max = properties.and_then(|known| known.receive_max);
        let max_packet = properties.and_then(|known| known.max_packet_size);
        let identifiers = properties.and_then(|known| known.subscription_identifiers_available);
        let subscription_identifiers = identifiers != Some(0);
        let keep_alive = properties.and_then(|known| known.server_keep_alive);
        let keep_alive = keep_alive.filter(|seconds| *seconds > 0).unwrap_or(KEEP_ALIVE_SECS);
        let max_packet = max_packet.map_or(MAX_PACKET, |max| MAX_PACKET.min(max as usize));
        Self {
            keep_alive: KEEP_ALIVE.min(Duration::from_secs(keep_alive.into())),
            window: receive_max.map_or(WINDOW, |max| WINDOW.min(max).max(1)).into(),
            max_packet,
            subscription_identifiers,
            // The topic and properties of a joined message are far smaller than the difference.
            max_array: MAX_ARRAY_BYTES.min(max_packet.saturating_sub(2 * 1024)),
        }
    }
}

/// How many deliveries may be unacknowledged, within the range of MQTT.
pub(super) fn receive_maximum(options: &Options) -> u16 {
    u16::try_from(options.inbox).unwrap_or(u16::MAX).max(1)
}

pub(super) struct Reader(FramedRead<OwnedReadHalf, PacketDecoder>);

pub(super) struct Writer(OwnedWriteHalf);

/// Opens a connection; the broker has accepted it.
pub(super) async fn connect(
    options: &Options,
    dialer: &mut Dialer,
    presence: Option<&PresencePublisher<'_>>,
) -> Result<(Reader, Writer, ConnAck), Reason> {
    let stream = dialer.dial(&options.broker, options.port).await?;
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT)?;
    let (reader, writer) = stream.into_split();
    let reader = Reader(FramedRead::new(reader, PacketDecoder::default()));
    let shaken = timeout(CONNACK_TIMEOUT, shake_hands(options, presence, reader, Writer(writer)));
    let connected = shaken.await.unwrap_or(Err(Reason::ConnackTimeout))?;
    dialer.confirm();
    Ok(connected)
}

async fn shake_hands(
    options: &Options,
    presence: Option<&PresencePublisher<'_>>,
    mut reader: Reader,
    mut writer: Writer,
) -> Result<(Reader, Writer, ConnAck), Reason> {
    let mut bytes = BytesMut::new();
    let connect = Packet::Connect(connect_packet(options), presence.map(last_will), None);
    connect.write(&mut bytes, None)?;
    while !bytes.is_empty() {
        writer.writable().await;
        writer.write(&mut bytes)?;
    }
    match reader.next().await {
        // The decoder lets only a CONNACK pass that accepts the connection.
        Ok(Incoming::Other(Packet::ConnAck(connack))) => Ok((reader, writer, connack)),
        Ok(Incoming::Disconnect { code, text }) => Err(Reason::Disconnected { code, text }),
        Ok(_) => Err(Reason::Unexpected),
        Err(Reason::Closed) => Err(Reason::ClosedAtConnect),
        Err(Reason::Io(error)) if error.kind() == ErrorKind::ConnectionReset => {
            Err(Reason::ClosedAtConnect)
        }
        Err(reason) => Err(reason),
    }
}

impl Reader {
    /// The next packet. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Incoming, Reason> {
        self.0.next().await.unwrap_or(Err(Reason::Closed))
    }

    /// The next packet, if it has arrived.
    pub(super) fn next_now(&mut self) -> Option<Result<Incoming, Reason>> {
        self.next().now_or_never()
    }
}

impl Writer {
    /// Writes what the socket takes, and removes it from `outgoing`.
    pub(super) fn write(&mut self, outgoing: &mut BytesMut) -> Result<(), Reason> {
        while !outgoing.is_empty() {
            match self.0.try_write(outgoing) {
                Ok(written) => outgoing.advance(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until the socket takes more, or is broken: then the next write fails.
    pub(super) async fn writable(&self) {
        let _ = self.0.writable().await;
    }
}

fn connect_packet(options: &Options) -> Connect {
    let session_expiry = u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX);
    let properties = ConnectProperties {
        session_expiry_interval: Some(session_expiry),
        receive_maximum: Some(receive_maximum(options)),
        max_packet_size: Some(MAX_INCOMING),
        ..ConnectProperties::new()
    };
    Connect {
        keep_alive: KEEP_ALIVE_SECS,
        client_id: options.mqtt_id.clone(),
        clean_start: false,
        properties: Some(properties),
    }
}

fn last_will(presence: &PresencePublisher<'_>) -> LastWill {
    LastWill {
        topic: Bytes::copy_from_slice(presence.topic.as_bytes()),
        message: presence.offline.clone(),
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: None,
    }
}
