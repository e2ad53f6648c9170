//! What the broker sends.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Filter, Packet, PubAck, PubAckReason, Publish, SubAck, Subscribe, SubscribeReasonCode,
};
use tokio::time::Instant;

use super::{Connection, Established, Phase, Reason};
use crate::counters::add;
use crate::flight::{Cargo, Flight};
use crate::link::Link;
use crate::settings::BrokerLimits;
use crate::sync::lock;

/// Packet id of the one packet with subscriptions.
const SUBSCRIBE_ID: u16 = Flight::MAX_ID + 1;

impl Connection<'_> {
    pub(super) fn on_packet(&mut self, packet: Packet) -> Result<(), Reason> {
        self.last_incoming = Instant::now();
        match packet {
            Packet::Publish(publish) => self.on_publish(publish),
            Packet::PubAck(puback) => self.on_puback(&puback),
            Packet::SubAck(suback) => self.on_suback(&suback),
            Packet::Disconnect(disconnect) => Err(disconnect.into()),
            Packet::PingResp(_) => Ok(()),
            _ => Err(Reason::Unexpected),
        }
    }

    /// Connected: subscribe to everything, whether or not the broker knew our session. Its
    /// copy may be of an older program with other subscriptions.
    pub(super) fn on_connack(&mut self, connack: &ConnAck) -> Result<(), Reason> {
        self.established =
            Some(Established { at: Instant::now(), session_present: connack.session_present });
        self.limits = BrokerLimits::from_connack(connack);
        let again = self.link.generation().is_some_and(|generation| generation > 1);
        add(&self.shared.tally.reconnects, usize::from(again));
        tracing::debug!(
            mqtt_id = self.options.mqtt_id,
            session_present = connack.session_present,
            window = self.limits.window,
            "broker accepted the connection"
        );
        let filters = self.filters();
        if filters.is_empty() {
            return self.come_up();
        }
        let filters = filters.into_iter().map(|path| Filter::new(path, QoS::AtLeastOnce));
        let subscribe = Subscribe { pkid: SUBSCRIBE_ID, ..Subscribe::new_many(filters, None) };
        subscribe.write(&mut self.outgoing)?;
        self.enter(Phase::Subscribing);
        Ok(())
    }

    /// Subscribed: now everything may flow.
    pub(super) fn on_suback(&mut self, suback: &SubAck) -> Result<(), Reason> {
        let mut refused = false;
        for (filter, code) in self.filters().iter().zip(&suback.return_codes) {
            if !matches!(code, SubscribeReasonCode::Success(_)) {
                refused = true;
                let mqtt_id = &self.options.mqtt_id;
                tracing::error!(mqtt_id, filter, reason = ?code, "subscription refused");
            }
        }
        if refused {
            return Err(Reason::SubscribeRefused);
        }
        self.come_up()
    }

    fn come_up(&mut self) -> Result<(), Reason> {
        self.enter(Phase::Up);
        self.announce_birth()?;
        self.announce_link(self.link);
        if let Link::Up { generation, .. } = self.link {
            let options = self.options;
            tracing::info!(
                mqtt_id = options.mqtt_id,
                broker = options.broker,
                port = options.port,
                generation,
                "connected"
            );
        }
        self.pump()
    }

    /// The subscriptions, and our own presence topic to see who contradicts it.
    fn filters(&self) -> Vec<&str> {
        let own = self.herald.as_ref().map(|herald| herald.topic.as_str());
        let asked = self.options.subscriptions.iter().map(String::as_str);
        asked.chain(own).collect()
    }

    pub(super) fn on_publish(&mut self, publish: Publish) -> Result<(), Reason> {
        // While the bus is being closed nothing is taken: unacknowledged, it stays in the
        // session for our next start.
        if self.shared.closing.borrow().is_some() {
            return Ok(());
        }
        if let Some(herald) = &mut self.herald
            && publish.topic == herald.topic.as_bytes()
        {
            if herald.hear(&publish.payload, publish.retain) {
                let topic = &herald.topic;
                tracing::warn!(topic, "somebody contradicts our presence");
            }
            self.inbox.ack_for(&publish).done();
            return self.announce_birth();
        }
        self.inbox.deliver(publish, &self.shared.tally);
        Ok(())
    }

    pub(super) fn on_puback(&mut self, puback: &PubAck) -> Result<(), Reason> {
        match self.flight.acknowledged(puback.pkid) {
            Some(Cargo::Messages(batch)) => {
                let tally = &self.shared.tally;
                match puback.reason {
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers => {
                        add(&tally.acknowledged, batch.items.len());
                    }
                    reason => {
                        add(&tally.refused, batch.items.len());
                        tracing::error!(topic = &*batch.topic, ?reason, "publish refused");
                    }
                }
                lock(&self.shared.outbox).settle(batch);
            }
            Some(Cargo::Farewell) => self.part()?,
            Some(Cargo::Birth) | None => {}
        }
        Ok(())
    }
}
