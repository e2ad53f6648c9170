//! Publishes handed to the library and not yet answered by the broker.

use std::collections::{HashMap, VecDeque};

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
///
/// The library chooses the packet id and gives no handle. But it reports each publish, with
/// its packet id, in the order in which publishes were handed to it.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    /// Handed over, packet id not yet known.
    handed: VecDeque<Flying>,
    /// Written to the broker.
    written: HashMap<u16, Flying>,
    next_seq: u64,
}

#[derive(Debug)]
struct Flying {
    /// Order of handing over.
    seq: u64,
    since: Instant,
    cargo: Cargo,
}

impl Flight {
    /// Handed to the library.
    pub(crate) fn hand_over(&mut self, cargo: Cargo, now: Instant) {
        self.handed.push_back(Flying { seq: self.next_seq, since: now, cargo });
        self.next_seq += 1;
    }

    /// The library reports a publish.
    pub(crate) fn written(&mut self, pkid: u16) {
        if let Some(flying) = self.handed.pop_front() {
            self.written.insert(pkid, flying);
        }
    }

    /// The broker acknowledged a packet id.
    pub(crate) fn acknowledged(&mut self, pkid: u16) -> Option<Cargo> {
        self.written.remove(&pkid).map(|flying| flying.cargo)
    }

    /// Publishes without an answer.
    pub(crate) fn len(&self) -> usize {
        self.handed.len() + self.written.len()
    }

    /// Since when the longest unanswered publish waits. Looks at all of them.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let handed = self.handed.iter().map(|flying| flying.since);
        let written = self.written.values().map(|flying| flying.since);
        handed.chain(written).min()
    }

    /// The connection is gone: the messages without an answer, in the order of sending.
    pub(crate) fn into_unanswered(self) -> Vec<Batch> {
        let mut flying: Vec<Flying> = self.written.into_values().chain(self.handed).collect();
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
        for topic in ["a", "b", "c", "d"] {
            flight.hand_over(batch(topic), now);
        }
        flight.hand_over(Cargo::Birth, now);
        for pkid in [9, 4, 7] {
            flight.written(pkid);
        }
        let Some(Cargo::Messages(answered)) = flight.acknowledged(4) else {
            panic!("4 is the packet id of b");
        };
        assert_eq!(&*answered.topic, "b");
        assert!(flight.acknowledged(4).is_none());
        assert_eq!((flight.len(), flight.oldest()), (4, Some(now)));
        let topics: Vec<_> = flight.into_unanswered().into_iter().map(|one| one.topic).collect();
        assert_eq!(topics, ["a", "c", "d"].map(Into::into));
    }
}
