//! The open HTTP connections of this process: a bounded number, so that descriptors are left for
//! broker, database and probes.
//!
//! A connection that waits for its peer (for a request, the rest of a body, or a reader of its
//! answer) may be closed to make room for a new one: first those of callers that have many, then the
//! longest waiting. One with a request that is being answered may not be closed: if there are only
//! such, new connections are accepted for probes alone, and everything else on them is refused.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tracing::{debug, warn};

use super::eviction_candidates::{Candidate, Candidates, OUTDATED_AFTER};
use super::state::Connection;
use crate::http::exchange::caller::CallerKey;

/// More than the requests that a program answers at the same time, by default.
const MAX_CONNECTIONS: u64 = 8192;
/// Descriptors for everything else: broker, database, log, signals, listeners.
const RESERVED_DESCRIPTORS: u64 = 64;
/// Connections on which only probes are answered.
const PROBE_CONNECTIONS: usize = 16;
/// A caller with more than an eighth of all connections has many.
const MANY_DIVISOR: usize = 8;
/// An answer up to this length may always be kept.
const SHORT_ANSWER: usize = 64 * 1024;
/// How long the longer answers may be together that their callers have not read: what one caller
/// does not read must not take the memory of all.
const MAX_UNREAD: usize = 256 << 20;

/// One bound for all listeners of this process, because they share its descriptors.
pub(in crate::http) fn of_this_process() -> Arc<Connections> {
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

pub(in crate::http) struct Connections {
    max: usize,
    started: Instant,
    open: Mutex<Open>,
    /// The lengths of the long answers that were not read, together.
    unread: Arc<AtomicUsize>,
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
    /// Those that may be closed.
    waiting: Candidates,
    /// Whether any connection was idle when these were looked up.
    was_any_idle: bool,
    /// Those that may be closed and have not read a long answer.
    slow_readers: Candidates,
}

/// An open connection; dropped with its socket.
pub(in crate::http) struct Slot {
    id: u64,
    pub(in crate::http) connection: Arc<Connection>,
    connections: Arc<Connections>,
}

impl Connections {
    pub(in crate::http) fn new(max: usize) -> Arc<Self> {
        let open = Mutex::new(Open::default());
        let (started, unread) = (Instant::now(), Arc::default());
        Arc::new(Self { max, started, open, unread, closed: Notify::new() })
    }

    /// Makes room for one more connection. Waits for sockets that are being closed.
    pub(in crate::http) async fn admit(self: &Arc<Self>, caller: CallerKey) -> Slot {
        let slot = loop {
            match self.add(caller) {
                Some(slot) => break slot,
                None => tokio::time::sleep(OUTDATED_AFTER).await,
            }
        };
        let mut closed = std::pin::pin!(self.closed.notified());
        loop {
            closed.as_mut().enable();
            if self.has_socket_left() {
                return slot;
            }
            // Where none is closed, one that may be closed is looked for again.
            let _ = tokio::time::timeout(OUTDATED_AFTER, closed.as_mut()).await;
            closed.set(self.closed.notified());
        }
    }

    /// Whether there are not more sockets than descriptors were planned for. If there are, and too few
    /// of them are being closed, one more is.
    fn has_socket_left(&self) -> bool {
        let most = self.max + PROBE_CONNECTIONS;
        let mut open = self.open.lock();
        if open.sockets > most && open.connections.len() > most {
            self.evict_waiting(&mut open);
        }
        open.sockets <= most
    }

    /// One more connection; `None` if there will soon be one that can be closed for it.
    fn add(self: &Arc<Self>, caller: CallerKey) -> Option<Slot> {
        let mut open = self.open.lock();
        let is_full = open.connections.len() >= self.max;
        if is_full && !self.evict_waiting(&mut open) && open.has_idle() {
            return None;
        }
        let id = open.next_id;
        let only_probes = open.connections.len() >= self.max;
        let connection = Connection::new(self.started, only_probes, Arc::clone(&self.unread));
        let connection = Arc::new(connection);
        open.next_id += 1;
        open.sockets += 1;
        open.connections.insert(id, (caller, Arc::clone(&connection)));
        let of_caller = open.of_callers.entry(caller).or_default();
        *of_caller += 1;
        if *of_caller == self.max / MANY_DIVISOR + 1 && !open.waiting.begin_with_many() {
            // Its connections, which were not found as those of a caller with many, go first now.
            open.waiting = Candidates::default();
        }
        drop(open);
        Some(Slot { id, connection, connections: Arc::clone(self) })
    }

    /// How many may be open.
    pub(in crate::http) fn max(&self) -> usize {
        self.max
    }

    /// Closes the connection that has waited longest for its peer, if any has.
    pub(in crate::http) fn evict(&self) {
        self.evict_waiting(&mut self.open.lock());
    }

    /// Makes room for an answer of `length` bytes on this connection. Closes connections that have
    /// not read their own long answers; false if none may be closed.
    pub(in crate::http) fn admit_answer(&self, connection: &Connection, length: usize) -> bool {
        if length <= SHORT_ANSWER {
            return true;
        }
        let mut open = self.open.lock();
        loop {
            let unread = self.unread.load(Ordering::Relaxed);
            if unread == 0 || unread + length <= MAX_UNREAD {
                connection.set_unread(length);
                return true;
            }
            if !self.evict_slow_reader(&mut open) {
                return false;
            }
        }
    }

    /// Closes a connection that waits for its peer: of a caller that has many, if there is one, else
    /// of any caller; the one that has waited longest.
    fn evict_waiting(&self, open: &mut Open) -> bool {
        let mut waiting = std::mem::take(&mut open.waiting);
        let is_evicted = self.evict_of(open, &mut waiting, |open, now| {
            open.was_any_idle = open.connections.values().any(|(_, one)| one.is_idle());
            self.look(open, now, |_| true)
        });
        open.waiting = waiting;
        is_evicted
    }

    /// The same, of those that have not read a long answer.
    fn evict_slow_reader(&self, open: &mut Open) -> bool {
        let mut slow_readers = std::mem::take(&mut open.slow_readers);
        let is_evicted = self.evict_of(open, &mut slow_readers, |open, now| {
            self.look(open, now, |connection| connection.unread() > 0)
        });
        open.slow_readers = slow_readers;
        is_evicted
    }

    fn evict_of(
        &self,
        open: &mut Open,
        candidates: &mut Candidates,
        look: impl Fn(&mut Open, Instant) -> Candidates,
    ) -> bool {
        let now = Instant::now();
        loop {
            if candidates.are_outdated(now) {
                *candidates = look(open, now);
            }
            let Some(Candidate { has_many, seen, id }) = candidates.next() else { return false };
            let Some((caller, connection)) = open.connections.get(&id) else { continue };
            if has_many != Reverse(self.has_many(open, *caller)) {
                *candidates = Candidates::default();
            } else if connection.try_evict(seen) {
                open.remove(id);
                return true;
            }
        }
    }

    fn look(
        &self,
        open: &Open,
        now: Instant,
        may_close: impl Fn(&Connection) -> bool,
    ) -> Candidates {
        let connections = open.connections.iter().filter(|(_, (_, one))| may_close(one));
        let found = connections.filter_map(|(id, (caller, connection))| {
            let seen = connection.evictable(now)?;
            Some(Candidate { has_many: Reverse(self.has_many(open, *caller)), seen, id: *id })
        });
        Candidates::new(found, now)
    }

    fn has_many(&self, open: &Open, caller: CallerKey) -> bool {
        open.of_callers.get(&caller) > Some(&(self.max / MANY_DIVISOR))
    }

    /// How many are open.
    pub(in crate::http) fn sockets(&self) -> usize {
        self.open.lock().sockets
    }
}

impl Open {
    /// Whether one of the connections will soon be idle for long enough to be closed. Those that came
    /// since that was looked up are the newest.
    fn has_idle(&self) -> bool {
        let mut newest = self.connections.values().rev().take(PROBE_CONNECTIONS);
        self.was_any_idle || newest.any(|(_, connection)| connection.is_idle())
    }

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
mod tests;
