//! A subscription to a topic filter, as long as somebody holds it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

/// What a [`Subscription`] returns next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A message on a topic.
    Message(Arc<str>, Bytes),
    /// Messages before this one may be missing: the subscription began, was made again on another
    /// connection, was refused by the broker, or too many messages waited. A reader that needs
    /// the present state asks for it now, and applies later messages to it.
    Gap,
}

/// A mark that is set when messages are missing.
#[derive(Default)]
pub(super) struct Gap {
    is_set: AtomicBool,
    set: Notify,
}

impl Gap {
    pub(super) fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.set.notify_one();
    }
}

/// Listens to a topic filter until it is dropped.
pub struct Subscription {
    messages: mpsc::Receiver<(Arc<str>, Bytes)>,
    gap: Arc<Gap>,
    /// Called when it is dropped.
    leave: Box<dyn Fn() + Send + Sync>,
}

impl Subscription {
    pub(super) fn new(
        messages: mpsc::Receiver<(Arc<str>, Bytes)>,
        gap: Arc<Gap>,
        leave: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self { messages, gap, leave: Box::new(leave) }
    }

    /// The next message, or that some are missing; `None` when the bus was closed. Dropping the
    /// future loses nothing.
    pub async fn next(&mut self) -> Option<Received> {
        loop {
            if self.gap.is_set.swap(false, Ordering::AcqRel) {
                // They are older than what is asked for from now on.
                while self.messages.try_recv().is_ok() {}
                return Some(Received::Gap);
            }
            tokio::select! {
                biased;
                () = self.gap.set.notified() => {}
                message = self.messages.recv() => {
                    return message.map(|(topic, payload)| Received::Message(topic, payload));
                }
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        (self.leave)();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription")
    }
}
