//! Messages until the broker has them: waiting in a lane per topic, joined as they leave.

mod batch;
mod expiry;
mod lane;
mod turns;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

pub(crate) use batch::{Batch, MAX_ARRAY_BYTES};
use lane::Lane;
use turns::Turns;

use crate::{BusError, Outgoing};

/// Largest packet the bus sends or takes; room for a list of some 50,000 postos.
pub(crate) const MAX_PACKET: usize = 16 * 1024 * 1024;

/// What a packet holds besides topics, correlation and payload, rounded up.
pub(crate) const PACKET_OVERHEAD: usize = 128;

/// Longest topic MQTT can carry.
const MAX_TOPIC: usize = u16::MAX as usize;

/// All messages that the broker does not have yet.
///
/// Each topic has its lane, first in, first out. Lanes that may send take turns, so that handling
/// one message never means looking at others.
#[derive(Debug)]
pub(crate) struct Outbox {
    lanes: HashMap<Arc<str>, Lane>,
    turns: Turns,
    /// Waiting and in flight.
    len: usize,
    bound: usize,
    /// Notified when it is no longer crowded.
    room: Arc<Notify>,
    closed: bool,
}

impl Outbox {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            turns: Turns::default(),
            len: 0,
            bound,
            room: Arc::default(),
            closed: false,
        }
    }

    /// Takes a message; true if the connection must be woken to send it.
    pub(crate) fn push(&mut self, message: Outgoing) -> Result<bool, BusError> {
        check(&message)?;
        if self.closed {
            return Err(BusError::Closed);
        }
        if self.len >= self.bound {
            return Err(BusError::Full);
        }
        self.len += 1;
        let idle = self.turns.is_empty();
        if let Some(lane) = self.lanes.get_mut(message.topic.as_str()) {
            lane.waiting.push_back(message);
            if lane.become_ready() {
                self.turns.push(lane);
            }
        } else {
            let lane = Lane::new(message);
            self.turns.push(&lane);
            self.lanes.insert(Arc::clone(&lane.topic), lane);
        }
        // With a lane in the queue already, the connection is awake or waits for the broker.
        Ok(idle && !self.turns.is_empty())
    }

    /// The next packet to send, and how many messages were dropped on the way because their
    /// time was up. An array is no longer than `max_array` bytes.
    pub(crate) fn take(&mut self, now: Instant, max_array: usize) -> (Option<Batch>, usize) {
        let mut expired = 0;
        while let Some(topic) = self.turns.next() {
            let Some(lane) = self.lanes.get_mut(&topic) else {
                continue;
            };
            lane.listed = false;
            let (batch, dropped) = lane.take(now, max_array);
            expired += dropped;
            if lane.become_ready() {
                self.turns.push(lane);
            } else if lane.is_idle() {
                self.lanes.remove(&topic);
            }
            self.shrink(dropped);
            if batch.is_some() {
                return (batch, expired);
            }
        }
        (None, expired)
    }

    /// The broker has answered for these, or they are given up.
    pub(crate) fn settle(&mut self, batch: Batch) {
        self.shrink(batch.items.len());
        self.land(&batch.topic);
    }

    /// These were in flight on a connection that is gone, in the order in which they were
    /// sent: they go first on the next one.
    pub(crate) fn put_back(&mut self, in_flight: Vec<Batch>) {
        for batch in in_flight.into_iter().rev() {
            if let Some(lane) = self.lanes.get_mut(&batch.topic) {
                for message in batch.items.into_iter().rev() {
                    lane.waiting.push_front(message);
                }
            }
            self.land(&batch.topic);
        }
    }

    /// Drops what nobody can use any more, and says how much that was. Looks at every
    /// message: only for when nothing is being sent.
    pub(crate) fn purge(&mut self, now: Instant) -> usize {
        let mut expired = 0;
        self.lanes.retain(|_, lane| {
            expired += lane.purge(now);
            // A listed lane stays until its turn, or it would have two.
            lane.listed || !lane.is_idle()
        });
        self.shrink(expired);
        expired
    }

    /// Takes no more messages; those it has still go out.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Messages waiting or in flight.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// More than half full: whoever can make others wait should.
    pub(crate) fn is_crowded(&self) -> bool {
        self.len > self.bound / 2
    }

    /// Notified when it is no longer crowded.
    pub(crate) fn room(&self) -> Arc<Notify> {
        Arc::clone(&self.room)
    }

    fn shrink(&mut self, by: usize) {
        let crowded = self.is_crowded();
        self.len -= by;
        if crowded && !self.is_crowded() {
            self.room.notify_waiters();
        }
    }

    fn land(&mut self, topic: &Arc<str>) {
        let Some(lane) = self.lanes.get_mut(topic) else {
            return;
        };
        lane.in_flight -= 1;
        if lane.become_ready() {
            self.turns.push(lane);
        } else if lane.is_idle() && !lane.listed {
            self.lanes.remove(topic);
        }
    }
}

fn check(message: &Outgoing) -> Result<(), BusError> {
    let topic = &message.topic;
    if topic.is_empty() || topic.len() > MAX_TOPIC || topic.contains(['+', '#', '\0']) {
        return Err(BusError::InvalidTopic);
    }
    if batch::size(message) > MAX_PACKET {
        return Err(BusError::TooLarge);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
