//! Subscriptions that come and go, on one connection.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Publish, SubscribeReasonCode, Unsubscribe};
use tokio::time::Instant;

use super::in_flight::Content;
use super::{Connection, Reason};
use crate::on_demand::{Steps, matches};

impl Connection<'_> {
    /// Sends what the broker does not have of the subscriptions that come and go.
    pub(super) fn settle_subscriptions(&mut self) -> Result<(), Reason> {
        // Only one message is in flight while it is suspected of ending connections.
        if self.state.outbox.lock().is_isolating() {
            return Ok(());
        }
        loop {
            let steps = self.state.on_demand.lock().take_steps();
            let Some(Steps { subscribe, unsubscribe }) = steps else { return Ok(()) };
            if !subscribe.is_empty() {
                let filters = subscribe.iter().map(|path| Filter::new(path, QoS::AtLeastOnce));
                let filters = filters.collect();
                self.write_subscribe(filters, None, Content::SubscribeOnDemand)?;
            }
            if !unsubscribe.is_empty() {
                let content = Content::Unsubscribe(unsubscribe.clone());
                let pkid = self.in_flight.insert(content, Instant::now());
                let packet = Unsubscribe { pkid, filters: unsubscribe, properties: None };
                packet.write(&mut self.outgoing)?;
            }
        }
    }

    pub(super) fn on_demand_suback(
        &mut self,
        filters: &[String],
        codes: &[SubscribeReasonCode],
    ) -> Result<(), Reason> {
        if codes.len() != filters.len() {
            return Err(Reason::Unexpected);
        }
        let mut on_demand = self.state.on_demand.lock();
        for (filter, code) in filters.iter().zip(codes) {
            if matches!(code, SubscribeReasonCode::Success(_)) {
                continue;
            }
            let pattern = self.options.on_demand.iter().find(|pattern| matches(pattern, filter));
            let pattern = pattern.unwrap_or(filter);
            if on_demand.is_first_refusal(pattern) {
                let mqtt_id = &self.options.mqtt_id;
                tracing::warn!(
                    mqtt_id,
                    filter = pattern,
                    reason = ?code,
                    "a subscription is refused, so changes are seen later: give this program the \
                     right to subscribe"
                );
            }
        }
        on_demand.subscribed(filters);
        Ok(())
    }

    pub(super) fn on_unsuback(&mut self, pkid: u16) -> Result<(), Reason> {
        let Some(Content::Unsubscribe(filters)) = self.in_flight.remove_request(pkid) else {
            return Err(Reason::Unexpected);
        };
        // Whatever the broker says of one, it has it no longer or never had it.
        self.state.on_demand.lock().unsubscribed(&filters);
        Ok(())
    }

    /// Passes a message to those who listen to it; false if it is a delivery.
    pub(super) fn pass_on(&self, publish: &Publish) -> bool {
        let Ok(topic) = std::str::from_utf8(&publish.topic) else { return false };
        let patterns = &self.options.on_demand;
        let Some(pattern) = patterns.iter().find(|pattern| matches(pattern, topic)) else {
            return false;
        };
        self.state.counters.received.add(1);
        self.inbox.ack_for(publish).done();
        if self.state.on_demand.lock().deliver(topic, pattern, &publish.payload) {
            self.state.wake.notify_one();
        }
        true
    }
}
