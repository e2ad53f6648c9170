//! How a connection comes to its end: it is found dead, or the bus is closed.

use rumqttc::Outgoing as Written;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{Event, EventLoop};
use tokio::time::Instant;

use super::{Connection, Phase, Reason};
use crate::link::Link;
use crate::settings::{self, FAREWELL, SILENCE, SUBSCRIBE_TIMEOUT, UNANSWERED};
use crate::sync::lock;

impl Connection<'_> {
    /// Gives up a connection that makes no progress.
    pub(super) fn check_up(&mut self) -> Result<(), Reason> {
        if matches!(self.phase, Phase::Connecting | Phase::Subscribing) {
            self.shared.purge_expired();
        }
        // The library limits the time to connect itself.
        if self.phase == Phase::Connecting {
            return Ok(());
        }
        let now = Instant::now();
        if now.duration_since(self.last_incoming) > SILENCE {
            return Err(Reason::Silence);
        }
        if self.phase == Phase::Subscribing
            && now.duration_since(self.phase_began) > SUBSCRIBE_TIMEOUT
        {
            return Err(Reason::SubscribeTimeout);
        }
        let oldest = self.flight.oldest();
        if oldest.is_some_and(|since| now.duration_since(since) > UNANSWERED) {
            return Err(Reason::Unanswered);
        }
        // Abandoned deliveries narrow the broker's window for this connection, in the end to
        // nothing.
        let receive_maximum = usize::from(settings::receive_maximum(self.options));
        if self.acks.abandoned() * 2 > receive_maximum {
            return Err(Reason::Abandoned);
        }
        self.announce_birth()
    }

    /// The connection broke: what the library had read before it noticed still counts. (A
    /// delivery does not: unacknowledged, it comes again.)
    pub(super) fn salvage(&mut self, events: &EventLoop) {
        for event in &events.state.events {
            match event {
                Event::Incoming(Packet::PubAck(puback)) => self.on_puback(puback),
                Event::Outgoing(Written::Publish(pkid)) => self.flight.written(*pkid),
                _ => {}
            }
        }
    }

    /// The bus is being closed: takes the next step when it is time; true at the end.
    pub(super) fn is_over(&mut self, deadline: Instant) -> bool {
        let now = Instant::now();
        let finished = lock(&self.shared.outbox).len() == 0 && self.flight.len() == 0;
        match self.phase {
            // Without a connection the broker has told of our end already.
            Phase::Connecting | Phase::Subscribing => finished || now >= deadline,
            Phase::Up if finished || now >= deadline => self.leave().is_err(),
            Phase::Up => false,
            Phase::Leaving | Phase::Parting => now.duration_since(self.phase_began) >= FAREWELL,
            Phase::Over => true,
        }
    }

    fn leave(&mut self) -> Result<(), Reason> {
        let mut done = Vec::new();
        self.acks.take_all_done(&mut done);
        self.acknowledge(&mut done);
        self.announce_link(Link::Down);
        self.enter(Phase::Leaving);
        let Some(herald) = &self.herald else {
            self.part();
            return Ok(());
        };
        let (topic, farewell) = (herald.topic.clone(), herald.farewell.clone());
        self.bid_farewell(topic, farewell)
    }

    /// Says goodbye, so that the broker does not publish the Last Will.
    pub(super) fn part(&mut self) {
        if self.client.try_disconnect().is_ok() {
            self.enter(Phase::Parting);
        }
    }
}
