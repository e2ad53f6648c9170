//! The open HTTP connections of this process: a bounded number, so that descriptors are left for
//! broker, database and probes.
//!
//! A connection that waits for its peer (for a request, the rest of a body, or a reader of its
//! answer) may be closed to make room for a new one: first those of callers that have many, then the
//! longest waiting. One with a request that is being answered may not be closed: if there are only such, new connections are accepted for probes
//! alone, and everything else on them is refused.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tracing::{debug, warn};

use super::caller::CallerKey;
use super::connection::{Connection, FRESH};

/// More than the requests that a program answers at the same time, by default.
const MAX_CONNECTIONS: u64 = 8192;
/// Descriptors for everything else: broker, database, log, signals, listeners.
const RESERVED_DESCRIPTORS: u64 = 64;
/// Connections on which only probes are answered.
const PROBE_CONNECTIONS: usize = 16;
/// One caller has many connections if it has this part of all.
const MANY: usize = 8;
/// An answer up to this length may always be kept.
const SHORT_ANSWER: usize = 64 * 1024;
/// How long the longer answers may be together that their callers have not read: what one caller
/// does not read must not take the memory of all.
const MAX_UNREAD: usize = 256 << 20;

/// One bound for all listeners of this process, because they share its descriptors.
pub(super) fn of_this_process() -> Arc<Connections> {
    static CONNECTIONS: LazyLock<Arc<Connections>> =
        LazyLock::new(|| Connections::new(max_connections()));
    Arc::clone(&CONNECTIONS)
}

/// As many as descriptors allow, of which the program takes all that it may.
fn max_connections() -> usize {
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
        warn!(%error, "the limit of open files cannot be raised");
        rlimit::Resource::NOFILE.get_soft().unwrap_or_default()
    });
    let reserved = RESERVED_DESCRIPTORS.max(descriptors / 8);
    let free = descriptors.saturating_sub(reserved).max(PROBE_CONNECTIONS as u64);
    let max = usize::try_from(free.min(MAX_CONNECTIONS)).unwrap_or(usize::MAX);
    debug!(descriptors, max, "HTTP connections are bounded");
    max
}

pub(super) struct Connections {
    max: usize,
    started: Instant,
    open: Mutex<Open>,
    closed: Notify,
}

#[derive(Default)]
struct Open {
    next_id: u64,
    /// All but those that are being closed.
    connections: BTreeMap<u64, (CallerKey, Arc<Connection>)>,
    /// How many of them each caller has.
    of_callers: HashMap<CallerKey, usize>,
    /// Every socket that is not closed yet.
    sockets: usize,
}

/// An open connection; dropped with its socket.
pub(super) struct Slot {
    id: u64,
    pub(super) connection: Arc<Connection>,
    connections: Arc<Connections>,
}

impl Connections {
    pub(super) fn new(max: usize) -> Arc<Self> {
        let open = Mutex::new(Open::default());
        Arc::new(Self { max, started: Instant::now(), open, closed: Notify::new() })
    }

    /// Makes room for one more connection. Waits for sockets that are being closed.
    pub(super) async fn admit(self: &Arc<Self>, caller: CallerKey) -> Slot {
        let slot = loop {
            match self.add(caller) {
                Some(slot) => break slot,
                None => tokio::time::sleep(FRESH / 4).await,
            }
        };
        let mut closed = std::pin::pin!(self.closed.notified());
        loop {
            closed.as_mut().enable();
            if self.open.lock().sockets <= self.max + PROBE_CONNECTIONS {
                return slot;
            }
            closed.as_mut().await;
            closed.set(self.closed.notified());
        }
    }

    /// One more connection; `None` if there will soon be one that can be closed for it.
    fn add(self: &Arc<Self>, caller: CallerKey) -> Option<Slot> {
        let mut open = self.open.lock();
        if open.connections.len() >= self.max
            && !self.evict_from(&mut open, |_| true)
            && open.connections.values().any(|(_, connection)| connection.is_idle())
        {
            return None;
        }
        let id = open.next_id;
        let only_probes = open.connections.len() >= self.max;
        let connection = Arc::new(Connection::new(self.started, only_probes));
        open.next_id += 1;
        open.sockets += 1;
        open.connections.insert(id, (caller, Arc::clone(&connection)));
        *open.of_callers.entry(caller).or_default() += 1;
        drop(open);
        Some(Slot { id, connection, connections: Arc::clone(self) })
    }

    /// How many may be open.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Closes the connection that has waited longest for its peer, if any has.
    pub(super) fn evict(&self) {
        self.evict_from(&mut self.open.lock(), |_| true);
    }

    /// Makes room for an answer of `length` bytes on this connection. Closes connections that have
    /// not read their own long answers; false if none may be closed.
    pub(super) fn admit_answer(&self, connection: &Connection, length: usize) -> bool {
        if length <= SHORT_ANSWER {
            return true;
        }
        let mut open = self.open.lock();
        loop {
            let unread: usize = open.connections.values().map(|(_, one)| one.unread()).sum();
            if unread == 0 || unread + length <= MAX_UNREAD {
                connection.begin_unread(length);
                return true;
            }
            if !self.evict_from(&mut open, |one| one.unread() > 0) {
                return false;
            }
        }
    }

    /// Closes a connection that waits for its peer, of those that `may_close` allows: of a caller
    /// that has many, if there is one, else of any caller; the one that has waited longest.
    fn evict_from(&self, open: &mut Open, may_close: impl Fn(&Connection) -> bool) -> bool {
        loop {
            let candidates = open.connections.iter().filter(|(_, (_, one))| may_close(one));
            let candidates = candidates.filter_map(|(id, (caller, one))| {
                let has_many = open.of_callers.get(caller) > Some(&(self.max / MANY));
                Some((Reverse(has_many), one.evictable()?, *id))
            });
            let Some((_, seen, id)) = candidates.min() else { return false };
            // It may have begun a request meanwhile.
            if open.connections[&id].1.try_evict(seen) {
                open.remove(id);
                return true;
            }
        }
    }

    /// How many are open.
    pub(super) fn sockets(&self) -> usize {
        self.open.lock().sockets
    }
}

impl Open {
    fn remove(&mut self, id: u64) {
        let Some((caller, _)) = self.connections.remove(&id) else { return };
        if let Entry::Occupied(mut count) = self.of_callers.entry(caller) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.remove(self.id);
        open.sockets -= 1;
        drop(open);
        self.connections.closed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::connection::SLOW_PEER;
    use super::*;

    fn caller(number: u8) -> CallerKey {
        CallerKey::of([192, 0, 2, number].into())
    }

    fn is_evicted(slot: &Slot) -> bool {
        slot.connection.is_evicted()
    }

    #[tokio::test]
    async fn the_connection_that_is_idle_longest_makes_room() {
        let connections = Connections::new(2);
        let (first, second) =
            (connections.admit(caller(1)).await, connections.admit(caller(1)).await);
        assert!(second.connection.begin_answer());
        let third = connections.admit(caller(1)).await;
        assert!(is_evicted(&first) && !is_evicted(&second) && !third.connection.only_probes());
        assert!(!first.connection.begin_answer(), "its next request is not begun");
        second.connection.end_answer();
        second.connection.flushed();
        assert!(third.connection.begin_answer());
        connections.admit(caller(1)).await;
        assert!(is_evicted(&second), "it is idle after its answer");
    }

    #[tokio::test]
    async fn a_slow_peer_makes_room_after_a_while_and_after_idle_ones() {
        let connections = Connections::new(3);
        let slots = [(); 3].map(|()| connections.add(caller(1)).expect("there is room"));
        let [body, reader, rest] = slots.each_ref().map(|slot| &slot.connection);
        for connection in [body, reader, rest] {
            assert!(connection.begin_answer());
        }
        body.wait_for_body();
        reader.wait_for_reader();
        rest.end_answer();
        assert!(
            connections.admit(caller(1)).await.connection.only_probes(),
            "none is slow for long"
        );
        tokio::time::sleep(SLOW_PEER).await;
        let idle = connections.admit(caller(1)).await;
        assert_eq!(slots.each_ref().map(is_evicted), [true, false, false], "the slowest first");
        tokio::time::sleep(FRESH).await;
        let _next = connections.admit(caller(1)).await;
        assert!(is_evicted(&idle), "an idle one goes before slow ones");
        reader.flushed();
        connections.admit(caller(1)).await;
        assert_eq!(slots.each_ref().map(is_evicted), [true, false, true], "one is read again");
    }

    #[tokio::test]
    async fn sockets_beyond_the_bound_are_waited_for() {
        let connections = Connections::new(1);
        let mut slots = Vec::new();
        for _ in 0..=PROBE_CONNECTIONS {
            let slot = connections.admit(caller(1)).await;
            assert!(slot.connection.begin_answer());
            slots.push(slot);
        }
        let mut next = std::pin::pin!(connections.admit(caller(1)));
        let started = tokio::time::timeout(Duration::from_millis(50), &mut next).await;
        assert!(started.is_err(), "one more socket than descriptors were planned for");
        slots.pop();
        assert!(next.await.connection.only_probes());
    }

    #[tokio::test]
    async fn long_answers_that_are_not_read_make_room_for_others() {
        let connections = Connections::new(10);
        let slots = [(); 4].map(|()| connections.add(caller(1)).expect("there is room"));
        let [first, second, third, fourth] = slots.each_ref().map(|slot| &slot.connection);
        for connection in [first, second, third, fourth] {
            assert!(connection.begin_answer());
        }
        assert!(connections.admit_answer(first, MAX_UNREAD / 2));
        assert!(connections.admit_answer(second, MAX_UNREAD / 2));
        assert!(!connections.admit_answer(third, SHORT_ANSWER + 1), "none is slow for long");
        assert!(connections.admit_answer(third, SHORT_ANSWER));
        first.end_answer();
        second.end_answer();
        second.flushed();
        assert!(connections.admit_answer(third, MAX_UNREAD / 2), "the second was read");
        tokio::time::sleep(SLOW_PEER).await;
        assert!(connections.admit_answer(fourth, MAX_UNREAD / 2));
        assert_eq!(slots.each_ref().map(is_evicted), [true, false, false, false]);
    }

    #[tokio::test]
    async fn a_caller_with_many_connections_makes_room_before_others() {
        let connections = Connections::new(8 * 3);
        let few = connections.admit(caller(1)).await;
        let mut many = Vec::new();
        for _ in 1..8 * 3 {
            many.push(connections.admit(caller(2)).await);
        }
        tokio::time::sleep(FRESH * 2).await;
        for number in 3..=12 {
            many.push(connections.admit(caller(number)).await);
        }
        assert!(!is_evicted(&few), "it is idle longest, but alone");
        let evicted = many.iter().filter(|slot| is_evicted(slot)).count();
        assert_eq!(evicted, 10, "all of the caller that had many");
        drop(many);
        assert_eq!(connections.open.lock().of_callers.len(), 1);
    }
}
