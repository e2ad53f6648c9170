//! What we send.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{PubAck, Publish, PublishProperties};
use tokio::time::Instant;

use super::{Connection, Phase, Reason};
use crate::counters::add;
use crate::expiry_mark;
use crate::flight::Cargo;
use crate::outbox::Batch;
use crate::sync::lock;

/// What our payloads are.
const CONTENT_TYPE: &str = "application/json";
/// With so much unsent, in bytes, nothing is added: it can still be joined, or given up.
const ENOUGH: usize = 256 * 1024;
/// MQTT's mark for UTF-8 text.
const UTF_8: u8 = 1;

impl Connection<'_> {
    /// Makes packets of all that may go now.
    pub(super) fn pump(&mut self) -> Result<(), Reason> {
        let mut ready = std::mem::take(&mut self.ready_acks);
        let abandoned = self.acks.take_ready(&mut ready);
        add(&self.shared.tally.abandoned, abandoned);
        self.acknowledge(&mut ready)?;
        self.ready_acks = ready;
        self.crowded = false;
        if self.phase != Phase::Up {
            return Ok(());
        }
        let now = Instant::now();
        while self.flight.len() < self.limits.window && self.outgoing.len() < ENOUGH {
            let (batch, expired) = lock(&self.shared.outbox).take(now, self.limits.max_array);
            add(&self.shared.tally.expired, expired);
            let Some(batch) = batch else { break };
            self.send(batch, now)?;
        }
        self.crowded = self.outgoing.len() >= ENOUGH;
        Ok(())
    }

    /// Acknowledges deliveries.
    pub(super) fn acknowledge(&mut self, pkids: &mut Vec<u16>) -> Result<(), Reason> {
        for pkid in pkids.drain(..) {
            PubAck::new(pkid, None).write(&mut self.outgoing)?;
        }
        Ok(())
    }

    /// Announces our presence where it is due.
    pub(super) fn announce_birth(&mut self) -> Result<(), Reason> {
        let now = Instant::now();
        if self.phase != Phase::Up {
            return Ok(());
        }
        let Some(herald) = &mut self.herald else {
            return Ok(());
        };
        if !herald.must_announce(now) {
            return Ok(());
        }
        let (topic, birth) = (herald.topic.clone(), herald.birth.clone());
        let packet = Publish { retain: true, ..publish(&topic, birth) };
        self.write(packet, Cargo::Birth, now)
    }

    /// Publishes "offline".
    pub(super) fn bid_farewell(&mut self, topic: &str, farewell: Bytes) -> Result<(), Reason> {
        let packet = Publish { retain: true, ..publish(topic, farewell) };
        self.write(packet, Cargo::Farewell, Instant::now())
    }

    fn send(&mut self, batch: Batch, now: Instant) -> Result<(), Reason> {
        let tally = &self.shared.tally;
        let size = batch.size();
        if size > self.limits.max_packet {
            // Sent, it would end the connection, this one and every next one.
            tracing::error!(
                topic = &*batch.topic,
                size,
                max = self.limits.max_packet,
                "message dropped: larger than the broker takes"
            );
            add(&tally.refused, batch.items.len());
            lock(&self.shared.outbox).settle(batch);
            return Ok(());
        }
        add(&tally.published, batch.items.len());
        add(&tally.packets, 1);
        let (response_topic, correlation_data) = batch.reply_to();
        let mut packet = publish(&batch.topic, batch.payload());
        packet.retain = batch.retain();
        if let Some(properties) = &mut packet.properties {
            properties.message_expiry_interval = batch.expiry_seconds;
            properties.user_properties.extend(batch.expiry_seconds.map(|_| expiry_mark::new()));
            properties.response_topic = response_topic;
            properties.correlation_data = correlation_data;
        }
        self.write(packet, Cargo::Messages(batch), now)
    }

    /// Makes the packet and counts it as in flight.
    fn write(&mut self, packet: Publish, cargo: Cargo, now: Instant) -> Result<(), Reason> {
        let pkid = self.flight.take_off(cargo, now);
        Publish { pkid, ..packet }.write(&mut self.outgoing)?;
        Ok(())
    }
}

fn publish(topic: &str, payload: Bytes) -> Publish {
    let properties = PublishProperties {
        payload_format_indicator: Some(UTF_8),
        content_type: Some(CONTENT_TYPE.to_owned()),
        ..PublishProperties::default()
    };
    Publish {
        qos: QoS::AtLeastOnce,
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        payload,
        properties: Some(properties),
        ..Publish::default()
    }
}
