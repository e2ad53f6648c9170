//! What one HTTP connection waits for, and since when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::failpoints::{Bug, has};

/// How long the next request may be on its way before the connection counts as idle.
pub(in crate::http) const IDLE_AFTER: Duration = Duration::from_millis(100);
/// How long a peer may keep its own request or answer waiting before another caller's connection
/// takes precedence.
pub(in crate::http) const SLOW_PEER: Duration = Duration::from_secs(2);
const PHASE_BITS: u32 = 3;

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
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
    /// This program, which has not looked yet whether a request has come.
    New,
    /// Nothing: it is being closed to make room.
    Evicted,
}

/// The state of one connection.
pub(in crate::http) struct Connection {
    /// Milliseconds since the start and, in the lowest three bits, the phase: one atomic, because
    /// each request changes it several times.
    state: AtomicU64,
    started: Instant,
    /// The length of a long answer that the peer has not read, and of those of all connections.
    unread: AtomicUsize,
    all_unread: Arc<AtomicUsize>,
    evicted: CancellationToken,
    only_probes: bool,
    /// How many requests were begun, and the first whose `Transfer-Encoding` is not trusted.
    requests: AtomicU64,
    suspect_from: AtomicU64,
    is_sending: AtomicBool,
    /// The status of what hyper has answered by itself, or 0.
    refused: AtomicU16,
}

/// Why a connection may be closed: the least of several is closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::http) struct Evictable {
    in_request: bool,
    since: u64,
    state: u64,
}

impl Connection {
    /// A connection from which nothing was read. Times are counted from `started`; what its peer has
    /// not read of long answers is added to `all_unread`.
    pub(in crate::http) fn new(
        started: Instant,
        only_probes: bool,
        all_unread: Arc<AtomicUsize>,
    ) -> Self {
        let state = AtomicU64::new(since(started, Instant::now(), Phase::New));
        Self {
            state,
            started,
            unread: AtomicUsize::new(0),
            all_unread,
            evicted: CancellationToken::new(),
            only_probes,
            requests: AtomicU64::new(0),
            suspect_from: AtomicU64::new(u64::MAX),
            is_sending: AtomicBool::new(false),
            refused: AtomicU16::new(0),
        }
    }

    /// Whether it waits for its peer at this moment, and has for long enough.
    pub(in crate::http) fn evictable(&self, now: Instant) -> Option<Evictable> {
        let state = self.state.load(Ordering::Acquire);
        let (in_request, limit) = match phase(state) {
            Phase::Idle => (false, IDLE_AFTER),
            Phase::Body | Phase::SlowReader | Phase::Answered => (true, SLOW_PEER),
            Phase::Answer | Phase::New | Phase::Evicted => return None,
        };
        let since = state >> PHASE_BITS;
        let lasted = Duration::from_millis(millis(self.started, now).saturating_sub(since));
        (lasted >= limit && !has(Bug::EndlessWaits)).then_some(Evictable {
            in_request,
            since,
            state,
        })
    }

    /// A request is looked for.
    pub(in crate::http) fn wait_for_request(&self) {
        if self.phase() == Phase::New {
            self.advance(|phase| (phase == Phase::New).then_some(Phase::Idle));
        }
    }

    /// The request's body is waited for.
    pub(in crate::http) fn wait_for_body(&self) {
        self.advance(|phase| (phase == Phase::Answer).then_some(Phase::Body));
    }

    /// A request, or the rest of its body, has arrived. False if the connection was evicted before.
    pub(in crate::http) fn begin_answer(&self) -> bool {
        self.advance(|phase| (phase != Phase::Evicted).then_some(Phase::Answer))
    }

    /// The socket takes no more.
    pub(in crate::http) fn wait_for_reader(&self) {
        self.advance(|phase| (phase == Phase::Answer).then_some(Phase::SlowReader));
    }

    /// The answer is complete, but may wait for the socket.
    pub(in crate::http) fn end_answer(&self) {
        self.advance(|phase| (phase != Phase::Evicted).then_some(Phase::Answered));
    }

    /// A long answer of this length is about to be written; 0: none is left to be read.
    pub(in crate::http) fn set_unread(&self, length: usize) {
        self.all_unread.fetch_add(length, Ordering::Relaxed);
        let before = self.unread.swap(length, Ordering::Relaxed);
        self.all_unread.fetch_sub(before, Ordering::Relaxed);
    }

    pub(in crate::http) fn unread(&self) -> usize {
        self.unread.load(Ordering::Relaxed)
    }

    /// The socket has taken everything.
    pub(in crate::http) fn flushed(&self) {
        if self.phase() == Phase::Answered && self.unread() > 0 {
            self.set_unread(0);
        }
        self.advance(|phase| match phase {
            Phase::SlowReader => Some(Phase::Answer),
            Phase::Answered => Some(Phase::Idle),
            Phase::Idle | Phase::Body | Phase::Answer | Phase::New | Phase::Evicted => None,
        });
    }

    /// Changes the phase if `next` names another, and says whether it did.
    fn advance(&self, next: impl Fn(Phase) -> Option<Phase>) -> bool {
        let next = |state| next(phase(state)).map(|next| since(self.started, Instant::now(), next));
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok()
    }

    /// Whether it waits for a request. One may have come that nothing has looked for yet.
    pub(in crate::http) fn is_idle(&self) -> bool {
        matches!(self.phase(), Phase::Idle | Phase::New)
    }

    fn phase(&self) -> Phase {
        phase(self.state.load(Ordering::Acquire))
    }

    /// Closes it, unless its state is no longer the one that was seen.
    pub(in crate::http) fn try_evict(&self, seen: Evictable) -> bool {
        let evicted = since(self.started, Instant::now(), Phase::Evicted);
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let taken = self.state.compare_exchange(seen.state, evicted, success, failure).is_ok();
        if taken {
            self.set_unread(0);
            self.evicted.cancel();
        }
        taken
    }

    /// Completes when the connection must be closed.
    pub(in crate::http) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    #[cfg(test)]
    pub(in crate::http) fn is_evicted(&self) -> bool {
        self.evicted.is_cancelled()
    }

    pub(in crate::http) fn only_probes(&self) -> bool {
        self.only_probes
    }

    /// From this request on, counted from 0, a `Transfer-Encoding` may hide another length.
    pub(in crate::http) fn note_suspect_from(&self, request: u64) {
        self.suspect_from.store(request, Ordering::Relaxed);
    }

    /// Counts a request, and says whether its `Transfer-Encoding` may hide another length.
    pub(in crate::http) fn next_is_suspect(&self) -> bool {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        request >= self.suspect_from.load(Ordering::Relaxed)
    }

    /// The peer is still sending a body that nobody reads.
    pub(in crate::http) fn note_sending(&self) {
        self.is_sending.store(true, Ordering::Relaxed);
    }

    pub(in crate::http) fn is_sending(&self) -> bool {
        self.is_sending.load(Ordering::Relaxed)
    }

    /// hyper has answered with this status what it cannot read as a request.
    pub(in crate::http) fn note_refused(&self, status: u16) {
        self.refused.store(status, Ordering::Relaxed);
    }

    pub(in crate::http) fn refused(&self) -> Option<u16> {
        Some(self.refused.load(Ordering::Relaxed)).filter(|status| *status != 0)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.set_unread(0);
    }
}

/// The state of what is in this phase since `now`.
fn since(started: Instant, now: Instant, phase: Phase) -> u64 {
    millis(started, now) << PHASE_BITS | phase as u64
}

fn phase(state: u64) -> Phase {
    match state & ((1 << PHASE_BITS) - 1) {
        0 => Phase::Idle,
        1 => Phase::Body,
        2 => Phase::Answer,
        3 => Phase::SlowReader,
        4 => Phase::Answered,
        5 => Phase::New,
        _ => Phase::Evicted,
    }
}

fn millis(started: Instant, now: Instant) -> u64 {
    let passed = now.saturating_duration_since(started).as_millis();
    u64::try_from(passed).unwrap_or(u64::MAX >> PHASE_BITS)
}
