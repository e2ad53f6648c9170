//! Keeps a connection to the broker, for ever.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::backoff::{Backoff, HEALTHY, jittered};
use crate::bus::Shared;
use crate::connection::{Connection, Ended, Reason};
use crate::counters::add;
use crate::link::start_of_connection;
use crate::sync::lock;
use crate::takeover::{Loss, TakeoverWatch};
use crate::{Delivery, Link, Options};

/// Before the next attempt while another program uses our id.
const TAKEN_OVER: Duration = Duration::from_secs(10);
/// How often messages whose time is up are cleared away while there is no connection.
const PURGE: Duration = Duration::from_millis(500);

/// Connects, and connects again, until the bus is closed.
pub(crate) async fn supervise(shared: &Shared, options: &Options, inbox: mpsc::Sender<Delivery>) {
    let mut closing = shared.closing.subscribe();
    let mut previous = None;
    let mut generation = 1;
    let mut backoff = Backoff::new();
    let mut takeovers = TakeoverWatch::default();
    let mut log = FailureLog::default();
    loop {
        let since = start_of_connection(previous);
        previous = Some(since);
        let link = Link::Up { generation, since };
        let ended = Connection::run(shared, options, &inbox, link).await;
        let Some(reason) = &ended.reason else { return };
        log.lost(options, &ended, reason);
        if ended.established.is_some() {
            generation += 1;
        }
        let loss = loss(&ended, reason);
        let delay = if takeovers.observe(loss) {
            add(&shared.tally.takeovers, 1);
            log_takeover(options);
            jittered(TAKEN_OVER)
        } else {
            if loss.lasted.is_some_and(|lasted| lasted >= HEALTHY) {
                backoff.reset();
            }
            backoff.delay()
        };
        if !pause(shared, &mut closing, delay).await {
            return;
        }
    }
}

fn loss(ended: &Ended, reason: &Reason) -> Loss {
    Loss {
        lasted: ended.established.map(|since| since.at.elapsed()),
        session_present: ended.established.is_some_and(|known| known.session_present),
        cause: reason.cause(),
    }
}

/// Waits before the next attempt; false if the bus is to end instead.
async fn pause(
    shared: &Shared,
    closing: &mut watch::Receiver<Option<Instant>>,
    delay: Duration,
) -> bool {
    let next_attempt = sleep(delay);
    tokio::pin!(next_attempt);
    loop {
        shared.purge_expired();
        let deadline = *closing.borrow_and_update();
        if deadline.is_some_and(|deadline| is_over(shared, deadline)) {
            return false;
        }
        let purge_at = Instant::now() + PURGE;
        tokio::select! {
            () = &mut next_attempt => return true,
            Ok(()) = closing.changed() => {}
            () = sleep_until(deadline.map_or(purge_at, |deadline| deadline.min(purge_at))) => {}
        }
    }
}

fn is_over(shared: &Shared, deadline: Instant) -> bool {
    lock(&shared.outbox).len() == 0 || Instant::now() >= deadline
}

fn log_takeover(options: &Options) {
    tracing::error!(
        mqtt_id = options.mqtt_id,
        "another program uses this MQTT id and the two throw each other out: \
         give every program an id of its own (SERVER_ID, MQTT_CLIENT_ID)"
    );
}

/// Tells of losses without filling the log while a broker is away.
#[derive(Debug, Default)]
struct FailureLog {
    failed_attempts: u32,
}

impl FailureLog {
    fn lost(&mut self, options: &Options, ended: &Ended, reason: &Reason) {
        let Options { mqtt_id, broker, port, .. } = options;
        if let Some(established) = ended.established {
            self.failed_attempts = 0;
            let lasted_ms = established.at.elapsed().as_millis();
            tracing::warn!(mqtt_id, broker, port, %reason, lasted_ms, "disconnected");
            return;
        }
        self.failed_attempts += 1;
        let attempts = self.failed_attempts;
        if attempts.is_power_of_two() {
            tracing::warn!(mqtt_id, broker, port, %reason, attempts, "cannot connect");
        }
    }
}
