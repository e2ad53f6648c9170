//! The connections that may be closed to make room, looked up for many new ones at once: thousands may
//! be open when thousands more come at the same moment.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use super::state::Evictable;

/// What was found is used for this long: a part of the time after which a connection may be closed.
pub(in crate::http) const OUTDATED_AFTER: Duration = Duration::from_millis(25);
/// How many are kept of those that were found.
const MAX_CANDIDATES: usize = 256;

/// One that may be closed. The least of several is closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::http) struct Candidate {
    /// Whether its caller has many connections.
    pub(in crate::http) has_many: Reverse<bool>,
    pub(in crate::http) seen: Evictable,
    pub(in crate::http) id: u64,
}

#[derive(Default)]
pub(in crate::http) struct Candidates {
    looked_at: Option<Instant>,
    /// The last is the least.
    kept: Vec<Candidate>,
    /// Whether these were all.
    complete: bool,
}

impl Candidates {
    /// The candidates of `found`, which was looked up at this moment.
    pub(in crate::http) fn new(found: impl Iterator<Item = Candidate>, now: Instant) -> Self {
        let mut kept: Vec<_> = found.collect();
        let complete = kept.len() <= MAX_CANDIDATES;
        if !complete {
            kept.select_nth_unstable(MAX_CANDIDATES);
            kept.truncate(MAX_CANDIDATES);
            kept.shrink_to_fit();
        }
        kept.sort_unstable_by_key(|candidate| Reverse(*candidate));
        Self { looked_at: Some(now), kept, complete }
    }

    /// Whether they must be looked up anew.
    pub(in crate::http) fn are_outdated(&self, now: Instant) -> bool {
        let is_recent = |at| now.saturating_duration_since(at) < OUTDATED_AFTER;
        !self.looked_at.is_some_and(is_recent) || (self.kept.is_empty() && !self.complete)
    }

    /// Whether the first is of a caller that has many.
    pub(in crate::http) fn begin_with_many(&self) -> bool {
        self.kept.last().is_some_and(|first| first.has_many == Reverse(true))
    }

    pub(in crate::http) fn next(&mut self) -> Option<Candidate> {
        self.kept.pop()
    }
}
