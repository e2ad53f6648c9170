//! Makes packets of what is to be sent, and writes them.

use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{PubAck, Publish, PublishProperties};
use tokio::time::Instant;

use super::codec::Incoming;
use super::in_flight::Content;
use super::inbox::EXPIRY_MARK;
use super::{Connection, Reason};
use crate::outbox::Batch;
use crate::trace::TRACEPARENT;
use crate::{MessageTrace, Refusal};

const CONTENT_TYPE: &str = "application/json";
/// With so many bytes unwritten no packet is added: in the outbox a message can still be joined,
/// or expire.
const MAX_OUTGOING: usize = 256 * 1024;
/// A link that breaks at once breaks before: only after this time a packet that may be poisonous
/// is sent, so that the link's faults are not blamed on it.
const PROVEN_AFTER: Duration = Duration::from_millis(250);
/// MQTT's payload format indicator for UTF-8 text.
const UTF_8: u8 = 1;

impl Connection<'_> {
    /// Makes packets of all acknowledgements and messages that may be sent now.
    pub(super) fn pump(&mut self) -> Result<(), Reason> {
        let abandoned = self.inbox.acks.take_ready(&mut self.ready_acks);
        self.state.counters.abandoned.add(abandoned);
        self.write_acks()?;
        self.settle_subscriptions()?;
        let now = Instant::now();
        while self.in_flight.len() < self.limits.window && self.outgoing.len() < MAX_OUTGOING {
            let may_isolate = self.in_flight.len() == 0 && self.is_proven(now);
            let max_array = self.limits.max_array;
            let (batch, expired) = self.state.outbox.lock().take(now, max_array, may_isolate);
            self.state.counters.expired.add(expired);
            let Some(batch) = batch else { break };
            self.publish_batch(batch, now)?;
        }
        Ok(())
    }

    /// Writes what the socket takes. A buffer that was full is filled again as long as it empties.
    pub(super) fn flush(&mut self) -> Result<(), Reason> {
        while self.outgoing.len() >= MAX_OUTGOING {
            self.write()?;
            if !self.outgoing.is_empty() {
                return Ok(());
            }
            self.pump()?;
        }
        self.write()
    }

    /// Writes what the socket takes. If the socket is broken, the PUBACKs that have arrived still
    /// count, and so does the reason that the broker gives. (Deliveries do not: unacknowledged, they
    /// come again.)
    pub(super) fn write(&mut self) -> Result<(), Reason> {
        let written = self.writer.write(&mut self.outgoing);
        if self.is_unwritten && written.as_ref().is_ok_and(|taken| *taken > 0) {
            self.last_progress = Instant::now();
        }
        self.is_unwritten = self.writer.is_waiting(&self.outgoing);
        if written.is_err() {
            while let Some(Ok(packet)) = self.reader.next_now() {
                match packet {
                    Incoming::PubAck { pkid, code } => self.on_puback(pkid, code)?,
                    Incoming::Disconnect { code, text } => {
                        return Err(Reason::Disconnected { code, text });
                    }
                    Incoming::Other(_) => {}
                }
            }
        }
        Ok(written.map(drop)?)
    }

    pub(super) fn write_acks(&mut self) -> Result<(), Reason> {
        for pkid in self.ready_acks.drain(..) {
            PubAck::new(pkid, None).write(&mut self.outgoing)?;
        }
        Ok(())
    }

    /// Whether the connection has lasted so long that it probably does not end by itself.
    fn is_proven(&self, now: Instant) -> bool {
        now.duration_since(self.connected_at) >= PROVEN_AFTER
    }

    pub(super) fn repeat_birth_if_due(&mut self) -> Result<(), Reason> {
        // The next checkup tries again.
        let is_full = self.in_flight.len() >= self.limits.window;
        if is_full || self.state.outbox.lock().is_isolating() {
            return Ok(());
        }
        let presence = self.presence.as_mut();
        let birth = presence.and_then(|presence| presence.repeated_birth(Instant::now()));
        self.publish_presence(birth).map(drop)
    }

    /// Publishes a birth or the offline presence, if there is one; returns the packet id.
    pub(super) fn publish_presence(
        &mut self,
        payload: Option<Bytes>,
    ) -> Result<Option<u16>, Reason> {
        let (Some(presence), Some(payload)) = (&self.presence, payload) else { return Ok(None) };
        let packet = Publish { retain: true, ..publish_packet(&presence.topic, payload) };
        self.publish(packet, Content::Presence, Instant::now()).map(Some)
    }

    fn publish_batch(&mut self, mut batch: Batch, now: Instant) -> Result<(), Reason> {
        let counters = &self.state.counters;
        let (topic, size, max) = (&*batch.topic, batch.size(), self.limits.max_packet);
        if size > max {
            // The broker would end this connection, and every later one.
            self.refuse(batch, Refusal::TooLarge { size, max: Some(max) });
            return Ok(());
        }
        if let Some(refusal) = self.state.given_up.find(&batch) {
            self.refuse(batch, refusal);
            return Ok(());
        }
        counters.published.add(batch.items.len());
        counters.packets.add(1);
        let (response_topic, correlation_data) = batch.reply_to();
        let mut packet = publish_packet(topic, batch.payload());
        packet.retain = batch.retain();
        if let Some(properties) = &mut packet.properties {
            properties.message_expiry_interval = batch.expiry_seconds;
            if batch.expiry_seconds.is_some() {
                let (name, value) = EXPIRY_MARK;
                properties.user_properties.push((name.to_owned(), value.to_owned()));
            }
            for traceparent in batch.traceparents() {
                properties.user_properties.push((TRACEPARENT.to_owned(), traceparent));
            }
            properties.response_topic = response_topic;
            properties.correlation_data = correlation_data;
        }
        batch.traces_mut().for_each(MessageTrace::sent);
        self.publish(packet, Content::Messages(batch), now)?;
        Ok(())
    }

    /// Writes a packet and counts it as in flight.
    fn publish(
        &mut self,
        mut packet: Publish,
        content: Content,
        now: Instant,
    ) -> Result<u16, Reason> {
        packet.pkid = self.in_flight.insert(content, now);
        packet.write(&mut self.outgoing)?;
        Ok(packet.pkid)
    }
}

fn publish_packet(topic: &str, payload: Bytes) -> Publish {
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
