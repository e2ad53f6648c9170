//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Timestamp;

pub(crate) fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Timestamp::clamped(i64::try_from(now).unwrap_or_default())
}
