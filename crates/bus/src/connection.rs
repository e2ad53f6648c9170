//! One connection, from CONNECT to its end. A new one starts from nothing, with a fresh
//! client of the library: what must outlive a connection is kept by us, not by it.

mod ending;
mod incoming;
mod reason;
mod sending;

use std::sync::Arc;

use rumqttc::Outgoing as Written;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

pub(crate) use reason::Reason;
pub(crate) use sending::expires;

use crate::acks::AckQueue;
use crate::bus::Shared;
use crate::flight::Flight;
use crate::herald::Herald;
use crate::inbox::Inbox;
use crate::settings::{self, BrokerLimits};
use crate::sync::lock;
use crate::{Delivery, Link, Options};

/// One connection.
pub(crate) struct Connection<'a> {
    shared: &'a Shared,
    options: &'a Options,
    link: Link,
    client: AsyncClient,
    acks: Arc<AckQueue>,
    inbox: Inbox,
    flight: Flight,
    herald: Option<Herald>,
    phase: Phase,
    /// When the phase began.
    phase_began: Instant,
    limits: BrokerLimits,
    last_incoming: Instant,
    established: Option<Established>,
    /// Reused for packet ids on their way to the library.
    ready_acks: Vec<u16>,
}

/// What CONNACK told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Established {
    pub(crate) at: Instant,
    pub(crate) session_present: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Until CONNACK.
    Connecting,
    /// Until SUBACK.
    Subscribing,
    /// Everything flows.
    Up,
    /// Until the broker has the farewell.
    Leaving,
    /// Until DISCONNECT is written.
    Parting,
    /// A clean end.
    Over,
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) established: Option<Established>,
    /// `None` after a clean end.
    pub(crate) reason: Option<Reason>,
}

/// Polls the library once. It owns the event loop, so that a poll once begun is never
/// dropped half-way (the library would lose a packet) while other things are attended to.
async fn poll(mut events: Box<EventLoop>) -> (Box<EventLoop>, Result<Event, ConnectionError>) {
    let polled = events.poll().await;
    (events, polled)
}

impl<'a> Connection<'a> {
    /// Connects and stays until the connection breaks or the bus is closed. `link` is what
    /// to tell the world when it is up.
    pub(crate) async fn run(
        shared: &'a Shared,
        options: &'a Options,
        inbox: &mpsc::Sender<Delivery>,
        link: Link,
    ) -> Ended {
        let herald = match (&options.presence, link) {
            (Some(presence), Link::Up { since, .. }) => Some(Herald::new(presence, since)),
            _ => None,
        };
        let (client, events) = settings::client(options, herald.as_ref());
        let acks = AckQueue::new(Arc::clone(&shared.wake));
        let now = Instant::now();
        let mut connection = Self {
            shared,
            options,
            link,
            client,
            inbox: Inbox::new(
                inbox.clone(),
                Arc::clone(&acks),
                Arc::clone(&shared.pulse),
                link.generation().unwrap_or_default(),
            ),
            acks,
            flight: Flight::default(),
            herald,
            phase: Phase::Connecting,
            phase_began: now,
            limits: BrokerLimits::LEAST,
            last_incoming: now,
            established: None,
            ready_acks: Vec::new(),
        };
        let reason = connection.drive(Box::new(events), inbox).await.err();
        connection.announce_link(Link::Down);
        lock(&shared.outbox).put_back(connection.flight.into_unanswered());
        Ended { established: connection.established, reason }
    }

    /// The one loop of a connection.
    async fn drive(
        &mut self,
        events: Box<EventLoop>,
        inbox: &mpsc::Sender<Delivery>,
    ) -> Result<(), Reason> {
        let shared = self.shared;
        let mut closing = shared.closing.subscribe();
        let mut checkup = interval(settings::CHECKUP);
        checkup.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut polled = std::pin::pin!(poll(events));
        loop {
            tokio::select! {
                (events, event) = &mut polled => {
                    match event {
                        Ok(event) => self.on_event(event)?,
                        Err(error) => {
                            self.salvage(&events);
                            return Err(Reason::Library(error));
                        }
                    }
                    polled.set(poll(events));
                }
                () = shared.wake.notified() => self.pump()?,
                room = inbox.reserve(), if self.inbox.needs_room() => self.inbox.drain(room.ok()),
                _ = checkup.tick() => self.check_up()?,
                Ok(()) = closing.changed() => {}
            }
            let deadline = *closing.borrow();
            if deadline.is_some_and(|deadline| self.is_over(deadline)) {
                return Ok(());
            }
        }
    }

    fn on_event(&mut self, event: Event) -> Result<(), Reason> {
        match event {
            Event::Incoming(packet) => {
                self.last_incoming = Instant::now();
                match packet {
                    Packet::Publish(publish) => self.on_publish(publish)?,
                    Packet::PubAck(puback) => {
                        self.on_puback(&puback);
                        self.pump()?;
                    }
                    Packet::ConnAck(connack) => self.on_connack(&connack)?,
                    Packet::SubAck(suback) => self.on_suback(&suback)?,
                    _ => {}
                }
            }
            Event::Outgoing(Written::Publish(pkid)) => self.flight.written(pkid),
            Event::Outgoing(Written::Disconnect) => self.enter(Phase::Over),
            Event::Outgoing(_) => {}
        }
        Ok(())
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.phase_began = Instant::now();
    }

    fn announce_link(&self, link: Link) {
        self.shared.link.send_if_modified(|known| std::mem::replace(known, link) != link);
    }
}
