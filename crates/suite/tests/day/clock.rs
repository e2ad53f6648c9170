//! The clock of the simulated day, which its servidor has too.

use std::time::Duration;

use protocol::Timestamp;

use crate::history::now;

/// How many times as fast as the clock of this machine.
pub(crate) const SPEED: i64 = 100;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// In milliseconds since 1970: from then on it is fast.
    zero: i64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { zero: now() }
    }

    /// What gives a servidor with failpoints the same clock.
    pub(crate) fn settings(self) -> [(&'static str, String); 2] {
        [("CLOCK_SPEED", SPEED.to_string()), ("CLOCK_ZERO", self.zero.to_string())]
    }

    /// In milliseconds since 1970.
    pub(crate) fn now(self) -> i64 {
        self.of_real(now())
    }

    /// What it shows at a moment of the machine's clock.
    pub(crate) fn of_real(self, real: i64) -> i64 {
        self.zero + (real - self.zero) * SPEED
    }

    pub(crate) async fn wait_until(self, moment: i64) {
        let left = moment - self.now();
        if let Ok(left) = u64::try_from(left) {
            tokio::time::sleep(Duration::from_micros(left * 1000 / SPEED.unsigned_abs())).await;
        }
    }
}

/// As it is written in messages.
pub(crate) fn written(moment: i64) -> String {
    Timestamp::clamped(moment).to_string()
}

/// Reads what [`written`] writes.
pub(crate) fn read(json: &serde_json::Value) -> Option<i64> {
    json.as_str()?.parse::<Timestamp>().ok().map(Timestamp::as_millis)
}
