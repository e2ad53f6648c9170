//! Request and reply over the bus.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bus::{Bus, BusError, Link, OnRefused, Outgoing, ReasonCode, Refusal};
use parking_lot::Mutex;
use protocol::{RequestId, ServerId};
use service::Trace;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::call::{Call, PendingCommand, Reply};
use crate::error::GatewayError;
use crate::metrics::RequesterMetrics;

/// Sends commands and waits for their replies. It does not read deliveries itself: the gateway's
/// inbox passes replies to [`deliver`](Self::deliver).
#[derive(Debug)]
pub struct Requester {
    bus: Bus,
    /// The commands in flight.
    pending: Mutex<HashMap<RequestId, PendingCommand>>,
    capacity: usize,
    metrics: RequesterMetrics,
    /// For callbacks of the bus, which may outlive it.
    this: Weak<Self>,
}

impl Requester {
    /// Allows at most `capacity` commands in flight. Must be called within a tokio runtime.
    pub fn start(bus: Bus, capacity: usize, metrics: RequesterMetrics) -> Arc<Self> {
        let link = bus.link();
        let requester = Arc::new_cyclic(|this| Self {
            bus,
            pending: Mutex::default(),
            capacity,
            metrics: metrics.clone(),
            this: Weak::clone(this),
        });
        tokio::spawn(repeat_when_up(Arc::downgrade(&requester), link).in_current_span());
        requester
    }

    /// Publishes the command and waits for its reply.
    ///
    /// A call whose `request_id` is in flight with the same payload publishes nothing and waits
    /// for the same reply. The command is published again, with its remaining time, when the link
    /// is up again, when the servidor is online again ([`Self::server_returned`]), and once after
    /// half of the time. Dropping the future cancels the call.
    ///
    /// # Errors
    /// After [`GatewayError::Timeout`] the command may still have been carried out; after any
    /// other error it was not sent.
    pub async fn call(&self, call: Call) -> Result<Reply, GatewayError> {
        let generation = self.bus.generation().ok_or(GatewayError::BrokerDown)?;
        let now = Instant::now();
        let deadline = call.deadline;
        let half_time = now + deadline.saturating_duration_since(now) / 2;
        let timed_out = GatewayError::Timeout {
            server_id: call.server_id.clone(),
            ask_about: call.ask_about.clone(),
        };
        let mut waiter = self.enter(call, generation)?;
        if let Ok(reply) = timeout_at(half_time, &mut waiter.reply).await {
            return reply.unwrap_or(Err(timed_out));
        }
        self.repeat_at_half_time(&waiter.request_id);
        let reply = timeout_at(deadline, &mut waiter.reply).await;
        reply.ok().and_then(Result::ok).unwrap_or(Err(timed_out))
    }

    /// Passes a reply to all callers that wait for it; false if there are none.
    pub fn deliver(&self, request_id: &str, reply: Reply) -> bool {
        let answered = self.answer(request_id, &Ok(reply));
        if !answered {
            self.metrics.unawaited.inc();
        }
        answered
    }

    /// Ends the command for all its callers; false if there are none.
    fn answer(&self, request_id: &str, outcome: &Result<Reply, GatewayError>) -> bool {
        let Some(command) = self.pending.lock().remove(request_id) else { return false };
        for waiter in command.waiters {
            // A caller that has just stopped waiting needs no answer.
            let _ = waiter.send(outcome.clone());
        }
        true
    }

    /// Answers the callers at once if the broker does not take their command, unless it may have
    /// taken another copy: then only the servidor's answer can say what was done.
    fn refused(&self, request_id: &RequestId, refusal: Refusal) {
        let error = match refusal {
            Refusal::NotAuthorized => GatewayError::NotAllowed,
            Refusal::Refused(ReasonCode::QUOTA_EXCEEDED) => GatewayError::Overloaded,
            _ => GatewayError::RefusedByBroker,
        };
        let generation = self.bus.generation();
        let changes_nothing = self.pending.lock().get(request_id).is_some_and(|command| {
            let is_only_copy = command.copies == 1 && Some(command.generation) == generation;
            command.call.command.is_query() || is_only_copy && refusal != Refusal::Poisonous
        });
        if changes_nothing {
            self.answer(request_id.as_str(), &Err(error));
        }
    }

    /// Ends all calls as if their time were over: their commands may still be carried out.
    pub fn end_all(&self) {
        // A caller whose sender is dropped takes that for a timeout.
        self.pending.lock().clear();
    }

    /// One copy of the command, which ends the call if the broker does not take it.
    fn copy(&self, command: &PendingCommand) -> Outgoing {
        let request_id = command.call.request_id.clone();
        let this = Weak::clone(&self.this);
        let on_refused = OnRefused::new(move |_, refusal| {
            this.upgrade()?.refused(&request_id, refusal);
            None
        });
        Outgoing { on_refused: Some(on_refused), ..command.outgoing() }
    }

    /// Commands in flight.
    pub fn pending(&self) -> usize {
        self.pending.lock().len()
    }

    /// Replies for which no caller waited: late, repeated or not for this gateway.
    pub fn unawaited(&self) -> u64 {
        self.metrics.unawaited.get()
    }

    /// Repeats the commands in flight to a servidor that is online (again): it may have lost them.
    pub fn server_returned(&self, server_id: &ServerId) {
        let mut pending = self.pending.lock();
        for command in pending.values_mut().filter(|one| one.call.server_id == *server_id) {
            self.publish_again(command);
        }
    }

    fn enter(&self, call: Call, generation: u64) -> Result<Waiter<'_>, GatewayError> {
        let (sender, reply) = oneshot::channel();
        let request_id = call.request_id.clone();
        let mut pending = self.pending.lock();
        if let Some(command) = pending.get_mut(&request_id) {
            command.join(&call)?;
            command.waiters.push(sender);
        } else {
            if pending.len() >= self.capacity {
                return Err(GatewayError::Overloaded);
            }
            let waiters = vec![sender];
            let repeated_at_half_time = false;
            let trace = Trace::current();
            let command = PendingCommand {
                call,
                generation,
                copies: 1,
                repeated_at_half_time,
                waiters,
                trace,
            };
            self.bus.publish(self.copy(&command)).map_err(|error| match error {
                BusError::Closed => GatewayError::BrokerDown,
                BusError::Full => GatewayError::Overloaded,
                BusError::InvalidTopic | BusError::TooLarge => GatewayError::RefusedByBroker,
            })?;
            pending.insert(request_id.clone(), command);
        }
        Ok(Waiter { requester: self, request_id, reply })
    }

    fn repeat_at_half_time(&self, request_id: &RequestId) {
        if let Some(command) = self.pending.lock().get_mut(request_id)
            && !command.repeated_at_half_time
        {
            command.repeated_at_half_time = true;
            self.publish_again(command);
        }
    }

    fn repeat_on_connection(&self, generation: u64) {
        for command in self.pending.lock().values_mut() {
            if command.generation < generation {
                command.generation = generation;
                self.publish_again(command);
            }
        }
    }

    fn publish_again(&self, command: &mut PendingCommand) {
        command.copies += 1;
        self.metrics.repeated.inc();
        let request_id = &command.call.request_id;
        // A repeat that is not accepted is left out; the caller still has its deadline.
        if let Err(error) = self.bus.publish(self.copy(command)) {
            tracing::debug!(%request_id, %error, "command not repeated");
        } else {
            tracing::debug!(%request_id, "command repeated");
        }
    }
}

/// Repeats the commands in flight whenever the link is up again, as long as bus and requester
/// exist.
async fn repeat_when_up(requester: Weak<Requester>, mut link: watch::Receiver<Link>) {
    while link.changed().await.is_ok() {
        let Some(requester) = requester.upgrade() else { return };
        let generation = link.borrow_and_update().generation();
        if let Some(generation) = generation {
            requester.repeat_on_connection(generation);
        }
    }
}

/// One caller that waits. Dropped, it waits no longer; the command ends with its last caller.
struct Waiter<'a> {
    requester: &'a Requester,
    request_id: RequestId,
    reply: oneshot::Receiver<Result<Reply, GatewayError>>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.reply.close();
        let mut pending = self.requester.pending.lock();
        if let Some(command) = pending.get_mut(&self.request_id) {
            command.waiters.retain(|waiter| !waiter.is_closed());
            if command.waiters.is_empty() {
                pending.remove(&self.request_id);
            }
        }
    }
}
