//! Puts back the packets of a connection that has ended, and takes them again.

use std::sync::Arc;

use tokio::time::Instant;

use super::Outbox;
use super::batch::Batch;
use super::returned::{ALONE_ENDS, Blame, GivenUp, ISOLATED_AFTER};
use super::topic_queue::life;
use crate::Outgoing;

impl Outbox {
    /// Whether a packet waits that may be poisonous.
    pub(crate) fn has_suspect(&self) -> bool {
        self.returned.batches.front().is_some_and(|batch| batch.ended >= ISOLATED_AFTER)
    }

    /// Whether the packet in flight may be poisonous and is alone.
    pub(crate) fn is_isolating(&self) -> bool {
        self.returned.isolated
    }

    /// Puts back the packets that were in flight on a connection that has ended, in the order in
    /// which they were sent, each with its time of sending. Returns what is given up.
    pub(crate) fn put_back(
        &mut self,
        in_flight: Vec<(Batch, Instant)>,
        blame: Option<Blame>,
        now: Instant,
    ) -> Option<GivenUp> {
        let alone = std::mem::take(&mut self.returned.isolated);
        let is_blamed = |sent: &Instant| blame.is_some_and(|blame| blame.covers(*sent, now));
        if !in_flight.iter().any(|(_, sent)| is_blamed(sent)) {
            // Connections also end without these packets.
            self.returned.batches.iter_mut().for_each(|batch| batch.ended = 0);
        }
        let mut given_up = None;
        for (mut batch, sent) in in_flight.into_iter().rev() {
            let Some(blame) = blame.filter(|_| is_blamed(&sent)) else {
                batch.ended = 0;
                self.returned.batches.push_front(batch);
                continue;
            };
            batch.ended += 1;
            if blame.is_final() {
                batch.ended = batch.ended.max(ISOLATED_AFTER);
            }
            if !alone {
                self.returned.batches.push_front(batch);
            } else if batch.items.len() > 1 {
                self.return_one_by_one(batch, ISOLATED_AFTER);
            } else if blame.is_final() || batch.ended >= ISOLATED_AFTER + ALONE_ENDS {
                let refusal = blame.refusal(batch.size());
                given_up = self.give_up(batch).map(|message| GivenUp { message, refusal });
            } else {
                self.returned.batches.push_front(batch);
            }
        }
        given_up
    }

    /// Takes out a packet that the broker refused. Of an array, only one item may be at fault:
    /// they are sent again one by one, and `None` is returned.
    pub(crate) fn refuse(&mut self, batch: Batch) -> Option<Outgoing> {
        self.returned.isolated = false;
        if batch.items.len() > 1 {
            self.return_one_by_one(batch, 0);
            return None;
        }
        self.give_up(batch)
    }

    fn give_up(&mut self, mut batch: Batch) -> Option<Outgoing> {
        let message = batch.items.pop();
        self.shrink(1);
        self.remove_in_flight(&batch.topic);
        message
    }

    /// Puts the messages of a packet back, each as a packet of its own. Each counts as in flight on
    /// its topic, as all that have returned do: what waits there is sent later.
    fn return_one_by_one(&mut self, batch: Batch, ended: u8) {
        let Batch { topic, items, expiry_seconds, .. } = batch;
        if let Some(queue) = self.topics.get_mut(&topic) {
            queue.in_flight += items.len() - 1;
        }
        for item in items.into_iter().rev() {
            let topic = Arc::clone(&topic);
            let single = Batch { topic, items: vec![item], expiry_seconds, ended };
            self.returned.batches.push_front(single);
        }
    }

    /// The next packet of those that have returned, and how many expired messages were dropped.
    pub(super) fn take_returned(
        &mut self,
        now: Instant,
        may_isolate: bool,
    ) -> (Option<Batch>, usize) {
        let mut expired = 0;
        while !self.returned.isolated {
            if self.has_suspect() && !may_isolate {
                break;
            }
            let Some(mut batch) = self.returned.batches.pop_front() else { break };
            let dropped = drop_expired(&mut batch, now);
            expired += dropped;
            self.shrink(dropped);
            if batch.items.is_empty() {
                self.remove_in_flight(&batch.topic);
                continue;
            }
            if batch.items.len() > 1 && !self.may_be_array(&batch) {
                let ended = batch.ended;
                self.return_one_by_one(batch, ended);
                continue;
            }
            self.returned.isolated = batch.ended >= ISOLATED_AFTER;
            return (Some(batch), expired);
        }
        (None, expired)
    }

    fn may_be_array(&self, batch: &Batch) -> bool {
        batch.items.iter().all(|item| item.join.joins(self.ready.arrays_allowed))
    }

    /// Drops expired messages and returns their number, which is still part of the length.
    pub(super) fn purge_returned(&mut self, now: Instant) -> usize {
        let mut expired = 0;
        for mut batch in std::mem::take(&mut self.returned.batches) {
            let before = batch.items.len();
            batch.items.retain(|item| !item.has_expired(now));
            expired += before - batch.items.len();
            if batch.items.is_empty() {
                self.remove_in_flight(&batch.topic);
            } else {
                self.returned.batches.push_back(batch);
            }
        }
        expired
    }
}

/// Drops what may no longer be sent, and computes anew how long the broker keeps the rest.
fn drop_expired(batch: &mut Batch, now: Instant) -> usize {
    let before = batch.items.len();
    batch.items.retain(|item| life(item, now).is_ok());
    let lives = batch.items.iter().filter_map(|item| life(item, now).ok().flatten());
    batch.expiry_seconds = lives.min();
    before - batch.items.len()
}
