//! How a connection comes to its end: it is found dead, or the bus is closed.

use rumqttc::v5::mqttbytes::v5::{Disconnect, DisconnectReasonCode, Packet, PingReq};
use tokio::time::Instant;

use super::wire::Reader;
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
        if now.duration_since(self.last_ping) >= self.limits.keep_alive {
            self.last_ping = now;
            PingReq::write(&mut self.outgoing)?;
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

    /// Nothing can be written any more: what the broker has answered still counts. (A delivery
    /// does not: unacknowledged, it comes again.)
    pub(super) fn salvage(&mut self, reader: &mut Reader) -> Result<(), Reason> {
        while let Some(Ok(packet)) = reader.next_at_hand() {
            if let Packet::PubAck(puback) = packet {
                self.on_puback(&puback)?;
            }
        }
        Ok(())
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
        self.acknowledge(&mut done)?;
        self.announce_link(Link::Down);
        self.enter(Phase::Leaving);
        let Some(herald) = &self.herald else {
            return self.part();
        };
        let (topic, farewell) = (herald.topic.clone(), herald.farewell.clone());
        self.bid_farewell(&topic, farewell)
    }

    /// Says goodbye, so that the broker does not publish the Last Will.
    pub(super) fn part(&mut self) -> Result<(), Reason> {
        Disconnect::new(DisconnectReasonCode::NormalDisconnection).write(&mut self.outgoing)?;
        self.enter(Phase::Parting);
        Ok(())
    }
}
