//! Who waits for which reply.

use std::collections::HashMap;

use bytes::Bytes;
use protocol::{RequestId, ServerId};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::{Call, CallError, Join, Outgoing};

/// All requests in flight, by id; bounded.
#[derive(Debug)]
pub(super) struct Waiting<R> {
    entries: HashMap<RequestId, Entry<R>>,
    bound: usize,
    next_waiter: u64,
}

/// One request in flight.
#[derive(Debug)]
pub(super) struct Entry<R> {
    pub(super) request_id: RequestId,
    pub(super) server_id: ServerId,
    topic: String,
    payload: Bytes,
    response_topic: String,
    join: Join,
    /// When the last of those who wait stops waiting.
    deadline: Instant,
    /// The connection on which it was last published.
    pub(super) generation: u64,
    pub(super) repeated_at_half_time: bool,
    waiters: Vec<(u64, oneshot::Sender<R>)>,
}

impl<R> Waiting<R> {
    pub(super) fn new(bound: usize) -> Self {
        Self { entries: HashMap::new(), bound, next_waiter: 0 }
    }

    /// A number for one who will wait. It is never given again, so that one who is late to
    /// leave does not take the place of another who waits for the same id.
    pub(super) fn next_waiter(&mut self) -> u64 {
        self.next_waiter += 1;
        self.next_waiter
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn find(&mut self, request_id: &str) -> Option<&mut Entry<R>> {
        self.entries.get_mut(request_id)
    }

    /// Takes a new request in, if there is room.
    pub(super) fn admit(&mut self, entry: Entry<R>) -> Result<&mut Entry<R>, CallError> {
        if self.entries.len() >= self.bound {
            return Err(CallError::Overloaded);
        }
        let key = entry.request_id.clone();
        Ok(self.entries.entry(key).or_insert(entry))
    }

    pub(super) fn remove(&mut self, request_id: &str) -> Option<Entry<R>> {
        self.entries.remove(request_id)
    }

    /// One waiter goes; the request with its last.
    pub(super) fn leave(&mut self, request_id: &str, waiter: u64) {
        let Some(entry) = self.entries.get_mut(request_id) else {
            return;
        };
        entry.waiters.retain(|(id, _)| *id != waiter);
        if entry.waiters.is_empty() {
            self.entries.remove(request_id);
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry<R>> {
        self.entries.values()
    }

    pub(super) fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry<R>> {
        self.entries.values_mut()
    }
}

impl<R: Clone> Entry<R> {
    pub(super) fn new(call: Call, generation: u64) -> Self {
        Self {
            request_id: call.request_id,
            server_id: call.server_id,
            topic: call.topic,
            payload: call.payload,
            response_topic: call.response_topic,
            join: call.join,
            deadline: call.deadline,
            generation,
            repeated_at_half_time: false,
            waiters: Vec::with_capacity(1),
        }
    }

    /// Somebody asks the same.
    pub(super) fn join(&mut self, call: &Call) -> Result<(), CallError> {
        if self.payload != call.payload || self.server_id != call.server_id {
            return Err(CallError::KeyReused);
        }
        if call.deadline > self.deadline {
            self.deadline = call.deadline;
            // What was sent expires with the first caller's time.
            self.repeated_at_half_time = false;
        }
        Ok(())
    }

    /// Somebody waits.
    pub(super) fn add(&mut self, waiter: u64, sender: oneshot::Sender<R>) {
        self.waiters.push((waiter, sender));
    }

    /// The command as it is published; what is left of its time is counted when it is sent.
    pub(super) fn message(&self) -> Outgoing {
        Outgoing {
            topic: self.topic.clone(),
            payload: self.payload.clone(),
            expires_at: Some(self.deadline),
            retain: false,
            response_topic: Some(self.response_topic.clone()),
            correlation: Some(Bytes::copy_from_slice(self.request_id.as_str().as_bytes())),
            join: self.join,
            acknowledges: None,
        }
    }

    /// Gives the reply to all who wait.
    pub(super) fn answer(self, reply: &R) {
        for (_, waiter) in self.waiters {
            // One who has just stopped waiting needs no answer.
            let _ = waiter.send(reply.clone());
        }
    }
}
