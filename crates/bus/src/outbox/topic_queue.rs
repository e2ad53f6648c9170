//! The messages of one topic, and the order in which topics send.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use protocol::MAX_ARRAY;
use tokio::time::Instant;

use super::batch::Batch;
use crate::trace::MAX_PROPERTY;
use crate::{Outgoing, SentAck};

/// Packets of joinable messages that may be in flight on one topic.
///
/// This limit batches messages under load, as Nagle's algorithm does: a lone message is sent at
/// once; while two packets are in flight the next messages wait, and are then sent together. Two
/// packets keep the broker busy while a PUBACK is on its way.
const JOIN_WINDOW: usize = 2;
/// A command with less time left is not sent: the shortest expiry would outlive its caller by more
/// than half a second.
const MIN_COMMAND_LIFE: Duration = Duration::from_millis(1_500);
/// Added before the time left is rounded down to seconds: the moment that sending takes does not
/// shorten the expiry by a whole second.
const SEND_ALLOWANCE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct TopicQueue {
    pub(super) topic: Arc<str>,
    /// It has commands or answers, for which a caller waits.
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

    fn may_send(&self, arrays_allowed: bool) -> bool {
        let next = self.waiting.front();
        next.is_some_and(|next| !next.join.joins(arrays_allowed) || self.in_flight < JOIN_WINDOW)
    }

    /// Whether nothing is waiting or in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.in_flight == 0
    }

    /// The next packet, and how many expired messages were dropped.
    pub(super) fn take(
        &mut self,
        now: Instant,
        max_array: usize,
        arrays_allowed: bool,
    ) -> (Option<Batch>, usize) {
        let mut expired = 0;
        let Some((first, life)) = self.next(now, &mut expired) else {
            return (None, expired);
        };
        let mut bytes = first.payload.len();
        let mut is_traced = first.trace.is_some();
        let mut items = vec![first];
        while let Some((next, next_life)) = self.next(now, &mut expired) {
            // With `next` there are `items.len() + 1` items: a comma between two, and two brackets.
            let mut array = bytes + next.payload.len() + items.len() + 2;
            if is_traced || next.trace.is_some() {
                array += (items.len() + 1) * MAX_PROPERTY;
            }
            let fits = items.len() < MAX_ARRAY && array <= max_array;
            let may_join = are_joinable(&items[0], &next, arrays_allowed);
            if !fits || next_life != life || !may_join {
                self.waiting.push_front(next);
                break;
            }
            bytes += next.payload.len();
            is_traced |= next.trace.is_some();
            items.push(next);
        }
        self.in_flight += 1;
        let topic = Arc::clone(&self.topic);
        (Some(Batch { topic, items, expiry_seconds: life, ended: 0 }), expired)
    }

    /// The next message that has not expired, and its remaining life.
    fn next(&mut self, now: Instant, expired: &mut usize) -> Option<(Outgoing, Option<u32>)> {
        while let Some(message) = self.waiting.pop_front() {
            match life(&message, now) {
                Ok(life) => return Some((message, life)),
                Err(Expired) => *expired += 1,
            }
        }
        None
    }

    /// Drops expired messages and returns their number.
    pub(super) fn purge(&mut self, now: Instant) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|message| !message.has_expired(now));
        before - self.waiting.len()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expired;

/// The remaining life of a message in whole seconds, as it is sent to the broker; `None` if it
/// never expires.
///
/// MQTT's message expiry interval has whole seconds, and a broker may keep a message for up to a
/// second longer, so one second is subtracted; but zero would expire at once, so at least one is
/// sent. A command thus outlives its caller by half a second at most. An answer that is late does no
/// harm, so it has no minimum.
pub(super) fn life(message: &Outgoing, now: Instant) -> Result<Option<u32>, Expired> {
    if message.follows.as_ref().is_some_and(SentAck::may_be_lost) {
        return Err(Expired);
    }
    let Some(expires_at) = message.expires_at else { return Ok(None) };
    let left = expires_at.saturating_duration_since(now);
    let is_command = message.response_topic.is_some();
    if left.is_zero() || is_command && left < MIN_COMMAND_LIFE {
        return Err(Expired);
    }
    let seconds = (left + SEND_ALLOWANCE).as_secs().saturating_sub(1).max(1);
    Ok(Some(u32::try_from(seconds).unwrap_or(u32::MAX)))
}

fn are_joinable(first: &Outgoing, next: &Outgoing, arrays_allowed: bool) -> bool {
    first.join.joins(arrays_allowed)
        && next.join.joins(arrays_allowed)
        && first.retain == next.retain
        && first.response_topic == next.response_topic
}

/// The topics that may send, each once. Urgent ones are first: events can have thousands of
/// topics, and an answer would wait for all of them.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue {
    urgent: VecDeque<Arc<str>>,
    others: VecDeque<Arc<str>>,
    /// Whether messages of [`Join::WhenAllowed`](crate::Join::WhenAllowed) may be joined.
    pub(super) arrays_allowed: bool,
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
        let ready = queue.may_send(self.arrays_allowed);
        if ready && !queue.is_listed {
            queue.is_listed = true;
            let topics = if queue.is_urgent { &mut self.urgent } else { &mut self.others };
            topics.push_back(Arc::clone(&queue.topic));
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(left_ms: Option<u64>, command: bool, now: Instant) -> Outgoing {
        Outgoing {
            expires_at: left_ms.map(|left| now + Duration::from_millis(left)),
            response_topic: command.then(|| "r".to_owned()),
            ..Outgoing::new("t", "{}")
        }
    }

    #[test]
    fn a_command_outlives_its_caller_by_half_a_second_at_most() {
        let now = Instant::now();
        for (left_ms, expected) in [
            (0, Err(Expired)),
            (1_499, Err(Expired)),
            (1_500, Ok(Some(1))),
            (2_950, Ok(Some(2))),
            (3_500, Ok(Some(2))),
            (9_999, Ok(Some(9))),
            (10_000, Ok(Some(9))),
        ] {
            assert_eq!(
                life(&message(Some(left_ms), true, now), now),
                expected,
                "{left_ms} ms left"
            );
        }
        assert_eq!(life(&message(None, true, now), now), Ok(None));
    }

    #[test]
    fn an_answer_is_sent_until_it_expires() {
        let now = Instant::now();
        for (left_ms, expected) in [(0, Err(Expired)), (1, Ok(Some(1))), (4_000, Ok(Some(3)))] {
            assert_eq!(
                life(&message(Some(left_ms), false, now), now),
                expected,
                "{left_ms} ms left"
            );
        }
    }
}
