//! The handle that everybody holds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::counters::{self, Tally, add};
use crate::outbox::Outbox;
use crate::pulse::Pulse;
use crate::settings::FAREWELL;
use crate::sync::lock;
use crate::{BusError, Counters, Delivery, Link, Options, Outgoing, supervisor};

/// A program's connection to the broker. Clones share it.
///
/// When the last clone is dropped without [`close`](Self::close), the connection breaks off
/// as in a crash, and the broker publishes the Last Will.
#[derive(Debug, Clone)]
pub struct Bus {
    shared: Arc<Shared>,
    _breaks_off: Arc<DropGuard>,
}

/// What the handle and the task that keeps the connection have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) outbox: Mutex<Outbox>,
    pub(crate) link: watch::Sender<Link>,
    pub(crate) tally: Tally,
    pub(crate) pulse: Arc<Pulse>,
    /// Wakes the connection: something can be sent or acknowledged.
    pub(crate) wake: Arc<Notify>,
    /// Until when to finish, once the bus is being closed.
    pub(crate) closing: watch::Sender<Option<Instant>>,
    /// All tasks have ended.
    pub(crate) ended: CancellationToken,
}

impl Shared {
    fn counters(&self) -> Counters {
        let waiting = lock(&self.outbox).len();
        self.tally.snapshot(waiting)
    }

    /// Drops the messages whose time is up, for while nothing can be sent: they would take
    /// the room of others.
    pub(crate) fn purge_expired(&self) {
        let expired = lock(&self.outbox).purge(Instant::now());
        add(&self.tally.expired, expired);
    }
}

/// Connects in the background, for ever, with back-off; returns at once.
///
/// Deliveries wait in the queue that is returned; read it all the time, for replies and
/// commands share it. Must be called within a tokio runtime.
pub fn connect(options: Options) -> (Bus, mpsc::Receiver<Delivery>) {
    let (inbox, deliveries) = mpsc::channel(options.inbox.max(1));
    let shared = Arc::new(Shared {
        outbox: Mutex::new(Outbox::new(options.outbox)),
        link: watch::Sender::new(Link::Down),
        tally: Tally::default(),
        pulse: Pulse::start(),
        wake: Arc::new(Notify::new()),
        closing: watch::Sender::new(None),
        ended: CancellationToken::new(),
    });
    let broken_off = CancellationToken::new();
    tokio::spawn(run(Arc::clone(&shared), options, inbox, broken_off.clone()));
    let bus = Bus { shared, _breaks_off: Arc::new(broken_off.drop_guard()) };
    (bus, deliveries)
}

async fn run(
    shared: Arc<Shared>,
    options: Options,
    inbox: mpsc::Sender<Delivery>,
    broken_off: CancellationToken,
) {
    let work = async {
        tokio::select! {
            () = supervisor::supervise(&shared, &options, inbox) => {}
            () = counters::tell(|| shared.counters()) => {}
        }
    };
    broken_off.run_until_cancelled(work).await;
    lock(&shared.outbox).close();
    shared.link.send_replace(Link::Down);
    shared.ended.cancel();
}

impl Bus {
    /// Takes a message to publish at QoS 1; never blocks, never waits.
    ///
    /// The message is kept until the broker has it or until its `expires_at`, across
    /// reconnections. Being offline is no error.
    ///
    /// # Errors
    /// The outbox is full, the bus is closed, or no broker could take the message.
    pub fn publish(&self, message: Outgoing) -> Result<(), BusError> {
        let pushed = lock(&self.shared.outbox).push(message);
        match pushed {
            Ok(true) => self.shared.wake.notify_one(),
            Ok(false) => {}
            Err(error) => {
                if error == BusError::Full {
                    add(&self.shared.tally.dropped_full, 1);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Waits while more than half of the outbox is taken. Whoever answers messages should wait for
    /// this before taking the next one, or its answers may find no room.
    pub async fn room(&self) {
        loop {
            let room = {
                let outbox = lock(&self.shared.outbox);
                if !outbox.is_crowded() {
                    return;
                }
                outbox.room().notified_owned()
            };
            room.await;
        }
    }

    /// Follows the state of the connection.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<Link> {
        self.shared.link.subscribe()
    }

    /// Whether the broker can be reached now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.generation().is_some()
    }

    /// Number of the connection while there is one.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.shared.link.borrow().generation()
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Logs a delivery that nobody can make sense of, and counts it.
    pub fn bad_message(&self, topic: &str, reason: &str) {
        add(&self.shared.tally.bad, 1);
        tracing::warn!(topic, reason, "bad message");
    }

    /// Ends the connection in good order; calling it again waits for the same end.
    ///
    /// From now on nothing is delivered and nothing new is taken. For `grace` at most it
    /// waits until the broker has all messages and acknowledgements; then it publishes the
    /// will as presence ("offline", retained), says goodbye and ends all tasks.
    pub async fn close(&self, grace: Duration) {
        lock(&self.shared.outbox).close();
        self.shared.closing.send_if_modified(|closing| {
            let first = closing.is_none();
            if first {
                *closing = Some(Instant::now() + grace);
            }
            first
        });
        let limit = grace + FAREWELL * 2;
        if timeout(limit, self.shared.ended.cancelled()).await.is_err() {
            tracing::warn!("the bus did not end in time");
        }
    }
}
