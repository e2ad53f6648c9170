//! Acknowledges deliveries in the order in which they arrived, whenever their work ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

/// The duty to acknowledge one delivery.
///
/// On the next connection the broker delivers again what was not acknowledged: call
/// [`done`](Self::done) when the work is on disk. A delivery whose `Ack` is dropped instead stays
/// unacknowledged; it is counted, and delays no other.
#[derive(Debug)]
#[must_use = "a delivery that is never acknowledged is delivered again"]
pub struct Ack {
    /// `None` where there is nothing to acknowledge (QoS 0).
    slot: Option<(Arc<AckQueue>, u64)>,
}

impl Ack {
    /// Acknowledges nothing: for a delivery that expects no acknowledgement, or in place of one that
    /// must not be sent.
    pub fn none() -> Self {
        Self { slot: None }
    }

    /// Acknowledges. Has no effect when the connection of the delivery has ended.
    pub fn done(mut self) {
        self.settle(SlotState::Done);
    }

    /// Acknowledges, and waits until the acknowledgement is on its way: whatever is published then
    /// on the same connection reaches the broker after it. `None` if the connection has ended
    /// before, so that the delivery comes again.
    pub async fn sent(mut self) -> Option<SentAck> {
        let Some((queue, seq)) = self.slot.take() else { return Some(SentAck(None)) };
        let (sender, sent) = oneshot::channel();
        queue.settle(seq, SlotState::Announced(sender));
        sent.await.ok().map(|()| SentAck(Some(queue)))
    }

    /// Acknowledges once the last answer to the delivery has reached the broker, or was dropped
    /// for another reason. After a crash before that, the delivery comes again and is answered.
    pub fn after_answer(self) -> AckAfter {
        AckAfter(self)
    }

    fn settle(&mut self, state: SlotState) {
        if let Some((queue, seq)) = self.slot.take() {
            queue.settle(seq, state);
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        self.settle(SlotState::Abandoned);
    }
}

/// Acknowledges a delivery when it is dropped, see [`Ack::after_answer`].
#[derive(Debug)]
pub struct AckAfter(Ack);

impl Drop for AckAfter {
    fn drop(&mut self) {
        self.0.settle(SlotState::Done);
    }
}

/// An acknowledgement that was sent; whether the broker has it is known only from what it receives
/// later on the same connection.
#[derive(Debug, Clone)]
pub struct SentAck(Option<Arc<AckQueue>>);

impl SentAck {
    /// Whether the broker may not have it, because its connection has ended.
    pub(crate) fn may_be_lost(&self) -> bool {
        self.0.as_ref().is_some_and(|queue| queue.closed.load(Relaxed))
    }
}

/// The deliveries of one connection that are not acknowledged yet.
#[derive(Debug)]
pub(crate) struct AckQueue {
    slots: Mutex<Slots>,
    /// The connection has ended.
    closed: AtomicBool,
    /// Wakes the connection when the first slot is settled.
    wake: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Slots {
    /// Sequence number of the first slot.
    first: u64,
    /// Packet ids.
    waiting: VecDeque<(u16, SlotState)>,
    abandoned: usize,
}

#[derive(Debug)]
enum SlotState {
    Open,
    Done,
    /// As `Done`, and somebody waits until it is sent.
    Announced(oneshot::Sender<()>),
    Abandoned,
}

impl AckQueue {
    pub(crate) fn new(wake: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { slots: Mutex::default(), closed: AtomicBool::new(false), wake })
    }

    /// Adds a delivery with this packet id.
    pub(crate) fn open(self: &Arc<Self>, pkid: u16) -> Ack {
        let mut slots = self.slots.lock();
        let seq = slots.first + slots.waiting.len() as u64;
        slots.waiting.push_back((pkid, SlotState::Open));
        Ack { slot: Some((Arc::clone(self), seq)) }
    }

    fn settle(&self, seq: u64, state: SlotState) {
        let mut slots = self.slots.lock();
        // When the bus is closed, open slots are removed before they are settled.
        let Some(index) = seq.checked_sub(slots.first) else {
            return;
        };
        if let Some(slot) = slots.waiting.get_mut(index as usize) {
            slot.1 = state;
        }
        if index == 0 {
            drop(slots);
            self.wake.notify_one();
        }
    }

    /// Takes the packet ids to acknowledge now: those done with nothing open before them.
    /// Returns how many abandoned ones were skipped.
    pub(crate) fn take_ready(&self, ready: &mut Vec<u16>) -> usize {
        let mut slots = self.slots.lock();
        let before = slots.abandoned;
        while let Some((pkid, state)) = slots.waiting.pop_front() {
            match state {
                SlotState::Open => {
                    slots.waiting.push_front((pkid, state));
                    break;
                }
                SlotState::Done => ready.push(pkid),
                SlotState::Announced(sender) => {
                    ready.push(pkid);
                    // The handler may have been cut off by the end of the program.
                    let _ = sender.send(());
                }
                SlotState::Abandoned => slots.abandoned += 1,
            }
            slots.first += 1;
        }
        slots.abandoned - before
    }

    /// Takes every packet id that is done, also behind open ones: for the end of a connection.
    pub(crate) fn take_all_done(&self, ready: &mut Vec<u16>) {
        for (pkid, state) in self.take_all() {
            match state {
                SlotState::Open | SlotState::Abandoned => {}
                SlotState::Done => ready.push(pkid),
                SlotState::Announced(sender) => {
                    ready.push(pkid);
                    let _ = sender.send(());
                }
            }
        }
    }

    /// Ends the queue when the connection has ended: nothing is acknowledged on it any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
        drop(self.take_all());
    }

    fn take_all(&self) -> VecDeque<(u16, SlotState)> {
        let slots = &mut *self.slots.lock();
        slots.first += slots.waiting.len() as u64;
        std::mem::take(&mut slots.waiting)
    }

    /// Counts the deliveries that will never be acknowledged on this connection. The broker counts
    /// them against the Receive Maximum for as long as the connection lasts.
    pub(crate) fn abandoned(&self) -> usize {
        self.slots.lock().abandoned
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

    #[tokio::test]
    async fn who_waits_for_an_acknowledgement_learns_whether_it_was_sent() {
        let open = queue();
        let [first, second] = [1, 2].map(|pkid| open.open(pkid));
        let waiting = tokio::spawn(second.sent());
        tokio::task::yield_now().await;
        assert!(ready(&open).is_empty());
        first.done();
        assert_eq!(ready(&open), [1, 2]);
        let sent = waiting.await.expect("no panic").expect("it was sent");
        assert!(!sent.may_be_lost());
        open.close();
        assert!(sent.may_be_lost(), "the broker may not have read it");

        let open = queue();
        let [_first, second] = [3, 4].map(|pkid| open.open(pkid));
        let waiting = tokio::spawn(second.sent());
        tokio::task::yield_now().await;
        open.close();
        assert!(waiting.await.expect("no panic").is_none(), "the connection has ended");
        let late = open.open(5);
        open.close();
        assert!(late.sent().await.is_none(), "it had ended before");
        assert!(Ack::none().sent().await.is_some_and(|sent| !sent.may_be_lost()));
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
