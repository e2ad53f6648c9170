//! Gives up a connection that makes no progress.

use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::PingReq;
use tokio::time::Instant;

use super::socket::{KEEP_ALIVE, receive_maximum};
use super::{Connection, Reason};

/// A connection is dead if nothing arrives for so long: at least a ping is unanswered.
const SILENCE_LIMIT: Duration = Duration::from_secs(2 * KEEP_ALIVE.as_secs());
/// A publish that the broker has not answered after so long will never be answered.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

impl Connection<'_> {
    pub(super) fn check_up(&mut self) -> Result<(), Reason> {
        let now = Instant::now();
        if now.duration_since(self.last_incoming) > SILENCE_LIMIT {
            return Err(Reason::Silence);
        }
        if now.duration_since(self.last_ping) >= self.limits.keep_alive {
            self.last_ping = now;
            PingReq::write(&mut self.outgoing)?;
        }
        let oldest = self.in_flight.oldest();
        if oldest.is_some_and(|since| now.duration_since(since) > ANSWER_LIMIT) {
            return Err(Reason::Unanswered);
        }
        // Abandoned deliveries reduce what the broker may send on this connection, in the end to
        // nothing.
        if self.acks.abandoned() * 2 > usize::from(receive_maximum(self.options)) {
            return Err(Reason::Abandoned);
        }
        self.repeat_birth_if_due()
    }
}
