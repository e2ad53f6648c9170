//! What we send.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Publish, PublishProperties};
use tokio::time::Instant;

use super::{Connection, Phase, Reason};
use crate::counters::add;
use crate::flight::Cargo;
use crate::outbox::Batch;
use crate::sync::lock;

/// What our payloads are.
const CONTENT_TYPE: &str = "application/json";
/// MQTT's mark for UTF-8 text.
const UTF_8: u8 = 1;

/// Says that a message expires. In its last second, and after a restart past its time, Mosquitto
/// passes it on without an expiry, as if it never did; but with this.
pub(crate) fn expires() -> (String, String) {
    ("expires".to_owned(), "yes".to_owned())
}

impl Connection<'_> {
    /// Hands to the library all that may go now.
    pub(super) fn pump(&mut self) -> Result<(), Reason> {
        let mut ready = std::mem::take(&mut self.ready_acks);
        let abandoned = self.acks.take_ready(&mut ready);
        add(&self.shared.tally.abandoned, abandoned);
        self.acknowledge(&mut ready);
        self.ready_acks = ready;
        if self.phase != Phase::Up {
            return Ok(());
        }
        let now = Instant::now();
        while self.flight.len() < self.limits.window {
            let (batch, expired) = lock(&self.shared.outbox).take(now, self.limits.max_array);
            add(&self.shared.tally.expired, expired);
            let Some(batch) = batch else { break };
            self.send(batch, now)?;
        }
        Ok(())
    }

    /// Acknowledges deliveries, as many as the library has room for now; those stay in the list
    /// that it has not. (A broker that keeps to Receive Maximum never has it full.)
    pub(super) fn acknowledge(&mut self, pkids: &mut Vec<u16>) {
        let refused = pkids.iter().position(|pkid| {
            let delivery = Publish { qos: QoS::AtLeastOnce, pkid: *pkid, ..Publish::default() };
            self.client.try_ack(&delivery).is_err()
        });
        pkids.drain(..refused.unwrap_or(pkids.len()));
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
        self.hand_over(topic, birth, true, PublishProperties::default())?;
        self.flight.hand_over(Cargo::Birth, now);
        Ok(())
    }

    /// Publishes "offline".
    pub(super) fn bid_farewell(&mut self, topic: String, farewell: Bytes) -> Result<(), Reason> {
        self.hand_over(topic, farewell, true, PublishProperties::default())?;
        self.flight.hand_over(Cargo::Farewell, Instant::now());
        Ok(())
    }

    fn send(&mut self, batch: Batch, now: Instant) -> Result<(), Reason> {
        let tally = &self.shared.tally;
        let size = batch.size();
        if size > self.limits.max_packet {
            // Handed over, it would end the connection, this one and every next one.
            tracing::error!(
                topic = &*batch.topic,
                size,
                max = self.limits.max_packet,
                "message dropped: larger than the broker takes"
            );
            add(&tally.refused, batch.items.len());
            lock(&self.shared.outbox).settle(&batch);
            return Ok(());
        }
        add(&tally.published, batch.items.len());
        add(&tally.packets, 1);
        let (response_topic, correlation_data) = batch.reply_to();
        let properties = PublishProperties {
            message_expiry_interval: batch.expiry_seconds,
            user_properties: batch.expiry_seconds.map(|_| expires()).into_iter().collect(),
            response_topic,
            correlation_data,
            ..PublishProperties::default()
        };
        let (topic, payload, retain) = (batch.topic.to_string(), batch.payload(), batch.retain());
        // Counted as in flight even if handing over fails, so that it is kept.
        self.flight.hand_over(Cargo::Messages(batch), now);
        self.hand_over(topic, payload, retain, properties)
    }

    fn hand_over(
        &self,
        topic: String,
        payload: Bytes,
        retain: bool,
        properties: PublishProperties,
    ) -> Result<(), Reason> {
        let properties = PublishProperties {
            payload_format_indicator: Some(UTF_8),
            content_type: Some(CONTENT_TYPE.to_owned()),
            ..properties
        };
        self.client
            .try_publish_with_properties(topic, QoS::AtLeastOnce, retain, payload, properties)
            .map_err(|_| Reason::Request)
    }
}
