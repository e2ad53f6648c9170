//! The test as the broker, packet by packet.

use std::time::Duration;

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnAckProperties, ConnectReturnCode, Packet, PubAck, Publish, SubAck,
    SubscribeReasonCode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::TEST_TIMEOUT;

pub(crate) const GRANTED: SubscribeReasonCode = SubscribeReasonCode::Success(QoS::AtLeastOnce);

/// The broker's end of one connection.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    pub(crate) buffer: BytesMut,
}

impl Peer {
    /// The next packet; pings are skipped.
    pub(crate) async fn receive(&mut self) -> Packet {
        loop {
            match Packet::read(&mut self.buffer, None) {
                Ok(Packet::PingReq(_)) => continue,
                Ok(packet) => return packet,
                Err(_) => {}
            }
            let read = timeout(TEST_TIMEOUT, self.stream.read_buf(&mut self.buffer)).await;
            assert!(read.expect("a packet comes").unwrap() > 0, "the client closed the connection");
        }
    }

    /// The next packet; `None` when the client has closed the connection.
    pub(crate) async fn receive_or_end(&mut self) -> Option<Packet> {
        loop {
            if let Ok(packet) = Packet::read(&mut self.buffer, None) {
                return Some(packet);
            }
            if self.stream.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    pub(crate) async fn publish(&mut self) -> Publish {
        match self.receive().await {
            Packet::Publish(publish) => publish,
            other => panic!("{other:?} instead of a PUBLISH"),
        }
    }

    pub(crate) async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, None).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
    }

    pub(crate) async fn acknowledge(&mut self, pkid: u16) {
        self.send(Packet::PubAck(PubAck::new(pkid, None))).await;
    }

    /// Ends its half of the connection and waits for the client to close: closed with bytes that
    /// were not read, the connection is reset, and the reset may overtake what was sent before.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
        while self.stream.read_buf(&mut self.buffer).await.is_ok_and(|read| read > 0) {}
    }

    pub(crate) async fn is_silent(&mut self) -> bool {
        assert!(self.buffer.is_empty(), "something was sent before");
        let wait = self.stream.read_buf(&mut self.buffer);
        timeout(Duration::from_millis(200), wait).await.is_err()
    }
}

pub(crate) struct FakeBroker {
    pub(crate) listener: TcpListener,
    /// Whether it says that it knows the session.
    pub(crate) session_present: bool,
    /// Whether it says that it takes subscription identifiers.
    pub(crate) subscription_identifiers: Option<u8>,
}

impl FakeBroker {
    pub(crate) async fn start() -> (Self, u16) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (Self { listener, session_present: true, subscription_identifiers: None }, port)
    }

    /// Lets the client connect, and answers its subscriptions.
    pub(crate) async fn accept(
        &self,
        receive_max: Option<u16>,
        answer: SubscribeReasonCode,
    ) -> Peer {
        let accepted = timeout(TEST_TIMEOUT, self.listener.accept()).await;
        let (stream, _) = accepted.expect("the client connects").unwrap();
        let buffer = BytesMut::new();
        let mut peer = Peer { stream, buffer };
        assert!(matches!(peer.receive().await, Packet::Connect(..)));
        let connack = ConnAck {
            session_present: self.session_present,
            code: ConnectReturnCode::Success,
            properties: Some(properties(receive_max, self.subscription_identifiers)),
        };
        peer.send(Packet::ConnAck(connack)).await;
        let Packet::Subscribe(subscribe) = peer.receive().await else {
            panic!("SUBSCRIBE comes first");
        };
        let suback = SubAck {
            pkid: subscribe.pkid,
            return_codes: vec![answer; subscribe.filters.len()],
            properties: None,
        };
        peer.send(Packet::SubAck(suback)).await;
        peer
    }
}

fn properties(
    receive_max: Option<u16>,
    subscription_identifiers_available: Option<u8>,
) -> ConnAckProperties {
    ConnAckProperties {
        session_expiry_interval: None,
        receive_max,
        max_qos: None,
        retain_available: None,
        max_packet_size: None,
        assigned_client_identifier: None,
        topic_alias_max: None,
        reason_string: None,
        user_properties: Vec::new(),
        wildcard_subscription_available: None,
        subscription_identifiers_available,
        shared_subscription_available: None,
        server_keep_alive: None,
        response_information: None,
        server_reference: None,
        authentication_method: None,
        authentication_data: None,
    }
}
