//! Messages until the broker has them: they wait in a queue for each topic and are joined as they
//! are sent.

mod batch;
mod putting_back;
mod returned;
mod topic_queue;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Instant;

pub(crate) use batch::{Batch, MAX_ARRAY_BYTES, overhead};
use returned::Returned;
pub(crate) use returned::{Blame, GivenUp};
use topic_queue::{ReadyQueue, TopicQueue};

use crate::{BusError, MessageTrace, Outgoing};

/// Largest packet the bus sends or receives: enough for a list of some 50,000 postos.
pub(crate) const MAX_PACKET: usize = 16 * 1024 * 1024;

/// Longest topic of MQTT.
const MAX_TOPIC: usize = u16::MAX as usize;

/// All messages that the broker does not have yet.
///
/// Each topic has a first-in, first-out queue. Topics that may send take turns, so that one message
/// is handled without looking at others.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    topics: HashMap<Arc<str>, TopicQueue>,
    ready: ReadyQueue,
    returned: Returned,
    /// The number of the connection that sends, or of the last one.
    generation: u64,
    /// Messages waiting and in flight.
    len: usize,
    capacity: usize,
    /// Notified when the outbox is no longer crowded.
    capacity_freed: Arc<Notify>,
    closed: bool,
}

impl Outbox {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// Adds a message; true if the connection must be woken to send it.
    pub(crate) fn push(&mut self, message: Outgoing) -> Result<bool, BusError> {
        check(&message)?;
        if self.closed {
            return Err(BusError::Closed);
        }
        if self.len >= self.capacity {
            return Err(BusError::Full);
        }
        Ok(self.enqueue(message))
    }

    /// Adds the message that is sent instead of one that was refused, whose place it takes.
    pub(crate) fn push_replacement(&mut self, message: Outgoing) -> Result<bool, BusError> {
        check(&message)?;
        Ok(self.enqueue(message))
    }

    fn enqueue(&mut self, message: Outgoing) -> bool {
        self.len += 1;
        let idle = self.ready.is_empty();
        if let Some(queue) = self.topics.get_mut(message.topic.as_str()) {
            queue.waiting.push_back(message);
            self.ready.push_if_ready(queue);
        } else {
            let mut queue = TopicQueue::new(message);
            self.ready.push_if_ready(&mut queue);
            self.topics.insert(Arc::clone(&queue.topic), queue);
        }
        // If a topic was ready before, the connection is awake or waits for the broker.
        idle && !self.ready.is_empty()
    }

    /// Prepares for a new connection. What was allowed on the one before says nothing about this
    /// one.
    pub(crate) fn begin_connection(&mut self, generation: u64) {
        self.generation = generation;
        self.ready.arrays_allowed = false;
    }

    /// Whether messages of [`Join::WhenAllowed`](crate::Join::WhenAllowed) may be joined on this
    /// connection; of an older one it is too late to say. True if the connection must be woken: where
    /// they no longer may be, what waited to be joined is sent now.
    pub(crate) fn allow_arrays(&mut self, generation: u64, allowed: bool) -> bool {
        if generation != self.generation || allowed == self.ready.arrays_allowed {
            return false;
        }
        self.ready.arrays_allowed = allowed;
        for queue in self.topics.values_mut() {
            self.ready.push_if_ready(queue);
        }
        !self.ready.is_empty()
    }

    /// The next packet to send, of at most `max_array` bytes if it is an array, and how many
    /// expired messages were dropped. A packet that may be poisonous is only taken if
    /// `may_isolate`, and then nothing else is taken before it is settled.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        max_array: usize,
        may_isolate: bool,
    ) -> (Option<Batch>, usize) {
        let mut expired = 0;
        if !self.returned.is_empty() {
            let (batch, dropped) = self.take_returned(now, may_isolate);
            if batch.is_some() || !self.returned.is_empty() {
                return (batch, dropped);
            }
            expired = dropped;
        }
        while let Some(topic) = self.ready.pop() {
            let Some(queue) = self.topics.get_mut(&topic) else {
                continue;
            };
            queue.is_listed = false;
            let (batch, dropped) = queue.take(now, max_array, self.ready.arrays_allowed);
            expired += dropped;
            if !self.ready.push_if_ready(queue) && queue.is_idle() {
                self.topics.remove(&topic);
            }
            self.shrink(dropped);
            if batch.is_some() {
                return (batch, expired);
            }
        }
        (None, expired)
    }

    /// Forgets a packet that the broker has taken.
    pub(crate) fn settle(&mut self, mut batch: Batch) {
        batch.traces_mut().for_each(MessageTrace::acknowledged);
        self.returned.end_isolation();
        self.shrink(batch.items.len());
        self.remove_in_flight(&batch.topic);
    }

    /// Drops expired messages and returns their number. Looks at every message: only for times
    /// when nothing is being sent.
    pub(crate) fn purge(&mut self, now: Instant) -> usize {
        let mut expired = self.purge_returned(now);
        self.topics.retain(|_, queue| {
            expired += queue.purge(now);
            // A listed topic stays until its turn, or it could be listed twice.
            queue.is_listed || !queue.is_idle()
        });
        self.shrink(expired);
        expired
    }

    /// Stops accepting messages; those that wait are still sent.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Messages waiting or in flight.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    fn is_crowded(&self) -> bool {
        self.len > self.capacity / 2
    }

    /// Ends when the outbox is no longer crowded; `None` if it is not crowded now.
    pub(crate) fn capacity_freed(&self) -> Option<OwnedNotified> {
        self.is_crowded().then(|| Arc::clone(&self.capacity_freed).notified_owned())
    }

    fn shrink(&mut self, by: usize) {
        let crowded = self.is_crowded();
        self.len -= by;
        if crowded && !self.is_crowded() {
            self.capacity_freed.notify_waiters();
        }
    }

    /// Records that a packet of this topic is no longer in flight.
    fn remove_in_flight(&mut self, topic: &Arc<str>) {
        let Some(queue) = self.topics.get_mut(topic) else {
            return;
        };
        queue.in_flight -= 1;
        if !self.ready.push_if_ready(queue) && queue.is_idle() && !queue.is_listed {
            self.topics.remove(topic);
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
