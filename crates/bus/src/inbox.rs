//! From packets that arrive to deliveries that somebody takes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Permit, Sender};

use crate::Delivery;
use crate::acks::{Ack, AckQueue};
use crate::counters::{Tally, add};
use crate::expiry_mark;
use crate::pulse::Pulse;

/// What is left of a message that expires, and comes without an expiry: less than a second, or
/// nothing at all, if Mosquitto was restarted after its time was up and had it in its file.
const LAST_SECOND: Duration = Duration::ZERO;

/// Passes deliveries on without ever waiting.
#[derive(Debug)]
pub(crate) struct Inbox {
    queue: Sender<Delivery>,
    acks: Arc<AckQueue>,
    pulse: Arc<Pulse>,
    generation: u64,
    /// What the queue had no room for. Right after a reconnection it may still hold the
    /// deliveries of the old one while the broker sends them again. The bound is the broker's:
    /// our Receive Maximum, or its own queue where it does not keep to that.
    overflow: VecDeque<Delivery>,
}

impl Inbox {
    pub(crate) fn new(
        queue: Sender<Delivery>,
        acks: Arc<AckQueue>,
        pulse: Arc<Pulse>,
        generation: u64,
    ) -> Self {
        Self { queue, acks, pulse, generation, overflow: VecDeque::new() }
    }

    /// Passes on what arrived.
    pub(crate) fn deliver(&mut self, publish: Publish, tally: &Tally) {
        let reliable = publish.qos != QoS::AtMostOnce;
        let ack = self.ack_for(&publish);
        let Some(delivery) = self.delivery(publish, ack) else {
            return;
        };
        add(&tally.received, 1);
        if !self.overflow.is_empty() {
            return self.hold(delivery, reliable, tally);
        }
        match self.queue.try_send(delivery) {
            Ok(()) => {}
            Err(TrySendError::Full(delivery)) => self.hold(delivery, reliable, tally),
            // Nobody takes deliveries any more; unacknowledged, they stay with the broker.
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// The duty to acknowledge a packet. Every packet gets one, in order of arrival.
    pub(crate) fn ack_for(&self, publish: &Publish) -> Ack {
        match publish.qos {
            QoS::AtMostOnce => Ack::none(),
            QoS::AtLeastOnce | QoS::ExactlyOnce => self.acks.open(publish.pkid),
        }
    }

    /// Whether deliveries wait for room in the queue.
    pub(crate) fn needs_room(&self) -> bool {
        !self.overflow.is_empty()
    }

    /// There is room for one; or the queue is gone, and with it the need.
    pub(crate) fn drain(&mut self, room: Option<Permit<'_, Delivery>>) {
        match room {
            Some(room) => {
                if let Some(delivery) = self.overflow.pop_front() {
                    room.send(delivery);
                }
            }
            None => self.overflow.clear(),
        }
    }

    /// `None` for a topic that is not UTF-8, which no broker passes on.
    fn delivery(&self, publish: Publish, ack: Ack) -> Option<Delivery> {
        let properties = publish.properties.unwrap_or_default();
        let expires = expiry_mark::is_in(&properties.user_properties);
        let told = properties.message_expiry_interval;
        let told = told.map(|seconds| Duration::from_secs(u64::from(seconds)));
        Some(Delivery {
            topic: topic(&publish.topic)?,
            payload: publish.payload,
            received: self.pulse.earliest_arrival(),
            generation: self.generation,
            expiry: told.or(expires.then_some(LAST_SECOND)),
            response_topic: properties.response_topic,
            correlation: properties.correlation_data,
            retain: publish.retain,
            ack,
        })
    }

    fn hold(&mut self, delivery: Delivery, reliable: bool, tally: &Tally) {
        if reliable {
            self.overflow.push_back(delivery);
        } else {
            add(&tally.dropped_full, 1);
        }
    }
}

fn topic(bytes: &Bytes) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use rumqttc::v5::mqttbytes::v5::PublishProperties;
    use tokio::sync::{Notify, mpsc};

    use super::*;

    #[tokio::test]
    async fn what_has_lost_its_expiry_on_the_way_has_no_time_left() {
        let (queue, mut deliveries) = mpsc::channel(4);
        let acks = AckQueue::new(Arc::new(Notify::new()));
        let mut inbox = Inbox::new(queue, acks, Pulse::start(), 1);
        let hour = Duration::from_secs(3600);
        for (told, marked, expected) in [
            (Some(3600), true, Some(hour)),
            (None, true, Some(Duration::ZERO)),
            (Some(3600), false, Some(hour)),
            (None, false, None),
        ] {
            let properties = PublishProperties {
                message_expiry_interval: told,
                user_properties: marked.then(expiry_mark::new).into_iter().collect(),
                ..PublishProperties::default()
            };
            let publish = Publish {
                topic: Bytes::from_static(b"t"),
                properties: Some(properties),
                ..Publish::default()
            };
            inbox.deliver(publish, &Tally::default());
            let delivery = deliveries.recv().await.expect("a delivery");
            assert_eq!(delivery.expiry, expected, "{told:?} {marked}");
        }
    }
}
