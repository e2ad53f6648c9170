//! The handle that a program publishes with.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::registry::Registry;
use protocol::topics;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument as _;

use crate::connection::{DISCONNECT_TIMEOUT, Dialer, Resolve, resolve_by_system};
use crate::log_limit::{self, shortened, without_values};
use crate::state::BusState;
use crate::{
    BusError, Counters, Delivery, Link, Options, Outgoing, Subscription, counters, metrics, outbox,
    supervisor,
};

/// A program's connection to the broker. Clones share it.
///
/// When the last clone is dropped without [`close`](Self::close), the connection breaks as in a
/// crash, and the broker publishes the Last Will.
#[derive(Debug, Clone)]
pub struct Bus {
    state: Arc<BusState>,
    _aborts_on_drop: Arc<DropGuard>,
}

/// Connects in the background and reconnects with back-off, without end; returns at once.
///
/// Read the returned queue of deliveries all the time: all topics share it. Must be called within
/// a tokio runtime.
pub fn connect(options: Options) -> (Bus, mpsc::Receiver<Delivery>) {
    connect_with(options, Arc::new(resolve_by_system))
}

/// As [`connect`], with another resolver than that of the system.
fn connect_with(options: Options, resolve: Resolve) -> (Bus, mpsc::Receiver<Delivery>) {
    let (inbox, deliveries) = mpsc::channel(options.inbox_capacity.max(1));
    let state = Arc::new(BusState::new(options.outbox_capacity));
    let aborted = CancellationToken::new();
    let dialer = Dialer::new(resolve);
    let running = run(Arc::clone(&state), options, dialer, inbox, aborted.clone());
    tokio::spawn(running.in_current_span());
    let bus = Bus { state, _aborts_on_drop: Arc::new(aborted.drop_guard()) };
    (bus, deliveries)
}

async fn run(
    state: Arc<BusState>,
    options: Options,
    dialer: Dialer,
    inbox: mpsc::Sender<Delivery>,
    aborted: CancellationToken,
) {
    tokio::select! {
        () = supervisor::supervise(&state, &options, dialer, inbox) => {}
        () = counters::log_regularly(|| state.counters()) => {}
        () = log_limit::report_regularly(|| state.log_left_out()) => {}
        () = aborted.cancelled() => {}
    }
    state.log_left_out();
    state.outbox.lock().close();
    state.on_demand.lock().close();
    state.set_link(Link::Down);
    state.ended.cancel();
}

impl Bus {
    /// Accepts a message to publish at QoS 1; never blocks. Being offline is no error: the
    /// message is kept until the broker has it or until its `expires_at`, across reconnections.
    ///
    /// # Errors
    /// The outbox is full, the bus is closed, or no broker could accept the message.
    pub fn publish(&self, message: Outgoing) -> Result<(), BusError> {
        let pushed = self.state.outbox.lock().push(message);
        if pushed == Err(BusError::Full) {
            self.state.counters.dropped_full.add(1);
        }
        if pushed? {
            self.state.wake.notify_one();
        }
        Ok(())
    }

    /// Waits while the outbox is more than half full. Wait for this before handling a message
    /// that will be answered, so that there is capacity for the answer.
    pub async fn wait_for_capacity(&self) {
        loop {
            let Some(freed) = self.state.outbox.lock().capacity_freed() else { return };
            freed.await;
        }
    }

    /// Subscribes to a topic filter until the subscription is dropped: one of
    /// [`Options::on_demand`], or a topic that one of them matches. The bus subscribes at the broker
    /// for the first subscriber and unsubscribes after the last; it works offline too. At most
    /// `capacity` unread messages are kept.
    pub fn subscribe(&self, filter: &str, capacity: usize) -> Subscription {
        let (state, left) = (Arc::clone(&self.state), filter.to_owned());
        let leave = move |id| {
            state.on_demand.lock().remove(&left, id);
            state.wake.notify_one();
        };
        let subscription = self.state.on_demand.lock().add(filter, capacity, leave);
        self.state.wake.notify_one();
        subscription
    }

    /// Sets whether messages of [`Join::WhenAllowed`](crate::Join::WhenAllowed) may be joined on
    /// this connection. Every connection starts with `false`; a call for an older connection has no
    /// effect.
    pub fn allow_arrays(&self, generation: u64, allowed: bool) {
        let wake = self.state.outbox.lock().allow_arrays(generation, allowed);
        if wake {
            self.state.wake.notify_one();
        }
    }

    /// Follows the state of the connection.
    pub fn link(&self) -> watch::Receiver<Link> {
        self.state.link.subscribe()
    }

    /// The number of the connection while it is up.
    pub fn generation(&self) -> Option<u64> {
        self.state.link.borrow().generation()
    }

    pub fn is_up(&self) -> bool {
        self.generation().is_some()
    }

    /// Why there is no connection, or why others may not see this program though there is one; in
    /// English, and with what to do about it. `None` if all is well or nothing was tried yet.
    pub fn last_problem(&self) -> Option<String> {
        self.state.problem()
    }

    /// Has the files of the credentials read again: at once if it waits before its next attempt to
    /// connect. A connection stays as it is. Returns what it did, for the log.
    pub fn reload(&self) -> &'static str {
        self.state.retry.send_replace(());
        if self.is_up() {
            "connected to the broker; the files of its login are read again at the next one"
        } else {
            "the files of the login are read again and the broker is tried now"
        }
    }

    /// The largest payload, in bytes, that the broker is known to take on `topic`: what it said on
    /// the latest connection or less than what it refused there, less the rest of the packet.
    pub fn max_payload(&self, topic: &str) -> usize {
        let max_packet = self.state.max_packet.load(Ordering::Relaxed);
        max_packet.saturating_sub(outbox::overhead(topic))
    }

    pub fn counters(&self) -> Counters {
        self.state.counters()
    }

    /// What is counted and measured, as it is at each scrape. It does not keep the bus open.
    pub fn metrics(&self) -> Registry {
        metrics::registry(&self.state)
    }

    /// Counts a delivery that is no valid message, and logs it unless there are too many.
    pub fn bad_message(&self, topic: &str, reason: &str) {
        self.state.counters.bad.add(1);
        if self.state.bad_message_log.admits() {
            let (topic, reason) = (topics::loggable(topic), without_values(reason));
            let (topic, reason) = (shortened(&topic), shortened(&reason));
            tracing::warn!(topic, reason, "bad message");
        }
    }

    /// Counts a delivery that is bad for a reason that was logged before.
    pub fn repeated_bad_message(&self) {
        self.state.counters.bad.add(1);
    }

    /// Closes the connection in good order; a second call waits for the same end.
    ///
    /// From now on nothing is delivered and no message is accepted. After at most `grace`, in
    /// which the broker is sent all waiting messages and acknowledgements, the bus publishes the
    /// will as its presence, disconnects, and ends all tasks.
    pub async fn close(&self, grace: Duration) {
        self.state.outbox.lock().close();
        self.state.close_deadline.send_if_modified(|deadline| {
            let first_call = deadline.is_none();
            deadline.get_or_insert_with(|| Instant::now() + grace);
            first_call
        });
        let limit = grace + DISCONNECT_TIMEOUT * 2;
        if timeout(limit, self.state.ended.cancelled()).await.is_err() {
            tracing::warn!("the bus did not end in time");
        }
    }
}

#[cfg(test)]
mod tests;
