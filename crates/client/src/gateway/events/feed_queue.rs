//! The events that readers of `GET /eventos` may not have read yet. All readers share them, so a
//! slow one keeps nothing that the others do not.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::watch;

/// How many events are kept. A reader for which more wait is sent the whole state anew.
pub(super) const MAX_EVENTS: usize = 256;
/// How long they may be together: a list of all postos is one event.
const MAX_BYTES: usize = 8 << 20;

#[derive(Default)]
pub(super) struct FeedQueue {
    events: VecDeque<Bytes>,
    /// The number of the first of them.
    first: u64,
    bytes: usize,
    pushed: watch::Sender<()>,
}

/// Where a reader is in the queue.
#[derive(Debug)]
pub(super) struct Position {
    next: u64,
    pushed: watch::Receiver<()>,
}

/// What a reader finds at its position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Event(Bytes),
    /// Nothing that it has not read.
    Nothing,
    /// What it would have read next is not kept any more.
    Dropped,
}

impl FeedQueue {
    pub(super) fn push(&mut self, event: Bytes) {
        self.bytes += event.len();
        self.events.push_back(event);
        // The last one is kept, however long it is.
        while self.events.len() > 1
            && (self.events.len() > MAX_EVENTS || self.bytes > MAX_BYTES)
            && let Some(dropped) = self.events.pop_front()
        {
            self.bytes -= dropped.len();
            self.first += 1;
        }
        self.pushed.send_replace(());
    }

    /// Behind the last event.
    pub(super) fn end(&self) -> Position {
        let next = self.first + self.events.len() as u64;
        Position { next, pushed: self.pushed.subscribe() }
    }

    /// Reads at a position, which goes on behind an event that is found.
    pub(super) fn read(&self, position: &mut Position) -> Found {
        let Some(offset) = position.next.checked_sub(self.first) else { return Found::Dropped };
        let event = usize::try_from(offset).ok().and_then(|offset| self.events.get(offset));
        let Some(event) = event else { return Found::Nothing };
        position.next += 1;
        Found::Event(event.clone())
    }
}

impl Position {
    /// Waits until something was pushed since the last wait.
    pub(super) async fn pushed(&mut self) {
        // A reader keeps the state that has the queue.
        let _ = self.pushed.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(length: usize) -> Bytes {
        vec![b'x'; length].into()
    }

    #[test]
    fn events_are_read_in_order_from_where_a_reader_came() {
        let mut queue = FeedQueue::default();
        queue.push(event(1));
        let mut position = queue.end();
        assert_eq!(queue.read(&mut position), Found::Nothing);
        queue.push(event(2));
        queue.push(event(3));
        assert_eq!(queue.read(&mut position), Found::Event(event(2)));
        assert_eq!(queue.read(&mut position), Found::Event(event(3)));
        assert_eq!(queue.read(&mut position), Found::Nothing);
    }

    #[test]
    fn a_reader_that_stands_still_keeps_a_bounded_number_of_bytes() {
        let mut queue = FeedQueue::default();
        let mut slow = queue.end();
        for _ in 0..MAX_EVENTS {
            queue.push(event(MAX_BYTES / 4));
            assert!(queue.bytes <= MAX_BYTES, "{}", queue.bytes);
        }
        assert_eq!(queue.events.len(), 4);
        assert_eq!(queue.read(&mut slow), Found::Dropped);
        queue.push(event(2 * MAX_BYTES));
        assert_eq!(queue.events.len(), 1, "one that is too long is alone");
        let mut quick = queue.end();
        queue.push(event(1));
        assert_eq!((queue.events.len(), queue.bytes), (1, 1));
        assert_eq!(queue.read(&mut quick), Found::Event(event(1)));
    }
}
