//! The open HTTP connections of this process: a bounded number, so that descriptors are left for
//! broker, database and probes.
//!
//! A connection that waits for its peer (for a request, the rest of a body, or a reader of its
//! answer) may be closed to make room for a new one, the longest waiting first. One with a request
//! that is being answered may not: if there are only such, new connections are accepted for probes
//! alone, and everything else on them is refused.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// More than the requests that a program answers at the same time, by default.
const MAX_CONNECTIONS: u64 = 8192;
/// Descriptors for everything else: broker, database, log, signals, listeners.
const RESERVED_DESCRIPTORS: u64 = 64;
/// Connections on which only probes are answered.
const PROBE_CONNECTIONS: usize = 16;
/// How long a peer may keep its own request or answer waiting before another caller's connection
/// takes precedence.
const SLOW_PEER: Duration = Duration::from_secs(2);

/// How long the next request may be on its way before the connection counts as idle.
const FRESH: Duration = Duration::from_millis(100);
const PHASE_BITS: u32 = 3;

/// One bound for all listeners of this process, because they share its descriptors.
pub(super) fn of_this_process() -> Arc<Connections> {
    static CONNECTIONS: LazyLock<Arc<Connections>> =
        LazyLock::new(|| Connections::new(max_connections()));
    Arc::clone(&CONNECTIONS)
}

fn max_connections() -> usize {
    // Only POSIX systems that cannot limit it have no limit.
    let descriptors = rlimit::Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
    let reserved = RESERVED_DESCRIPTORS.max(descriptors / 8);
    let free = descriptors.saturating_sub(reserved).max(PROBE_CONNECTIONS as u64);
    usize::try_from(free.min(MAX_CONNECTIONS)).unwrap_or(usize::MAX)
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
    connections: BTreeMap<u64, Arc<Connection>>,
    /// Every socket that is not closed yet.
    sockets: usize,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Its peer's next request, or the rest of its head.
    Idle,
    /// Its peer, for the rest of a body.
    Body,
    /// This program, for an answer or more of one.
    Answer,
    /// Its peer, which does not read what there is of the answer.
    SlowReader,
    /// Its peer, which has not read all of the whole answer.
    Answered,
    /// Nothing: it is being closed to make room.
    Evicted,
}

/// The state of one connection.
pub(super) struct Connection {
    /// Milliseconds since the start and, in the lowest three bits, the phase: one atomic, because
    /// each request changes it several times.
    state: AtomicU64,
    started: Instant,
    evicted: CancellationToken,
    only_probes: bool,
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
    pub(super) async fn admit(self: &Arc<Self>) -> Slot {
        let slot = loop {
            match self.add() {
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
    fn add(self: &Arc<Self>) -> Option<Slot> {
        let mut open = self.open.lock();
        if open.connections.len() >= self.max
            && !self.evict_from(&mut open)
            && open.connections.values().any(|connection| connection.is_idle())
        {
            return None;
        }
        let id = open.next_id;
        let connection = Arc::new(Connection {
            state: AtomicU64::new(since_now(self.started, Phase::Idle)),
            started: self.started,
            evicted: CancellationToken::new(),
            only_probes: open.connections.len() >= self.max,
        });
        open.next_id += 1;
        open.sockets += 1;
        open.connections.insert(id, Arc::clone(&connection));
        drop(open);
        Some(Slot { id, connection, connections: Arc::clone(self) })
    }

    /// Closes the connection that has waited longest for its peer, if any has.
    pub(super) fn evict(&self) {
        self.evict_from(&mut self.open.lock());
    }

    fn evict_from(&self, open: &mut Open) -> bool {
        let now = millis(self.started);
        let has_lasted = |since: u64, limit: Duration| {
            u128::from(now.saturating_sub(since)) >= limit.as_millis()
        };
        loop {
            let candidates = open.connections.iter().filter_map(|(id, connection)| {
                let state = connection.state.load(Ordering::Acquire);
                let since = state >> PHASE_BITS;
                match phase(state) {
                    Phase::Idle => has_lasted(since, FRESH).then_some((false, since, *id, state)),
                    Phase::Body | Phase::SlowReader | Phase::Answered => {
                        has_lasted(since, SLOW_PEER).then_some((true, since, *id, state))
                    }
                    Phase::Answer | Phase::Evicted => None,
                }
            });
            let Some((.., id, state)) = candidates.min() else { return false };
            if open.connections[&id].try_evict(state) {
                open.connections.remove(&id);
                return true;
            }
        }
    }
}

impl Connection {
    /// The request's body is waited for.
    pub(super) fn wait_for_body(&self) {
        self.advance(|phase| (phase == Phase::Answer).then_some(Phase::Body));
    }

    /// A request, or the rest of its body, has arrived. False if the connection was evicted before.
    pub(super) fn begin_answer(&self) -> bool {
        self.advance(|phase| (phase != Phase::Evicted).then_some(Phase::Answer))
    }

    /// The socket takes no more.
    pub(super) fn wait_for_reader(&self) {
        self.advance(|phase| (phase == Phase::Answer).then_some(Phase::SlowReader));
    }

    /// The answer is complete, but may wait for the socket.
    pub(super) fn end_answer(&self) {
        self.advance(|phase| (phase != Phase::Evicted).then_some(Phase::Answered));
    }

    /// The socket has taken everything.
    pub(super) fn flushed(&self) {
        self.advance(|phase| match phase {
            Phase::SlowReader => Some(Phase::Answer),
            Phase::Answered => Some(Phase::Idle),
            Phase::Idle | Phase::Body | Phase::Answer | Phase::Evicted => None,
        });
    }

    /// Changes the phase if `next` names another, and says whether it did.
    fn advance(&self, next: impl Fn(Phase) -> Option<Phase>) -> bool {
        let next = |state| next(phase(state)).map(|next| since_now(self.started, next));
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok()
    }

    fn is_idle(&self) -> bool {
        phase(self.state.load(Ordering::Acquire)) == Phase::Idle
    }

    fn try_evict(&self, seen: u64) -> bool {
        let evicted = since_now(self.started, Phase::Evicted);
        let taken = self.state.compare_exchange(seen, evicted, Ordering::AcqRel, Ordering::Acquire);
        if taken.is_ok() {
            self.evicted.cancel();
        }
        taken.is_ok()
    }

    /// Completes when the connection must be closed.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    pub(super) fn only_probes(&self) -> bool {
        self.only_probes
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.connections.remove(&self.id);
        open.sockets -= 1;
        drop(open);
        self.connections.closed.notify_one();
    }
}

fn since_now(started: Instant, phase: Phase) -> u64 {
    millis(started) << PHASE_BITS | phase as u64
}

fn phase(state: u64) -> Phase {
    match state & ((1 << PHASE_BITS) - 1) {
        0 => Phase::Idle,
        1 => Phase::Body,
        2 => Phase::Answer,
        3 => Phase::SlowReader,
        4 => Phase::Answered,
        _ => Phase::Evicted,
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX >> PHASE_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_evicted(slot: &Slot) -> bool {
        slot.connection.evicted.is_cancelled()
    }

    #[tokio::test]
    async fn the_connection_that_is_idle_longest_makes_room() {
        let connections = Connections::new(2);
        let (first, second) = (connections.admit().await, connections.admit().await);
        assert!(second.connection.begin_answer());
        let third = connections.admit().await;
        assert!(is_evicted(&first) && !is_evicted(&second) && !third.connection.only_probes());
        assert!(!first.connection.begin_answer(), "its next request is not begun");
        second.connection.end_answer();
        second.connection.flushed();
        assert!(third.connection.begin_answer());
        connections.admit().await;
        assert!(is_evicted(&second), "it is idle after its answer");
    }

    #[tokio::test]
    async fn a_slow_peer_makes_room_after_a_while_and_after_idle_ones() {
        let connections = Connections::new(3);
        let slots = [(); 3].map(|()| connections.add().expect("there is room"));
        let [body, reader, rest] = slots.each_ref().map(|slot| &slot.connection);
        for connection in [body, reader, rest] {
            assert!(connection.begin_answer());
        }
        body.wait_for_body();
        reader.wait_for_reader();
        rest.end_answer();
        assert!(connections.admit().await.connection.only_probes(), "none is slow for long");
        tokio::time::sleep(SLOW_PEER).await;
        let idle = connections.admit().await;
        assert_eq!(slots.iter().filter(|slot| is_evicted(slot)).count(), 1);
        tokio::time::sleep(FRESH).await;
        let _next = connections.admit().await;
        assert!(is_evicted(&idle), "an idle one goes first");
        body.begin_answer();
        reader.flushed();
        connections.admit().await;
        assert_eq!(slots.iter().filter(|slot| is_evicted(slot)).count(), 1);
    }

    #[tokio::test]
    async fn sockets_beyond_the_bound_are_waited_for() {
        let connections = Connections::new(1);
        let mut slots = Vec::new();
        for _ in 0..=PROBE_CONNECTIONS {
            let slot = connections.admit().await;
            assert!(slot.connection.begin_answer());
            slots.push(slot);
        }
        let mut next = std::pin::pin!(connections.admit());
        let started = tokio::time::timeout(Duration::from_millis(50), &mut next).await;
        assert!(started.is_err(), "one more socket than descriptors were planned for");
        slots.pop();
        assert!(next.await.connection.only_probes());
    }
}
