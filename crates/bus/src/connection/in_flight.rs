//! Packets that the broker has not answered yet.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::outbox::Batch;

/// Finds the packet that a PUBACK or SUBACK answers.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    /// By packet id.
    packets: HashMap<u16, SentPacket>,
    next_seq: u64,
    last_id: u16,
}

#[derive(Debug)]
struct SentPacket {
    /// Order of sending.
    seq: u64,
    since: Instant,
    /// `None` for a subscription or presence, which each connection makes anew.
    batch: Option<Batch>,
}

impl InFlight {
    /// Adds a packet that is about to be sent; returns its packet id.
    pub(super) fn insert(&mut self, batch: Option<Batch>, now: Instant) -> u16 {
        // Ends soon: far fewer packets are in flight than there are ids.
        loop {
            self.last_id = self.last_id % u16::MAX + 1;
            if !self.contains(self.last_id) {
                break;
            }
        }
        self.packets.insert(self.last_id, SentPacket { seq: self.next_seq, since: now, batch });
        self.next_seq += 1;
        self.last_id
    }

    /// Removes a packet that was answered; returns its messages, if it had any.
    pub(super) fn remove(&mut self, pkid: u16) -> Option<Batch> {
        self.packets.remove(&pkid).and_then(|packet| packet.batch)
    }

    pub(super) fn contains(&self, pkid: u16) -> bool {
        self.packets.contains_key(&pkid)
    }

    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    /// When the oldest packet was sent. Looks at all of them.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.packets.values().map(|packet| packet.since).min()
    }

    /// The messages without an answer, in the order of sending: for the end of a connection.
    pub(super) fn into_unanswered(self) -> Vec<Batch> {
        let mut packets: Vec<SentPacket> = self.packets.into_values().collect();
        packets.sort_unstable_by_key(|packet| packet.seq);
        packets.into_iter().filter_map(|packet| packet.batch).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(topic: &str) -> Option<Batch> {
        Some(Batch { topic: topic.into(), items: Vec::new(), expiry_seconds: None })
    }

    #[test]
    fn matches_answers_out_of_order_and_keeps_the_order_of_the_rest() {
        let mut in_flight = InFlight::default();
        let now = Instant::now();
        let ids = ["a", "b", "c", "d"].map(|topic| in_flight.insert(batch(topic), now));
        in_flight.insert(None, now);
        let answered = in_flight.remove(ids[1]).expect("it is the packet id of b");
        assert_eq!(&*answered.topic, "b");
        assert!(in_flight.remove(ids[1]).is_none());
        assert_eq!((in_flight.len(), in_flight.oldest()), (4, Some(now)));
        let topics: Vec<_> = in_flight.into_unanswered().into_iter().map(|one| one.topic).collect();
        assert_eq!(topics, ["a", "c", "d"].map(Into::into));
    }

    #[test]
    fn an_id_is_not_given_twice_at_a_time() {
        let mut in_flight = InFlight::default();
        let now = Instant::now();
        let first = in_flight.insert(batch("a"), now);
        let round = (1..u16::MAX).map(|_| {
            let id = in_flight.insert(batch("b"), now);
            assert!(in_flight.remove(id).is_some());
            id
        });
        assert!(round.into_iter().all(|id| id != first && id != 0));
        assert_ne!(in_flight.insert(batch("c"), now), first);
    }
}
