//! The TCP connection, with TLS or without: packets in, bytes out. The MQTT library only reads and
//! writes packets; its event loop, which writes them one by one, is not used.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures_util::{FutureExt, StreamExt};
use rumqttc::v5::mqttbytes::v5::{ConnAck, Login, Packet};
use socket2::SockRef;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_util::codec::FramedRead;

use super::codec::{Incoming, PacketDecoder};
use super::connect_packet::{KEEP_ALIVE_SECS, connect_packet, last_will};
use super::dial::Dialer;
use super::loss::Reason;
use super::peer::login_advice;
use super::tls::{self, TlsReader, TlsWriter};
use crate::outbox::{MAX_ARRAY_BYTES, MAX_PACKET};
use crate::presence::PresencePublisher;
use crate::{Options, credentials};

/// For the files of the credentials.
const FILES_TIMEOUT: Duration = Duration::from_secs(5);
/// For CONNECT and CONNACK.
const CONNACK_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a ping is sent, unless the broker wants it more often.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(KEEP_ALIVE_SECS as u64);
/// Limit of publishes in flight. It keeps a broker on the same network busy; with more, messages
/// would wait in the broker instead of the outbox, where they can be joined.
const MAX_IN_FLIGHT: u16 = 64;
/// How much the kernel takes before the network does: what it holds cannot be seen to make progress.
const MAX_UNSENT: u32 = 128 * 1024;

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
            window: receive_max.map_or(MAX_IN_FLIGHT, |max| MAX_IN_FLIGHT.min(max).max(1)).into(),
            max_packet,
            subscription_identifiers,
            // The topic and properties of a joined message are far smaller than the difference.
            max_array: MAX_ARRAY_BYTES.min(max_packet.saturating_sub(2 * 1024)),
        }
    }
}

pub(super) struct Reader(FramedRead<ReadHalf, PacketDecoder>);

enum ReadHalf {
    Plain(OwnedReadHalf),
    Tls(TlsReader),
}

impl AsyncRead for ReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(half) => Pin::new(half).poll_read(context, buffer),
            Self::Tls(half) => Pin::new(half).poll_read(context, buffer),
        }
    }
}

pub(super) enum Writer {
    Plain(OwnedWriteHalf),
    Tls(TlsWriter),
}

/// A connection on which nothing was sent but TLS.
pub(crate) struct Opened {
    login: credentials::Login,
    reader: ReadHalf,
    writer: Writer,
}

impl Opened {
    /// The broker's certificate, in DER.
    pub(crate) fn certificate(&self) -> Option<Vec<u8>> {
        match &self.reader {
            ReadHalf::Plain(_) => None,
            ReadHalf::Tls(half) => half.certificate(),
        }
    }
}

/// Opens a connection; the broker has accepted it.
pub(super) async fn connect(
    options: &Options,
    dialer: &mut Dialer,
    presence: Option<&PresencePublisher<'_>>,
) -> Result<(Reader, Writer, ConnAck), Reason> {
    // First, so that a file that cannot be read costs the broker nothing.
    let login = load_credentials(options).await?;
    let stream = dial(options, dialer).await?;
    let opened = open_with(options, login, stream).await?;
    let connected = log_in(options, presence, opened).await?;
    dialer.confirm();
    Ok(connected)
}

pub(super) async fn dial(options: &Options, dialer: &mut Dialer) -> Result<TcpStream, Reason> {
    let stream = dialer.dial(&options.broker, options.port).await?;
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT)?;
    Ok(stream)
}

/// Makes the connection over `stream` ready for MQTT: with TLS or without, and with the login, as the
/// files of the settings say at this moment.
pub(super) async fn open(options: &Options, stream: TcpStream) -> Result<Opened, Reason> {
    let login = load_credentials(options).await?;
    open_with(options, login, stream).await
}

async fn open_with(
    options: &Options,
    login: credentials::Login,
    stream: TcpStream,
) -> Result<Opened, Reason> {
    let (reader, writer) = match &login.tls {
        None => {
            let (reader, writer) = stream.into_split();
            (ReadHalf::Plain(reader), Writer::Plain(writer))
        }
        Some(config) => {
            let (reader, writer) = tls::connect(config.clone(), &options.broker, stream).await?;
            (ReadHalf::Tls(reader), Writer::Tls(writer))
        }
    };
    Ok(Opened { login, reader, writer })
}

/// Logs in at the broker. Returns once the broker has accepted the connection.
pub(super) async fn log_in(
    options: &Options,
    presence: Option<&PresencePublisher<'_>>,
    Opened { login, reader, writer }: Opened,
) -> Result<(Reader, Writer, ConnAck), Reason> {
    let reader = Reader(FramedRead::new(reader, PacketDecoder::default()));
    let handshake = mqtt_handshake(options, login, presence, reader, writer);
    let connected =
        timeout(CONNACK_TIMEOUT, handshake).await.unwrap_or(Err(Reason::ConnackTimeout));
    connected.map_err(|reason| match reason {
        Reason::Refused { code } | Reason::Disconnected { code, .. } if code.is_about_login() => {
            Reason::LoginRefused { code, advice: login_advice(&options.credentials) }
        }
        Reason::ClosedAtConnect if options.credentials.authorities.is_some() => {
            Reason::ClosedAtTlsConnect
        }
        other => other,
    })
}

/// Reads the files of the login; gives up after a while, because their disk may not answer.
async fn load_credentials(options: &Options) -> Result<credentials::Login, Reason> {
    let credentials = options.credentials.clone();
    let loading = tokio::task::spawn_blocking(move || credentials.load());
    let loaded = timeout(FILES_TIMEOUT, loading).await.map_err(|_| Reason::CredentialsSilent)?;
    Ok(loaded.map_err(io::Error::other)??)
}

/// Sends CONNECT and reads the answer.
async fn mqtt_handshake(
    options: &Options,
    login: credentials::Login,
    presence: Option<&PresencePublisher<'_>>,
    mut reader: Reader,
    mut writer: Writer,
) -> Result<(Reader, Writer, ConnAck), Reason> {
    let mut bytes = BytesMut::new();
    let credentials::Login { username, password, .. } = login;
    let login = username.map(|user| Login::new(user, password.unwrap_or_default()));
    let connect = Packet::Connect(connect_packet(options), presence.map(last_will), login);
    connect.write(&mut bytes, None)?;
    // A peer that has closed may have said why: what it sent is read also if the write fails.
    while writer.write(&mut bytes).is_ok() && writer.is_waiting(&bytes) {
        writer.writable().await;
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
    /// Writes what the socket takes, and removes it from `outgoing`. Returns how many bytes the
    /// socket took: with TLS, of the encrypted text.
    pub(super) fn write(&mut self, outgoing: &mut BytesMut) -> io::Result<usize> {
        let half = match self {
            Self::Plain(half) => half,
            Self::Tls(half) => return half.write(outgoing),
        };
        let mut taken = 0;
        while !outgoing.is_empty() {
            match half.try_write(outgoing) {
                Ok(written) => {
                    outgoing.advance(written);
                    taken += written;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// Whether the socket has not taken everything: some of `outgoing`, or of what is encrypted.
    pub(super) fn is_waiting(&self, outgoing: &BytesMut) -> bool {
        let is_encrypted_waiting = || match self {
            Self::Plain(_) => false,
            Self::Tls(half) => half.is_waiting(),
        };
        !outgoing.is_empty() || is_encrypted_waiting()
    }

    /// Waits until the socket takes more, or is broken: then the next write fails.
    pub(super) async fn writable(&self) {
        let _ = match self {
            Self::Plain(half) => half.writable().await,
            Self::Tls(half) => half.writable().await,
        };
    }
}
