//! The messages of one topic.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::MAX_ARRAY;
use tokio::time::Instant;

use super::batch::Batch;
use super::expiry::{self, Life};
use crate::{Join, Outgoing};

/// Packets of joinable messages that may be in flight on one topic.
///
/// This is what makes arrays form by themselves: a lone message finds the lane free and
/// leaves at once; under load the next ones wait for a PUBACK and then leave together.
/// Two keep the broker busy while a PUBACK is under way.
const JOIN_WINDOW: usize = 2;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) topic: Arc<str>,
    /// Somebody waits for what is said on it.
    pub(super) awaited: bool,
    pub(super) waiting: VecDeque<Outgoing>,
    /// Packets, not messages.
    pub(super) in_flight: usize,
    /// Whether it stands in the outbox's queue of lanes that may send.
    pub(super) listed: bool,
}

impl Lane {
    /// A lane for the topic of its first message, to be listed by the caller.
    pub(super) fn new(message: Outgoing) -> Self {
        Self {
            topic: Arc::from(message.topic.as_str()),
            awaited: message.expires_at.is_some() || message.acknowledges.is_some(),
            waiting: VecDeque::from([message]),
            in_flight: 0,
            listed: true,
        }
    }

    /// True if it may send and was not listed; it counts as listed from now on.
    pub(super) fn become_ready(&mut self) -> bool {
        let may_send = self
            .waiting
            .front()
            .is_some_and(|next| next.join == Join::Never || self.in_flight < JOIN_WINDOW);
        let news = may_send && !self.listed;
        self.listed |= may_send;
        news
    }

    /// Nothing waits and nothing is in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.in_flight == 0
    }

    /// The next packet, and how many messages were dropped because their time was up.
    pub(super) fn take(&mut self, now: Instant, max_array: usize) -> (Option<Batch>, usize) {
        let mut expired = 0;
        let Some((first, life)) = self.next(now, &mut expired) else {
            return (None, expired);
        };
        let mut bytes = first.payload.len();
        let mut items = vec![first];
        while let Some((next, next_life)) = self.next(now, &mut expired) {
            // What the array takes beside the payloads: a comma or bracket an item, and one.
            let array = bytes + next.payload.len() + items.len() + 2;
            let fits = items.len() < MAX_ARRAY && array <= max_array;
            if !fits || next_life != life || !joinable(&items[0], &next) {
                self.waiting.push_front(next);
                break;
            }
            bytes += next.payload.len();
            items.push(next);
        }
        self.in_flight += 1;
        let batch = Batch {
            topic: Arc::clone(&self.topic),
            items,
            expiry_seconds: match life {
                Life::Seconds(seconds) => Some(seconds),
                Life::Unlimited | Life::Over => None,
            },
        };
        (Some(batch), expired)
    }

    /// The next message whose time is not up, and what is left of it.
    fn next(&mut self, now: Instant, expired: &mut usize) -> Option<(Outgoing, Life)> {
        while let Some(message) = self.waiting.pop_front() {
            match expiry::life(&message, now) {
                Life::Over => *expired += 1,
                life => return Some((message, life)),
            }
        }
        None
    }

    /// Drops the messages whose time is up; says how many.
    pub(super) fn purge(&mut self, now: Instant) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|message| !expiry::is_over(message.expires_at, now));
        before - self.waiting.len()
    }
}

/// Whether two messages may travel in one array.
fn joinable(first: &Outgoing, next: &Outgoing) -> bool {
    first.join != Join::Never
        && next.join != Join::Never
        && first.retain == next.retain
        && first.response_topic == next.response_topic
}
