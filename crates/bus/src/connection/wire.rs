//! The TCP connection: packets in, bytes out. The MQTT library's part is to read and write
//! packets; its event loop, which writes them one by one, is not used.

use std::io::ErrorKind;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Codec, ConnAck, Connect, ConnectProperties, ConnectReturnCode, LastWill, Packet,
};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_util::codec::FramedRead;

use super::Reason;
use crate::Options;
use crate::herald::Herald;
use crate::settings::{self, CONNECT_TIMEOUT};

/// An MQTT connection that the broker has accepted.
pub(super) struct Wire {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

/// What the broker sends.
pub(super) struct Reader(FramedRead<OwnedReadHalf, Codec>);

/// What we send.
pub(super) struct Writer(OwnedWriteHalf);

impl Wire {
    /// Connects, and has the broker accept it.
    pub(super) async fn open(
        options: &Options,
        last_will: Option<LastWill>,
    ) -> Result<(Self, ConnAck), Reason> {
        timeout(CONNECT_TIMEOUT, Self::connect(options, last_will))
            .await
            .unwrap_or(Err(Reason::ConnectTimeout))
    }

    async fn connect(
        options: &Options,
        last_will: Option<LastWill>,
    ) -> Result<(Self, ConnAck), Reason> {
        let stream = TcpStream::connect((options.broker.as_str(), options.port)).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let codec =
            Codec { max_incoming_size: Some(settings::MAX_INCOMING), max_outgoing_size: None };
        let mut wire =
            Self { reader: Reader(FramedRead::new(reader, codec)), writer: Writer(writer) };
        let mut hello = BytesMut::new();
        Packet::Connect(connect(options), last_will, None).write(&mut hello, None)?;
        while !hello.is_empty() {
            wire.writer.writable().await;
            wire.writer.send(&mut hello)?;
        }
        match wire.reader.next().await? {
            Packet::ConnAck(connack) if connack.code == ConnectReturnCode::Success => {
                Ok((wire, connack))
            }
            Packet::ConnAck(connack) => Err(Reason::Refused(connack.code)),
            _ => Err(Reason::Unexpected),
        }
    }
}

impl Reader {
    /// The next packet. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Packet, Reason> {
        match self.0.next().await {
            Some(packet) => Ok(packet?),
            None => Err(Reason::Closed),
        }
    }

    /// The next packet, if it is there.
    pub(super) fn next_at_hand(&mut self) -> Option<Result<Packet, Reason>> {
        self.next().now_or_never()
    }
}

impl Writer {
    /// Writes what the socket has room for, and removes it from `outgoing`.
    pub(super) fn send(&mut self, outgoing: &mut BytesMut) -> Result<(), Reason> {
        while !outgoing.is_empty() {
            match self.0.try_write(outgoing) {
                Ok(written) => outgoing.advance(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits for room in the socket; where it is broken, writing will tell.
    pub(super) async fn writable(&self) {
        let _ = self.0.writable().await;
    }
}

fn connect(options: &Options) -> Connect {
    let session_expiry = u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX);
    let properties = ConnectProperties {
        session_expiry_interval: Some(session_expiry),
        receive_maximum: Some(settings::receive_maximum(options)),
        max_packet_size: Some(settings::MAX_INCOMING),
        ..ConnectProperties::new()
    };
    Connect {
        keep_alive: settings::KEEP_ALIVE_SECS,
        client_id: options.mqtt_id.clone(),
        clean_start: false,
        properties: Some(properties),
    }
}

/// What the broker is to publish in our place when the connection breaks.
pub(super) fn last_will(herald: &Herald) -> LastWill {
    LastWill {
        topic: Bytes::copy_from_slice(herald.topic.as_bytes()),
        message: herald.farewell.clone(),
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: None,
    }
}
