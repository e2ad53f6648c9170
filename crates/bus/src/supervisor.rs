//! Connects to the broker, and reconnects until the bus is closed.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use protocol::Timestamp;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::clock;
use crate::connection::{self, Dialer, Loss};
use crate::credentials::FileVersions;
use crate::presence::PresenceHistory;
use crate::state::BusState;
use crate::takeover::{TAKEOVER_DELAY, TakeoverDetector};
use crate::{Credentials, Delivery, Options};

/// Before the first attempt after a loss: short, for a broker that only restarted.
const MIN_DELAY: Duration = Duration::from_millis(100);
/// An attempt every second is cheap, and the connection is up again within a second of the
/// broker's return.
const MAX_DELAY: Duration = Duration::from_millis(750);
/// Before the next attempt after a refused login: a broker may count them, and ban who has too
/// many. With jitter, 6 to 12 s.
const LOGIN_DELAY: Duration = Duration::from_secs(12);
/// How often it is then looked whether a file was replaced meanwhile.
const FILES_INTERVAL: Duration = Duration::from_secs(1);
/// What is said of a takeover.
const TAKEOVER: &str = "another program uses this MQTT id and each disconnects the other: give every \
    program an id of its own (SERVER_ID, MQTT_CLIENT_ID), and a user of its own where the broker makes \
    the user name the id";
/// After this time a connection counts as healthy.
const HEALTHY: Duration = Duration::from_secs(5);

/// Connects, and reconnects after each loss, until the bus is closed.
pub(crate) async fn supervise(
    state: &BusState,
    options: &Options,
    mut dialer: Dialer,
    inbox: mpsc::Sender<Delivery>,
) {
    let mut since = None;
    let mut generation = 1;
    let mut losses = LossLog::default();
    let mut delays = backoff();
    let mut takeovers = TakeoverDetector::default();
    let mut history = PresenceHistory::default();
    let mut retries = state.retry.subscribe();
    loop {
        let start = start_of_connection(since);
        let files = options.credentials.file_versions();
        retries.mark_unchanged();
        since = Some(start);
        let (dialer, history) = (&mut dialer, &mut history);
        let run = connection::run(state, options, dialer, &inbox, generation, start, history);
        let Err(loss) = run.await else { return };
        if loss.lasted.is_some() {
            generation += 1;
            retries.mark_unchanged();
        }
        state.set_problem(Some(loss.public()));
        losses.log(options, &loss);
        let takeover = takeovers.observe(&loss);
        if takeover.is_new {
            tracing::error!(mqtt_id = options.mqtt_id, "{TAKEOVER}");
        }
        if takeover.slows_down {
            state.set_problem(Some(TAKEOVER.to_owned()));
        }
        state.counters.takeovers.add((takeover.slows_down || takeover.is_new).into());
        let was_healthy = loss.lasted.is_some_and(|lasted| lasted >= HEALTHY);
        let delay = if takeover.slows_down {
            jittered(TAKEOVER_DELAY)
        } else if loss.reason.needs_login_delay(was_healthy) {
            jittered(LOGIN_DELAY)
        } else {
            if was_healthy {
                delays = backoff();
            }
            delays.next().unwrap_or(MAX_DELAY)
        };
        tokio::select! {
            () = sleep(delay) => {}
            Ok(()) = retries.changed() => {}
            () = replaced(&options.credentials, files), if loss.reason.is_refused_login() => {}
            () = state.closed_while_offline() => return,
        }
    }
}

/// Waits until a file of the credentials is another one than it was.
async fn replaced(credentials: &Credentials, files: FileVersions) {
    while credentials.file_versions() == files {
        sleep(FILES_INTERVAL).await;
    }
}

/// When a new connection begins: now, but always after the `previous` one, so that the presences
/// of two connections differ even if the clock is set back.
fn start_of_connection(previous: Option<Timestamp>) -> Timestamp {
    let earliest = previous.map_or(0, |previous| previous.as_millis() + 1);
    Timestamp::clamped(clock::now().as_millis().max(earliest))
}

/// Logs losses. Of failed attempts to connect and of short connections in a row, with one reason,
/// only the 1st, 2nd, 4th, 8th and so on is logged; of refused logins only the 1st.
#[derive(Debug, Default)]
struct LossLog {
    reason: String,
    in_a_row: u32,
}

impl LossLog {
    fn log(&mut self, options: &Options, loss: &Loss) {
        let Options { mqtt_id, broker, port, .. } = options;
        let reason = loss.to_string();
        let is_healthy = loss.lasted.is_some_and(|lasted| lasted >= HEALTHY);
        if is_healthy || reason != self.reason {
            self.in_a_row = 0;
            self.reason = reason;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        let is_repeated_refusal = loss.reason.is_refused_login() && self.in_a_row > 1;
        if is_repeated_refusal || !self.in_a_row.is_power_of_two() {
            return;
        }
        let Self { reason, in_a_row: attempts } = self;
        if let Some(lasted) = loss.lasted {
            let duration_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(mqtt_id, broker, port, reason, duration_ms, attempts, "disconnected");
        } else {
            tracing::warn!(mqtt_id, broker, port, reason, attempts, "cannot connect");
        }
    }
}

/// The delays before the next attempts, without end. They double, with jitter, so that programs
/// which lost the broker together do not all reconnect at the same time.
fn backoff() -> impl Iterator<Item = Duration> {
    let doubled = |delay: &Duration| Some((*delay * 2).min(MAX_DELAY));
    std::iter::successors(Some(MIN_DELAY), doubled).map(jittered)
}

/// A random duration from half of `delay` to all of it.
fn jittered(delay: Duration) -> Duration {
    // Every RandomState has new random keys: randomness enough for jitter.
    let random = RandomState::new().build_hasher().finish();
    let share = (random >> 40) as f64 / (1u64 << 24) as f64;
    delay.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_maximum_and_start_again() {
        let delays: Vec<_> = backoff().take(20).collect();
        assert!(delays[0] <= MIN_DELAY && delays[0] >= MIN_DELAY / 2);
        assert!(delays.iter().all(|delay| *delay <= MAX_DELAY));
        assert!(delays[19] >= MAX_DELAY / 2);
        assert!(backoff().next().is_some_and(|delay| delay <= MIN_DELAY));
    }

    #[test]
    fn a_later_connection_has_a_later_start() {
        let first = start_of_connection(None);
        let second = start_of_connection(Some(first));
        assert!(second > first);
    }
}
