//! Handles the packets that the broker sends.

use std::sync::atomic::Ordering::Relaxed;

use bytes::Buf as _;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use tokio::time::Instant;

use super::codec::Incoming;
use super::in_flight::{Content, SentPacket};
use super::{Connection, Reason};
use crate::outbox::Batch;
use crate::presence::Observed;
use crate::{BYTE_ORDER_MARK, ReasonCode, Refusal};

impl Connection<'_> {
    pub(super) fn on_packet(&mut self, packet: Incoming) -> Result<(), Reason> {
        self.last_incoming = Instant::now();
        match packet {
            Incoming::PubAck { pkid, code } => self.on_puback(pkid, code),
            Incoming::Other(Packet::Publish(publish)) => self.on_publish(publish),
            Incoming::Other(Packet::SubAck(suback)) => self.on_suback(&suback),
            Incoming::Other(Packet::UnsubAck(unsuback)) => self.on_unsuback(unsuback.pkid),
            Incoming::Other(Packet::PingResp(_)) => Ok(()),
            Incoming::Disconnect { code, text } => Err(Reason::Disconnected { code, text }),
            Incoming::Other(_) => Err(Reason::Unexpected),
        }
    }

    fn on_publish(&mut self, mut publish: Publish) -> Result<(), Reason> {
        self.state.counters.redelivered.add(publish.dup.into());
        // Some programs begin a text with it, and a reader of JSON may ignore it (RFC 8259, section
        // 8.1). Here, because there are many readers.
        if publish.payload.starts_with(BYTE_ORDER_MARK)
            && publish.payload.len() > BYTE_ORDER_MARK.len()
        {
            publish.payload.advance(BYTE_ORDER_MARK.len());
        }
        // While the bus is being closed nothing is delivered: unacknowledged, it stays in the
        // session until the next start.
        if self.state.close_deadline.borrow().is_some() {
            return Ok(());
        }
        if let Some(presence) = &mut self.presence
            && publish.topic == presence.topic.as_bytes()
        {
            let observed = presence.observe(&publish.payload, publish.retain);
            self.state.presence_seen.store(presence.is_delivered, Relaxed);
            let topic = &presence.topic;
            match observed {
                Observed::Foreign => tracing::warn!(
                    topic,
                    "another program contradicts this one's presence: give every program an id of \
                     its own, and let no other publish there"
                ),
                Observed::OwnWill | Observed::ForeignAgain => {
                    tracing::debug!(topic, ?observed, "the presence is published again");
                }
                Observed::Expected => {}
            }
            self.inbox.ack_for(&publish).done();
            self.report_presence();
            return self.repeat_birth_if_due();
        }
        if !self.pass_on(&publish) {
            self.inbox.deliver(publish);
        }
        Ok(())
    }

    pub(super) fn on_puback(&mut self, pkid: u16, code: ReasonCode) -> Result<(), Reason> {
        let Some(SentPacket { content, since, .. }) = self.in_flight.remove(pkid) else {
            return Ok(());
        };
        match content {
            Content::Messages(batch) if code.is_error() => {
                let refusal = Refusal::new(code, batch.size());
                self.refuse(batch, refusal);
            }
            Content::Messages(batch) => {
                self.state.puback.observe((self.last_incoming - since).as_secs_f64());
                self.state.counters.acknowledged.add(batch.items.len());
                self.state.outbox.lock().settle(batch);
            }
            Content::Presence => {
                if let Some(presence) = &mut self.presence {
                    presence.answered(code, Instant::now());
                }
                self.report_presence();
            }
            _ => return Err(Reason::Unexpected),
        }
        Ok(())
    }

    /// Gives a packet up that the broker will never take. Of an array, the items are sent again
    /// one by one.
    pub(super) fn refuse(&mut self, batch: Batch, refusal: Refusal) {
        let refused = self.state.outbox.lock().refuse(batch);
        if let Some(message) = refused {
            self.state.give_up(message, refusal);
        }
    }
}
