//! Makes deliveries of the packets that arrive, and passes them to the delivery queue.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Permit, Sender};

use crate::acks::{Ack, AckQueue};
use crate::state::BusState;
use crate::{ArrivedTraces, Delivery};

/// User property of every message that expires. In its last second, and when it is restarted after
/// the message has expired, Mosquitto delivers it without an expiry, but with this property.
pub(super) const EXPIRY_MARK: (&str, &str) = ("expires", "yes");

/// Identifier of subscriptions that no retained message is sent for. What it is delivered with was
/// published while the subscription was there, whatever its retain flag says.
pub(super) const LIVE_SUBSCRIPTION: usize = 1;

/// Never waits for the queue.
pub(super) struct Inbox<'a> {
    state: &'a BusState,
    pub(super) queue: &'a Sender<Delivery>,
    pub(super) acks: Arc<AckQueue>,
    generation: u64,
    /// Deliveries while the queue is full. After a reconnection it may still hold deliveries of
    /// the old connection while the broker sends them again. The broker bounds the length: by
    /// Receive Maximum, or by its own queue where it exceeds that.
    overflow: VecDeque<Delivery>,
}

impl Drop for Inbox<'_> {
    fn drop(&mut self) {
        self.acks.close();
    }
}

impl<'a> Inbox<'a> {
    pub(super) fn new(state: &'a BusState, queue: &'a Sender<Delivery>, generation: u64) -> Self {
        let acks = AckQueue::new(Arc::clone(&state.wake));
        Self { state, queue, acks, generation, overflow: VecDeque::new() }
    }

    pub(super) fn deliver(&mut self, publish: Publish) {
        let may_be_lost = publish.qos == QoS::AtMostOnce;
        let ack = self.ack_for(&publish);
        let Some(delivery) = self.delivery(publish, ack) else {
            return;
        };
        self.state.counters.received.add(1);
        let delivery = if self.has_overflow() {
            delivery
        } else {
            match self.queue.try_send(delivery) {
                Err(TrySendError::Full(delivery)) => delivery,
                // The queue has no reader any more: unacknowledged, the message stays with the broker.
                Ok(()) | Err(TrySendError::Closed(_)) => return,
            }
        };
        if may_be_lost {
            self.state.counters.dropped_full.add(1);
        } else {
            self.overflow.push_back(delivery);
        }
    }

    /// The duty to acknowledge a packet. Every packet gets one, in order of arrival.
    pub(super) fn ack_for(&self, publish: &Publish) -> Ack {
        match publish.qos {
            QoS::AtMostOnce => Ack::none(),
            QoS::AtLeastOnce | QoS::ExactlyOnce => self.acks.open(publish.pkid),
        }
    }

    /// Whether deliveries wait for capacity in the queue.
    pub(super) fn has_overflow(&self) -> bool {
        !self.overflow.is_empty()
    }

    /// Passes one delivery on; without a permit the queue is closed, and all are dropped.
    pub(super) fn drain(&mut self, permit: Option<Permit<'_, Delivery>>) {
        let Some(permit) = permit else {
            return self.overflow.clear();
        };
        if let Some(delivery) = self.overflow.pop_front() {
            permit.send(delivery);
        }
    }

    /// Makes the delivery of a packet; `None` if the topic is not UTF-8, which no broker delivers.
    fn delivery(&self, publish: Publish, ack: Ack) -> Option<Delivery> {
        let mut properties = publish.properties.unwrap_or_default();
        let marks = &properties.user_properties;
        let expires = marks.iter().any(|(name, value)| (&**name, &**value) == EXPIRY_MARK);
        let is_live = properties.subscription_identifiers.contains(&LIVE_SUBSCRIPTION);
        let traces = ArrivedTraces::take(&mut properties.user_properties);
        let expiry = properties.message_expiry_interval;
        let expiry = expiry.map(|seconds| Duration::from_secs(seconds.into()));
        Some(Delivery {
            topic: std::str::from_utf8(&publish.topic).ok()?.to_owned(),
            payload: publish.payload,
            received: self.state.stall_detector.earliest_arrival(),
            generation: self.generation,
            // A mark without an expiry: less than a second is left, or nothing.
            expiry: expiry.or(expires.then_some(Duration::ZERO)),
            response_topic: properties.response_topic,
            correlation: properties.correlation_data,
            replayed: publish.retain && !is_live,
            is_retained: publish.retain,
            traces,
            ack,
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rumqttc::v5::mqttbytes::v5::PublishProperties;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_message_that_has_lost_its_expiry_on_the_way_has_no_time_left() {
        let (queue, mut deliveries) = mpsc::channel(4);
        let state = BusState::new(1);
        let mut inbox = Inbox::new(&state, &queue, 1);
        let hour = Duration::from_secs(3600);
        for (sent, marked, expected) in [
            (Some(3600), true, Some(hour)),
            (None, true, Some(Duration::ZERO)),
            (Some(3600), false, Some(hour)),
            (None, false, None),
        ] {
            let (name, value) = EXPIRY_MARK;
            let mark = marked.then(|| (name.to_owned(), value.to_owned()));
            let properties = PublishProperties {
                message_expiry_interval: sent,
                user_properties: mark.into_iter().collect(),
                ..PublishProperties::default()
            };
            let publish = Publish {
                topic: Bytes::from_static(b"t"),
                properties: Some(properties),
                ..Publish::default()
            };
            inbox.deliver(publish);
            let delivery = deliveries.recv().await.expect("a delivery");
            assert_eq!(delivery.expiry, expected, "{sent:?} {marked}");
        }
    }
}
