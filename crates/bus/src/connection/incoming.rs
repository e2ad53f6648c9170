//! Handles the packets that the broker sends.

use rumqttc::v5::mqttbytes::v5::{Packet, PubAck, PubAckReason, Publish};
use tokio::time::Instant;

use super::{Connection, Reason};

impl Connection<'_> {
    pub(super) fn on_packet(&mut self, packet: Packet) -> Result<(), Reason> {
        self.last_incoming = Instant::now();
        match packet {
            Packet::Publish(publish) => return self.on_publish(publish),
            Packet::PubAck(puback) => self.on_puback(&puback),
            Packet::SubAck(suback) => return self.on_suback(&suback),
            Packet::PingResp(_) => {}
            Packet::Disconnect(disconnect) => return Err(disconnect.into()),
            _ => return Err(Reason::Unexpected),
        }
        Ok(())
    }

    fn on_publish(&mut self, publish: Publish) -> Result<(), Reason> {
        // While the bus is being closed nothing is delivered: unacknowledged, it stays in the
        // session until the next start.
        if self.state.close_deadline.borrow().is_some() {
            return Ok(());
        }
        if let Some(presence) = &mut self.presence
            && publish.topic == presence.topic.as_bytes()
        {
            if presence.observe(&publish.payload, publish.retain) {
                let topic = &presence.topic;
                tracing::warn!(topic, "another program contradicts this one's presence");
            }
            self.inbox.ack_for(&publish).done();
            return self.repeat_birth_if_due();
        }
        self.inbox.deliver(publish);
        Ok(())
    }

    pub(super) fn on_puback(&mut self, puback: &PubAck) {
        let Some(batch) = self.in_flight.remove(puback.pkid) else {
            return;
        };
        match puback.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => {
                self.state.counters.acknowledged.add(batch.items.len());
            }
            reason => {
                self.state.counters.refused.add(batch.items.len());
                tracing::error!(topic = &*batch.topic, ?reason, "publish refused");
            }
        }
        self.state.outbox.lock().settle(batch);
    }
}
