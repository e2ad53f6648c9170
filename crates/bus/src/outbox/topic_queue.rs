//! The messages of one topic, and the order in which topics send.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::MAX_ARRAY;
use tokio::time::Instant;

use super::batch::Batch;
use super::expiry::{self, Life};
use crate::{Join, Outgoing};

/// Packets of joinable messages that may be in flight on one topic.
///
/// This limit makes arrays form by themselves: a lone message is sent at once; under load the next
/// ones wait for a PUBACK and are then sent together. Two packets keep the broker busy while a
/// PUBACK is on its way.
const JOIN_WINDOW: usize = 2;

#[derive(Debug)]
pub(super) struct TopicQueue {
    pub(super) topic: Arc<str>,
    /// It carries commands or answers, for which somebody waits.
    is_urgent: bool,
    pub(super) waiting: VecDeque<Outgoing>,
    /// Packets, not messages.
    pub(super) in_flight: usize,
    /// Whether the topic is in the ready queue.
    pub(super) is_listed: bool,
}

impl TopicQueue {
    pub(super) fn new(message: Outgoing) -> Self {
        Self {
            topic: Arc::from(message.topic.as_str()),
            is_urgent: message.expires_at.is_some() || message.acknowledges.is_some(),
            waiting: VecDeque::from([message]),
            in_flight: 0,
            is_listed: false,
        }
    }

    fn may_send(&self) -> bool {
        let next = self.waiting.front();
        next.is_some_and(|next| next.join == Join::Never || self.in_flight < JOIN_WINDOW)
    }

    /// Nothing is waiting or in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.in_flight == 0
    }

    /// The next packet, and how many expired messages were dropped.
    pub(super) fn take(&mut self, now: Instant, max_array: usize) -> (Option<Batch>, usize) {
        let mut expired = 0;
        let Some((first, life)) = self.next(now, &mut expired) else {
            return (None, expired);
        };
        let mut bytes = first.payload.len();
        let mut items = vec![first];
        while let Some((next, next_life)) = self.next(now, &mut expired) {
            // Besides the payloads an array has a comma or bracket for each item, and one more.
            let array = bytes + next.payload.len() + items.len() + 2;
            let fits = items.len() < MAX_ARRAY && array <= max_array;
            if !fits || next_life != life || !are_joinable(&items[0], &next) {
                self.waiting.push_front(next);
                break;
            }
            bytes += next.payload.len();
            items.push(next);
        }
        self.in_flight += 1;
        let expiry_seconds = match life {
            Life::Seconds(seconds) => Some(seconds),
            Life::Unlimited | Life::Over => None,
        };
        (Some(Batch { topic: Arc::clone(&self.topic), items, expiry_seconds }), expired)
    }

    /// The next message that has not expired, and its remaining life.
    fn next(&mut self, now: Instant, expired: &mut usize) -> Option<(Outgoing, Life)> {
        while let Some(message) = self.waiting.pop_front() {
            match expiry::life(&message, now) {
                Life::Over => *expired += 1,
                life => return Some((message, life)),
            }
        }
        None
    }

    /// Drops expired messages and returns their number.
    pub(super) fn purge(&mut self, now: Instant) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|message| message.expires_at.is_none_or(|at| at > now));
        before - self.waiting.len()
    }
}

fn are_joinable(first: &Outgoing, next: &Outgoing) -> bool {
    first.join != Join::Never
        && next.join != Join::Never
        && first.retain == next.retain
        && first.response_topic == next.response_topic
}

/// The topics that may send, each once. Urgent ones are first: events can have thousands of
/// topics, and an answer would wait for all of them.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue {
    urgent: VecDeque<Arc<str>>,
    others: VecDeque<Arc<str>>,
}

impl ReadyQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.others.is_empty()
    }

    pub(super) fn pop(&mut self) -> Option<Arc<str>> {
        self.urgent.pop_front().or_else(|| self.others.pop_front())
    }

    /// Lists a topic that may send, and returns whether it may.
    pub(super) fn push_if_ready(&mut self, queue: &mut TopicQueue) -> bool {
        let ready = queue.may_send();
        if ready && !queue.is_listed {
            queue.is_listed = true;
            let topics = if queue.is_urgent { &mut self.urgent } else { &mut self.others };
            topics.push_back(Arc::clone(&queue.topic));
        }
        ready
    }
}
