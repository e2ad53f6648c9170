//! Packets that were in flight when their connection ended. They are sent again first, as they
//! were and in the same order. One that ends connection after connection is found and given up.
//!
//! A packet that was in flight at [`ISOLATED_AFTER`] such ends in a row is sent again alone, so
//! that the next end points at it and at nothing else.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::batch::Batch;
use crate::{Outgoing, ReasonCode, Refusal};

/// One end is ordinary: then everything is sent again at full speed.
pub(super) const ISOLATED_AFTER: u8 = 2;
/// How many ends in a row a message must cause while it is alone in flight.
pub(super) const ALONE_ENDS: u8 = 3;
/// A connection that ends later after a packet was sent says nothing about the packet.
const BLAME_WINDOW: Duration = Duration::from_secs(5);

/// How the end of a connection may have been caused by what was in flight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blame {
    /// The reason in the broker's DISCONNECT, if there was one.
    pub(crate) code: Option<ReasonCode>,
}

impl Blame {
    /// Whether a packet that was `sent` then may be the cause.
    pub(crate) fn covers(self, sent: Instant, now: Instant) -> bool {
        now.duration_since(sent) <= BLAME_WINDOW
    }

    pub(super) fn is_final(self) -> bool {
        self.code.is_some_and(ReasonCode::is_final)
    }

    pub(super) fn refusal(self, size: usize) -> Refusal {
        match self.code {
            Some(code) if code.is_final() || code == ReasonCode::NOT_AUTHORIZED => {
                Refusal::new(code, size)
            }
            _ => Refusal::Poisonous,
        }
    }
}

/// A message that the broker will never take.
#[derive(Debug)]
pub(crate) struct GivenUp {
    pub(crate) message: Outgoing,
    pub(crate) refusal: Refusal,
}

#[derive(Debug, Default)]
pub(super) struct Returned {
    pub(super) batches: VecDeque<Batch>,
    /// A packet was taken that must be alone in flight.
    pub(super) isolated: bool,
}

impl Returned {
    /// Whether nothing has returned, and nothing must be alone in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty() && !self.isolated
    }

    pub(super) fn end_isolation(&mut self) {
        self.isolated = false;
    }
}
