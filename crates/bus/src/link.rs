//! Whether the broker can be reached.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Timestamp;

/// State of the connection to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Not connected, or not yet subscribed to everything.
    Down,
    /// Connected and subscribed to everything.
    Up {
        /// Counts connections from 1; what was sent in an older one may be lost.
        generation: u64,
        /// When this connection began: the `desde` of its presence.
        since: Timestamp,
    },
}

impl Link {
    /// The connection's number while it is up.
    pub(crate) fn generation(self) -> Option<u64> {
        match self {
            Self::Down => None,
            Self::Up { generation, .. } => Some(generation),
        }
    }
}

/// When a new connection begins: now, but always after `previous`, so that presence of two
/// connections can be told apart even when the clock steps back.
pub(crate) fn start_of_connection(previous: Option<Timestamp>) -> Timestamp {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok())
        .unwrap_or_default();
    let earliest = previous.map_or(0, |previous| previous.as_millis() + 1);
    let start = Timestamp::from_millis(now.max(earliest)).or(previous);
    // Only a clock past the year 9998 leads here.
    start.unwrap_or_else(|| Timestamp::from_millis(0).expect("zero is a timestamp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_connection_has_a_later_start() {
        let first = start_of_connection(None);
        let second = start_of_connection(Some(first));
        assert!(second > first);
    }
}
