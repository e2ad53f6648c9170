//! The connection of a trial: one packet after the other, and no acknowledgement of a delivery.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Disconnect, DisconnectProperties, DisconnectReasonCode, Filter, Packet, PingReq,
    Publish, PublishProperties, RetainForwardRule, Subscribe, SubscribeReasonCode,
};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::codec::Incoming;
use super::dial::Dialer;
use super::loss::Reason;
use super::socket::{self, Opened, Reader, Writer};
use crate::{Options, ReasonCode};

/// Nobody needs it later.
const EXPIRY_SECS: u32 = 1;

pub(crate) struct TrialConnection {
    reader: Reader,
    writer: Writer,
    last_pkid: u16,
    /// Topics and payloads, since [`listen`](Self::listen).
    received: Option<Vec<(String, Bytes)>>,
}

impl TrialConnection {
    pub(crate) async fn dial(options: &Options, dialer: &mut Dialer) -> Result<TcpStream, Reason> {
        socket::dial(options, dialer).await
    }

    /// Makes the connection ready for a login. With TLS, the certificate of the broker is checked.
    pub(crate) async fn open(options: &Options, stream: TcpStream) -> Result<Opened, Reason> {
        socket::open(options, stream).await
    }

    pub(crate) async fn log_in(
        options: &Options,
        opened: Opened,
    ) -> Result<(Self, ConnAck), Reason> {
        let (reader, writer, connack) = socket::log_in(options, None, opened).await?;
        Ok((Self { reader, writer, last_pkid: 0, received: None }, connack))
    }

    /// Subscribes to filters at QoS 1 and returns those that are refused. No retained message is
    /// sent for them.
    pub(crate) async fn subscribe(&mut self, filters: &[String]) -> Result<Vec<String>, Reason> {
        // MQTT allows no SUBSCRIBE without a filter.
        if filters.is_empty() {
            return Ok(Vec::new());
        }
        let retain_forward_rule = RetainForwardRule::Never;
        let filter = |path: &String| Filter {
            retain_forward_rule: retain_forward_rule.clone(),
            ..Filter::new(path, QoS::AtLeastOnce)
        };
        let codes = self.send_subscribe(filters.iter().map(filter).collect()).await?;
        let refused = filters.iter().zip(codes).filter(|(_, code)| {
            !matches!(code, SubscribeReasonCode::Success(QoS::AtLeastOnce | QoS::ExactlyOnce))
        });
        Ok(refused.map(|(filter, _)| filter.clone()).collect())
    }

    async fn send_subscribe(
        &mut self,
        filters: Vec<Filter>,
    ) -> Result<Vec<SubscribeReasonCode>, Reason> {
        let mut subscribe = Subscribe::new_many(filters, None);
        subscribe.pkid = self.next_pkid();
        let mut bytes = BytesMut::new();
        subscribe.write(&mut bytes)?;
        self.write(bytes).await?;
        loop {
            match self.next().await? {
                Incoming::Other(Packet::SubAck(suback)) if suback.pkid == subscribe.pkid => {
                    return Ok(suback.return_codes);
                }
                _ => {}
            }
        }
    }

    /// What the broker answers to a message, which it forgets at once.
    pub(crate) async fn publish(
        &mut self,
        topic: &str,
        payload: Bytes,
    ) -> Result<ReasonCode, Reason> {
        let sent = self.next_pkid();
        let properties = PublishProperties {
            message_expiry_interval: Some(EXPIRY_SECS),
            ..PublishProperties::default()
        };
        let publish = Publish {
            qos: QoS::AtLeastOnce,
            topic: Bytes::copy_from_slice(topic.as_bytes()),
            pkid: sent,
            payload,
            properties: Some(properties),
            ..Publish::default()
        };
        let mut bytes = BytesMut::new();
        publish.write(&mut bytes)?;
        self.write(bytes).await?;
        loop {
            match self.next().await? {
                Incoming::PubAck { pkid, code } if pkid == sent => return Ok(code),
                _ => {}
            }
        }
    }

    /// Receives what is retained on these topics, and what comes in a while after that.
    pub(crate) async fn listen(&mut self, filter: &str, longer: Duration) -> Result<(), Reason> {
        self.received = Some(Vec::new());
        // At QoS 0, which needs no acknowledgement.
        self.send_subscribe(vec![Filter::new(filter, QoS::AtMostOnce)]).await?;
        let mut bytes = BytesMut::new();
        PingReq::write(&mut bytes)?;
        self.write(bytes).await?;
        while !matches!(self.next().await?, Incoming::Other(Packet::PingResp(_))) {}
        let listening = async {
            loop {
                self.next().await?;
            }
        };
        timeout(longer, listening).await.unwrap_or(Ok(()))
    }

    /// What was received; `None` without [`listen`](Self::listen).
    pub(crate) fn received(self) -> Option<Vec<(String, Bytes)>> {
        self.received
    }

    /// Leaves no session, unless it was there before.
    pub(crate) async fn close(&mut self, keeps_session: bool) -> Result<(), Reason> {
        let mut disconnect = Disconnect::new(DisconnectReasonCode::NormalDisconnection);
        if !keeps_session {
            disconnect.properties = Some(DisconnectProperties {
                session_expiry_interval: Some(0),
                reason_string: None,
                user_properties: Vec::new(),
                server_reference: None,
            });
        }
        let mut bytes = BytesMut::new();
        disconnect.write(&mut bytes)?;
        self.write(bytes).await
    }

    fn next_pkid(&mut self) -> u16 {
        self.last_pkid += 1;
        self.last_pkid
    }

    async fn write(&mut self, mut bytes: BytesMut) -> Result<(), Reason> {
        self.writer.write(&mut bytes)?;
        while self.writer.is_waiting(&bytes) {
            self.writer.writable().await;
            self.writer.write(&mut bytes)?;
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Incoming, Reason> {
        let packet = self.reader.next().await?;
        match &packet {
            Incoming::Disconnect { code, text } => {
                return Err(Reason::Disconnected { code: *code, text: text.clone() });
            }
            Incoming::Other(Packet::Publish(publish)) => {
                let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                let received = self.received.as_mut();
                received
                    .into_iter()
                    .for_each(|all| all.push((topic.clone(), publish.payload.clone())));
            }
            _ => {}
        }
        Ok(packet)
    }
}
