//! A command that is sent, and its answer.

use bus::{Join, MessageTrace, Outgoing};
use bytes::Bytes;
use protocol::topics::Command;
use protocol::{ReplyCodigo, RequestId, ServerId};
use service::Trace;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::GatewayError;

/// A command to one servidor.
#[derive(Debug, Clone)]
pub struct Call {
    pub command: Command,
    /// The reply has the same id; a repeat has no second effect.
    pub request_id: RequestId,
    pub server_id: ServerId,
    pub topic: String,
    /// A JSON text.
    pub payload: Bytes,
    pub response_topic: String,
    /// When the caller stops waiting; the command expires at the same time.
    pub deadline: Instant,
    pub join: Join,
    /// The request to ask about after a timeout; a query has none.
    pub ask_about: Option<RequestId>,
}

/// A servidor's answer, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Set if the answer is an error.
    pub codigo: Option<ReplyCodigo>,
    /// The JSON of the answer.
    pub body: Bytes,
}

/// Why there is nothing to answer a question with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The servidor refuses.
    Refused(Reply),
    /// The servidor has not answered.
    Gateway(GatewayError),
}

impl NoAnswer {
    /// As a call ends in it.
    pub(crate) fn into_outcome(self) -> Result<Reply, GatewayError> {
        match self {
            Self::Refused(reply) => Ok(reply),
            Self::Gateway(error) => Err(error),
        }
    }
}

impl From<GatewayError> for NoAnswer {
    fn from(error: GatewayError) -> Self {
        Self::Gateway(error)
    }
}

/// A command in flight.
#[derive(Debug)]
pub(super) struct PendingCommand {
    /// Its deadline is that of the last caller.
    pub(super) call: Call,
    /// The connection on which it was last published.
    pub(super) generation: u64,
    /// How many copies were published.
    pub(super) copies: u32,
    pub(super) repeated_at_half_time: bool,
    /// One for each caller.
    pub(super) waiters: Vec<oneshot::Sender<Result<Reply, GatewayError>>>,
    /// Of the first caller; each copy has a span in it.
    pub(super) trace: Option<Trace>,
}

impl PendingCommand {
    /// Another caller has the same request.
    pub(super) fn join(&mut self, call: &Call) -> Result<(), GatewayError> {
        if self.call.payload != call.payload || self.call.server_id != call.server_id {
            return Err(GatewayError::KeyReused);
        }
        if call.deadline > self.call.deadline {
            self.call.deadline = call.deadline;
            // What was published expires with the first caller's time.
            self.repeated_at_half_time = false;
        }
        Ok(())
    }

    /// The trace of one copy.
    fn trace(&self) -> Option<MessageTrace> {
        let Call { command, topic, request_id, .. } = &self.call;
        let (kind, request_id) = (command.request_path(), Some(request_id));
        let span = self.trace.as_ref()?.publish(service::SpanMessage { kind, topic, request_id });
        span.map(MessageTrace::new)
    }

    /// The remaining time is computed when it is sent.
    pub(super) fn outgoing(&self) -> Outgoing {
        let call = &self.call;
        Outgoing {
            expires_at: Some(call.deadline),
            response_topic: Some(call.response_topic.clone()),
            correlation: Some(Bytes::copy_from_slice(call.request_id.as_str().as_bytes())),
            join: call.join,
            request_id: Some(call.request_id.clone()),
            trace: self.trace(),
            ..Outgoing::new(call.topic.clone(), call.payload.clone())
        }
    }
}
