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
pub(super) struct SentPacket {
    /// Order of sending.
    seq: u64,
    pub(super) since: Instant,
    pub(super) content: Content,
}

/// What a packet in flight is. Subscription and presence are made anew for each connection.
#[derive(Debug)]
pub(super) enum Content {
    /// With its topic filters.
    Subscribe(Vec<String>),
    /// To filters that come and go.
    SubscribeOnDemand(Vec<String>),
    Unsubscribe(Vec<String>),
    Presence,
    Messages(Batch),
}

impl InFlight {
    /// Adds a packet that is about to be sent; returns its packet id.
    pub(super) fn insert(&mut self, content: Content, now: Instant) -> u16 {
        // Ends soon: far fewer packets are in flight than there are ids.
        loop {
            self.last_id = self.last_id % u16::MAX + 1;
            if !self.contains(self.last_id) {
                break;
            }
        }
        let packet = SentPacket { seq: self.next_seq, since: now, content };
        self.packets.insert(self.last_id, packet);
        self.next_seq += 1;
        self.last_id
    }

    /// Removes a packet that a PUBACK answers.
    pub(super) fn remove(&mut self, pkid: u16) -> Option<SentPacket> {
        self.packets.remove(&pkid)
    }

    /// Removes a packet that a SUBACK or UNSUBACK answers. `None` if the id is that of a message.
    pub(super) fn remove_request(&mut self, pkid: u16) -> Option<Content> {
        let is_request = match self.packets.get(&pkid)?.content {
            Content::Subscribe(_) | Content::SubscribeOnDemand(_) | Content::Unsubscribe(_) => true,
            Content::Presence | Content::Messages(_) => false,
        };
        is_request.then(|| self.remove(pkid)).flatten().map(|packet| packet.content)
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

    /// The messages without an answer and when each was sent, in that order: for the end of a
    /// connection.
    pub(super) fn into_unanswered(self) -> Vec<(Batch, Instant)> {
        let mut packets: Vec<SentPacket> = self.packets.into_values().collect();
        packets.sort_unstable_by_key(|packet| packet.seq);
        let messages = packets.into_iter().filter_map(|packet| match packet.content {
            Content::Messages(batch) => Some((batch, packet.since)),
            _ => None,
        });
        messages.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(topic: &str) -> Content {
        let topic = topic.into();
        Content::Messages(Batch { topic, items: Vec::new(), expiry_seconds: None, ended: 0 })
    }

    #[test]
    fn matches_answers_out_of_order_and_keeps_the_order_of_the_rest() {
        let mut in_flight = InFlight::default();
        let now = Instant::now();
        let ids = ["a", "b", "c", "d"].map(|topic| in_flight.insert(messages(topic), now));
        let subscribe = in_flight.insert(Content::Subscribe(vec!["t".to_owned()]), now);
        let removed = in_flight.remove(ids[1]).map(|packet| packet.content);
        assert!(matches!(removed, Some(Content::Messages(b)) if &*b.topic == "b"));
        assert!(in_flight.remove(ids[1]).is_none());
        assert!(in_flight.remove_request(ids[0]).is_none(), "the id of a message");
        assert_eq!((in_flight.len(), in_flight.oldest()), (4, Some(now)));
        let request = in_flight.remove_request(subscribe);
        assert!(matches!(request, Some(Content::Subscribe(filters)) if filters == ["t"]));
        assert!(in_flight.remove_request(subscribe).is_none());
        let unanswered = in_flight.into_unanswered().into_iter();
        let topics: Vec<_> = unanswered.map(|(batch, _)| batch.topic).collect();
        assert_eq!(topics, ["a", "c", "d"].map(Into::into));
    }

    #[test]
    fn an_id_is_not_given_twice_at_a_time() {
        let mut in_flight = InFlight::default();
        let now = Instant::now();
        let first = in_flight.insert(messages("a"), now);
        let round = (1..u16::MAX).map(|_| {
            let id = in_flight.insert(messages("b"), now);
            assert!(in_flight.remove(id).is_some());
            id
        });
        assert!(round.into_iter().all(|id| id != first && id != 0));
        assert_ne!(in_flight.insert(messages("c"), now), first);
    }
}
