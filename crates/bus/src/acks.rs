//! Acknowledging deliveries in the order in which they arrived, whenever their work ends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::sync::lock;

/// The duty to acknowledge one delivery.
///
/// The broker delivers again, on the next connection, what was not acknowledged: so call
/// [`done`](Self::done) when the work is on disk. Dropping it instead leaves the delivery
/// unacknowledged, which is counted and holds up no other.
#[derive(Debug)]
#[must_use = "a delivery that is never acknowledged comes again"]
pub struct Ack {
    /// `None` where there is nothing to acknowledge (QoS 0).
    slot: Option<(Arc<AckQueue>, u64)>,
}

impl Ack {
    /// For a delivery that expects no acknowledgement. It is public for tests of others.
    pub fn none() -> Self {
        Self { slot: None }
    }

    /// The work is done: acknowledge. Nothing happens when the connection it came on is gone.
    pub fn done(mut self) {
        if let Some((queue, seq)) = self.slot.take() {
            queue.settle(seq, State::Done);
        }
    }
}

impl Ack {
    /// For the last answer to the delivery: acknowledges once that has reached the broker, or has
    /// come to any other end. A crash before that has the delivery come again, and be answered.
    pub fn after_answer(self) -> AckAfter {
        AckAfter(Some(self))
    }
}

/// Acknowledges a delivery when it is dropped, see [`Ack::after_answer`].
#[derive(Debug)]
pub struct AckAfter(Option<Ack>);

impl Drop for AckAfter {
    fn drop(&mut self) {
        if let Some(ack) = self.0.take() {
            ack.done();
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if let Some((queue, seq)) = self.slot.take() {
            queue.settle(seq, State::Abandoned);
        }
    }
}

/// The deliveries of one connection that the broker waits to have acknowledged.
#[derive(Debug)]
pub(crate) struct AckQueue {
    slots: Mutex<Slots>,
    /// Wakes the connection when the head of the queue is settled.
    wake: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Slots {
    /// Sequence number of the first slot.
    first: u64,
    waiting: VecDeque<Slot>,
    abandoned: usize,
}

#[derive(Debug)]
struct Slot {
    pkid: u16,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Done,
    Abandoned,
}

impl AckQueue {
    pub(crate) fn new(wake: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { slots: Mutex::default(), wake })
    }

    /// A delivery with this packet id arrived.
    pub(crate) fn open(self: &Arc<Self>, pkid: u16) -> Ack {
        let mut slots = lock(&self.slots);
        let seq = slots.first + slots.waiting.len() as u64;
        slots.waiting.push_back(Slot { pkid, state: State::Open });
        Ack { slot: Some((Arc::clone(self), seq)) }
    }

    fn settle(&self, seq: u64, state: State) {
        let mut slots = lock(&self.slots);
        // A slot before the first was passed over when the bus was closed.
        let Some(index) = seq.checked_sub(slots.first) else {
            return;
        };
        if let Some(slot) = slots.waiting.get_mut(index as usize) {
            slot.state = state;
        }
        if index == 0 {
            drop(slots);
            self.wake.notify_one();
        }
    }

    /// Takes the packet ids to acknowledge now: those done with nothing open before them.
    /// Says how many abandoned ones it passed over.
    pub(crate) fn take_ready(&self, ready: &mut Vec<u16>) -> usize {
        let mut slots = lock(&self.slots);
        let before = slots.abandoned;
        while let Some(slot) = slots.waiting.front() {
            match slot.state {
                State::Open => break,
                State::Done => ready.push(slot.pkid),
                State::Abandoned => slots.abandoned += 1,
            }
            slots.waiting.pop_front();
            slots.first += 1;
        }
        slots.abandoned - before
    }

    /// Takes every packet id that is done, even behind open ones: for the end of a connection.
    pub(crate) fn take_all_done(&self, ready: &mut Vec<u16>) {
        let mut slots = lock(&self.slots);
        let slots = &mut *slots;
        slots.first += slots.waiting.len() as u64;
        let done = slots.waiting.drain(..).filter(|slot| slot.state == State::Done);
        ready.extend(done.map(|slot| slot.pkid));
    }

    /// How many deliveries of this connection will never be acknowledged on it. The broker
    /// counts them against our Receive Maximum for as long as the connection lives.
    pub(crate) fn abandoned(&self) -> usize {
        lock(&self.slots).abandoned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Arc<AckQueue> {
        AckQueue::new(Arc::new(Notify::new()))
    }

    fn ready(queue: &AckQueue) -> Vec<u16> {
        let mut ready = Vec::new();
        queue.take_ready(&mut ready);
        ready
    }

    #[test]
    fn acknowledges_in_order_of_arrival() {
        let queue = queue();
        let [a, b, c] = [7, 3, 5].map(|pkid| queue.open(pkid));
        c.done();
        assert!(ready(&queue).is_empty());
        a.done();
        assert_eq!(ready(&queue), [7]);
        b.done();
        assert_eq!(ready(&queue), [3, 5]);
    }

    #[test]
    fn an_abandoned_delivery_holds_up_no_other() {
        let queue = queue();
        let [a, b] = [1, 2].map(|pkid| queue.open(pkid));
        b.done();
        drop(a);
        assert_eq!(ready(&queue), [2]);
        assert_eq!(queue.abandoned(), 1);
    }

    #[test]
    fn an_answered_delivery_is_acknowledged_when_its_answer_is_gone() {
        let queue = queue();
        let answer = queue.open(1).after_answer();
        assert!(ready(&queue).is_empty());
        drop(answer);
        assert_eq!((ready(&queue), queue.abandoned()), (vec![1], 0));
    }

    #[test]
    fn at_the_end_what_is_done_is_not_held_back() {
        let queue = queue();
        let [a, b] = [1, 2].map(|pkid| queue.open(pkid));
        b.done();
        let mut done = Vec::new();
        queue.take_all_done(&mut done);
        assert_eq!(done, [2]);
        a.done();
        assert!(ready(&queue).is_empty());
    }
}
