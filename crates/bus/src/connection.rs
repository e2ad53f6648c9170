//! One connection, from CONNECT to its end. A new one starts from nothing: what must outlive a
//! connection is kept in the outbox.

mod ending;
mod incoming;
mod reason;
mod sending;
mod wire;

use std::sync::Arc;

use bytes::BytesMut;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

pub(crate) use reason::Reason;

use crate::acks::AckQueue;
use crate::bus::Shared;
use crate::flight::Flight;
use crate::herald::Herald;
use crate::inbox::Inbox;
use crate::settings::{self, BrokerLimits};
use crate::sync::lock;
use crate::{Delivery, Link, Options};
use wire::{Reader, Wire};

/// The most packets that are read before anything else gets its turn.
const MOST_AT_ONCE: usize = 256;

/// One connection.
pub(crate) struct Connection<'a> {
    shared: &'a Shared,
    options: &'a Options,
    link: Link,
    /// Packets on their way to the socket: many go in one write.
    outgoing: BytesMut,
    /// More may go as soon as the socket has taken some.
    crowded: bool,
    acks: Arc<AckQueue>,
    inbox: Inbox,
    flight: Flight,
    herald: Option<Herald>,
    phase: Phase,
    /// When the phase began.
    phase_began: Instant,
    limits: BrokerLimits,
    last_incoming: Instant,
    last_ping: Instant,
    established: Option<Established>,
    /// Reused for packet ids to acknowledge.
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
        let acks = AckQueue::new(Arc::clone(&shared.wake));
        let now = Instant::now();
        let mut connection = Self {
            shared,
            options,
            link,
            outgoing: BytesMut::new(),
            crowded: false,
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
            last_ping: now,
            established: None,
            ready_acks: Vec::new(),
        };
        let reason = connection.live(inbox).await.err();
        connection.announce_link(Link::Down);
        lock(&shared.outbox).put_back(connection.flight.into_unanswered());
        Ended { established: connection.established, reason }
    }

    async fn live(&mut self, inbox: &mpsc::Sender<Delivery>) -> Result<(), Reason> {
        let mut checkup = interval(settings::CHECKUP);
        checkup.set_missed_tick_behavior(MissedTickBehavior::Delay);
        match self.open(&mut checkup).await? {
            Some(wire) => self.drive(wire, checkup, inbox).await,
            None => Ok(()),
        }
    }

    /// Connects; `None` if the bus is closed before that.
    async fn open(&mut self, checkup: &mut Interval) -> Result<Option<Wire>, Reason> {
        let mut closing = self.shared.closing.subscribe();
        let last_will = self.herald.as_ref().map(wire::last_will);
        let mut opening = std::pin::pin!(Wire::open(self.options, last_will));
        loop {
            tokio::select! {
                opened = &mut opening => {
                    let (wire, connack) = opened?;
                    self.last_incoming = Instant::now();
                    self.on_connack(&connack)?;
                    return Ok(Some(wire));
                }
                _ = checkup.tick() => self.check_up()?,
                Ok(()) = closing.changed() => {}
            }
            let deadline = *closing.borrow();
            if deadline.is_some_and(|deadline| self.is_over(deadline)) {
                return Ok(None);
            }
        }
    }

    /// The one loop of a connection.
    async fn drive(
        &mut self,
        Wire { mut reader, mut writer }: Wire,
        mut checkup: Interval,
        inbox: &mpsc::Sender<Delivery>,
    ) -> Result<(), Reason> {
        let shared = self.shared;
        let mut closing = shared.closing.subscribe();
        loop {
            if let Err(reason) = writer.send(&mut self.outgoing) {
                self.salvage(&mut reader)?;
                return Err(reason);
            }
            if self.phase == Phase::Parting && self.outgoing.is_empty() {
                self.enter(Phase::Over);
            }
            let deadline = *closing.borrow();
            if deadline.is_some_and(|deadline| self.is_over(deadline)) {
                return Ok(());
            }
            tokio::select! {
                packet = reader.next() => {
                    self.on_packet(packet?)?;
                    self.read_on(&mut reader)?;
                    self.pump()?;
                }
                () = writer.writable(), if self.crowded || !self.outgoing.is_empty() => {
                    self.pump()?;
                }
                () = shared.wake.notified() => {
                    // Whoever is about to send something as well gets to do it first.
                    tokio::task::yield_now().await;
                    self.pump()?;
                }
                room = inbox.reserve(), if self.inbox.needs_room() => self.inbox.drain(room.ok()),
                _ = checkup.tick() => self.check_up()?,
                Ok(()) = closing.changed() => {}
            }
        }
    }

    /// Takes in what has arrived already.
    fn read_on(&mut self, reader: &mut Reader) -> Result<(), Reason> {
        for _ in 1..MOST_AT_ONCE {
            let Some(packet) = reader.next_at_hand() else { break };
            self.on_packet(packet?)?;
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
