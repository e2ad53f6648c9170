//! Request and reply.

mod waiting;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;
use protocol::{RequestId, ServerId};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::sync::lock;
use crate::{Bus, BusError, CallError, Join, Link};
use waiting::{Entry, Waiting};

/// Asks and awaits the reply, over a [`Bus`]. Clones share the calls in flight.
///
/// A reply is what whoever reads the deliveries makes of one: its bytes, or more.
///
/// It does not read deliveries itself: whoever does hands the replies to
/// [`deliver`](Self::deliver).
#[derive(Debug)]
pub struct Requester<R = Bytes> {
    inner: Arc<Inner<R>>,
}

impl<R> Clone for Requester<R> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

/// One question to one servidor.
#[derive(Debug, Clone)]
pub struct Call {
    /// Names the request; the reply carries it back, and a repeat has no second effect.
    pub request_id: RequestId,
    /// Who is asked.
    pub server_id: ServerId,
    /// Where to publish the command.
    pub topic: String,
    /// The command, a JSON text.
    pub payload: Bytes,
    /// Where the reply will come.
    pub response_topic: String,
    /// When the caller stops waiting; the command expires with it.
    pub deadline: Instant,
    /// Whether the command may travel with others.
    pub join: Join,
}

#[derive(Debug)]
struct Inner<R> {
    bus: Bus,
    waiting: Mutex<Waiting<R>>,
    unawaited: AtomicU64,
}

impl<R: Clone + Send + 'static> Requester<R> {
    /// A requester with at most `max_pending` requests in flight. Must be called within a
    /// tokio runtime.
    #[must_use]
    pub fn new(bus: Bus, max_pending: usize) -> Self {
        let link = bus.link();
        let inner = Arc::new(Inner {
            bus,
            waiting: Mutex::new(Waiting::new(max_pending)),
            unawaited: AtomicU64::new(0),
        });
        tokio::spawn(repeat_when_up(Arc::downgrade(&inner), link));
        Self { inner }
    }

    /// Publishes the command and waits for its reply.
    ///
    /// A call whose `request_id` is in flight with the same payload waits for the same reply
    /// and publishes nothing. The command is published again, with what is left of its time,
    /// when the link has come up again, when the servidor has ([`Self::server_returned`]),
    /// and once after half of the time. Dropping the future leaves nothing behind.
    ///
    /// # Errors
    /// [`CallError`] says which; after [`CallError::Timeout`] the command may still have been
    /// carried out, in every other case it was not sent.
    pub async fn call(&self, call: Call) -> Result<R, CallError> {
        let generation = self.inner.bus.generation().ok_or(CallError::Offline)?;
        let now = Instant::now();
        let half = now + call.deadline.saturating_duration_since(now) / 2;
        let deadline = call.deadline;
        let mut place = self.inner.enter(call, generation)?;
        if let Ok(reply) = timeout_at(half, &mut place.reply).await {
            return reply.map_err(|_| CallError::Timeout);
        }
        self.inner.repeat_at_half_time(&place.request_id);
        match timeout_at(deadline, &mut place.reply).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) | Err(_) => Err(CallError::Timeout),
        }
    }

    /// Takes a reply in; true if somebody waited for it. All who wait for this id get it.
    pub fn deliver(&self, request_id: &str, reply: R) -> bool {
        let Some(entry) = lock(&self.inner.waiting).remove(request_id) else {
            self.inner.unawaited.fetch_add(1, Relaxed);
            return false;
        };
        entry.answer(&reply);
        true
    }

    /// Requests in flight.
    #[must_use]
    pub fn pending(&self) -> usize {
        lock(&self.inner.waiting).len()
    }

    /// Replies so far for which nobody waited: late, repeated or not ours.
    #[must_use]
    pub fn unawaited(&self) -> u64 {
        self.inner.unawaited.load(Relaxed)
    }

    /// Repeats the commands in flight to a servidor that has come (again): it may have lost
    /// them.
    pub fn server_returned(&self, server_id: &ServerId) {
        let waiting = lock(&self.inner.waiting);
        for entry in waiting.entries().filter(|entry| entry.server_id == *server_id) {
            self.inner.publish_again(entry);
        }
    }
}

impl<R: Clone> Inner<R> {
    fn enter(self: &Arc<Self>, call: Call, generation: u64) -> Result<Place<R>, CallError> {
        let (sender, reply) = oneshot::channel();
        let request_id = call.request_id.clone();
        let mut waiting = lock(&self.waiting);
        let waiter = waiting.next_waiter();
        match waiting.find(request_id.as_str()) {
            Some(entry) => entry.join(&call)?,
            None => {
                let entry = waiting.admit(Entry::new(call, generation))?;
                if let Err(error) = self.bus.publish(entry.message()) {
                    waiting.remove(request_id.as_str());
                    return Err(match error {
                        BusError::Closed => CallError::Offline,
                        _ => CallError::Overloaded,
                    });
                }
            }
        }
        if let Some(entry) = waiting.find(request_id.as_str()) {
            entry.add(waiter, sender);
        }
        Ok(Place { inner: Arc::clone(self), request_id, waiter, reply })
    }

    fn repeat_at_half_time(&self, request_id: &RequestId) {
        let mut waiting = lock(&self.waiting);
        if let Some(entry) = waiting.find(request_id.as_str())
            && !entry.repeated_at_half_time
        {
            entry.repeated_at_half_time = true;
            self.publish_again(entry);
        }
    }

    fn repeat_on_connection(&self, generation: u64) {
        let mut waiting = lock(&self.waiting);
        for entry in waiting.entries_mut().filter(|entry| entry.generation < generation) {
            entry.generation = generation;
            self.publish_again(entry);
        }
    }

    fn publish_again(&self, entry: &Entry<R>) {
        // A repeat that finds no room is one repeat less; the caller still has its deadline.
        if let Err(error) = self.bus.publish(entry.message()) {
            tracing::debug!(request_id = %entry.request_id, %error, "command not repeated");
        } else {
            tracing::debug!(request_id = %entry.request_id, "command repeated");
        }
    }
}

/// Repeats what is in flight whenever the link has come up again. Ends with the bus or with
/// the requester.
async fn repeat_when_up<R: Clone>(inner: Weak<Inner<R>>, mut link: watch::Receiver<Link>) {
    while link.changed().await.is_ok() {
        let Some(inner) = inner.upgrade() else { return };
        let generation = link.borrow_and_update().generation();
        if let Some(generation) = generation {
            inner.repeat_on_connection(generation);
        }
    }
}

/// One caller's place among those who wait. Dropping it gives the place up.
struct Place<R> {
    inner: Arc<Inner<R>>,
    request_id: RequestId,
    waiter: u64,
    reply: oneshot::Receiver<R>,
}

impl<R> Drop for Place<R> {
    fn drop(&mut self) {
        lock(&self.inner.waiting).leave(self.request_id.as_str(), self.waiter);
    }
}
