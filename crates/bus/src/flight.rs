//! Publishes that the broker has not answered yet.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::outbox::Batch;

/// One publish.
#[derive(Debug)]
pub(crate) enum Cargo {
    /// Messages of the outbox, to be kept until the broker has them.
    Messages(Batch),
    /// The birth: made anew for each connection, so it dies with its own.
    Birth,
    /// "Offline", before a clean end.
    Farewell,
}

/// Matches PUBACKs with what they answer for.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    /// By packet id.
    flying: HashMap<u16, Flying>,
    next_seq: u64,
    last_id: u16,
}

#[derive(Debug)]
struct Flying {
    /// Order of sending.
    seq: u64,
    since: Instant,
    cargo: Cargo,
}

impl Flight {
    /// The greatest packet id of a publish; the next one is for subscriptions.
    pub(crate) const MAX_ID: u16 = u16::MAX - 1;

    /// Is about to be sent, with the packet id that is returned.
    pub(crate) fn take_off(&mut self, cargo: Cargo, now: Instant) -> u16 {
        // Far fewer are in flight than there are ids.
        loop {
            self.last_id = self.last_id % Self::MAX_ID + 1;
            if !self.flying.contains_key(&self.last_id) {
                break;
            }
        }
        self.flying.insert(self.last_id, Flying { seq: self.next_seq, since: now, cargo });
        self.next_seq += 1;
        self.last_id
    }

    /// The broker acknowledged a packet id.
    pub(crate) fn acknowledged(&mut self, pkid: u16) -> Option<Cargo> {
        self.flying.remove(&pkid).map(|flying| flying.cargo)
    }

    /// Publishes without an answer.
    pub(crate) fn len(&self) -> usize {
        self.flying.len()
    }

    /// Since when the longest unanswered publish waits. Looks at all of them.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.flying.values().map(|flying| flying.since).min()
    }

    /// The connection is gone: the messages without an answer, in the order of sending.
    pub(crate) fn into_unanswered(self) -> Vec<Batch> {
        let mut flying: Vec<Flying> = self.flying.into_values().collect();
        flying.sort_unstable_by_key(|flying| flying.seq);
        let cargoes = flying.into_iter().map(|flying| flying.cargo);
        cargoes
            .filter_map(|cargo| match cargo {
                Cargo::Messages(batch) => Some(batch),
                Cargo::Birth | Cargo::Farewell => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(topic: &str) -> Cargo {
        Cargo::Messages(Batch { topic: topic.into(), items: Vec::new(), expiry_seconds: None })
    }

    #[test]
    fn matches_answers_out_of_order_and_keeps_the_order_of_the_rest() {
        let mut flight = Flight::default();
        let now = Instant::now();
        let ids = ["a", "b", "c", "d"].map(|topic| flight.take_off(batch(topic), now));
        flight.take_off(Cargo::Birth, now);
        let Some(Cargo::Messages(answered)) = flight.acknowledged(ids[1]) else {
            panic!("it is the packet id of b");
        };
        assert_eq!(&*answered.topic, "b");
        assert!(flight.acknowledged(ids[1]).is_none());
        assert_eq!((flight.len(), flight.oldest()), (4, Some(now)));
        let topics: Vec<_> = flight.into_unanswered().into_iter().map(|one| one.topic).collect();
        assert_eq!(topics, ["a", "c", "d"].map(Into::into));
    }

    #[test]
    fn an_id_is_not_given_twice_at_a_time() {
        let mut flight = Flight::default();
        let now = Instant::now();
        let first = flight.take_off(batch("a"), now);
        let round = (1..Flight::MAX_ID).map(|_| {
            let id = flight.take_off(batch("b"), now);
            assert!(flight.acknowledged(id).is_some());
            id
        });
        assert!(round.into_iter().all(|id| id != first && id != 0));
        assert_ne!(flight.take_off(batch("c"), now), first);
    }
}
