//! Whose turn it is to send.

use std::collections::VecDeque;
use std::sync::Arc;

use super::lane::Lane;

/// The lanes that may send. Those with commands and answers, for which somebody waits, come first:
/// of events there can be a topic for each, and an answer would wait for its turn among thousands.
#[derive(Debug, Default)]
pub(super) struct Turns {
    awaited: VecDeque<Arc<str>>,
    others: VecDeque<Arc<str>>,
}

impl Turns {
    pub(super) fn is_empty(&self) -> bool {
        self.awaited.is_empty() && self.others.is_empty()
    }

    /// The topic whose turn it is.
    pub(super) fn next(&mut self) -> Option<Arc<str>> {
        self.awaited.pop_front().or_else(|| self.others.pop_front())
    }

    /// A lane stands behind those of its kind.
    pub(super) fn push(&mut self, lane: &Lane) {
        let lanes = if lane.awaited { &mut self.awaited } else { &mut self.others };
        lanes.push_back(Arc::clone(&lane.topic));
    }
}
