//! One command with its deadline: carrying it out, and publishing the reply.

use bus::{Ack, AckAfter, Join, MessageTrace, OnRefused, Outgoing, Refusal, SentAck};
use protocol::topics::{self, Command};
use protocol::{
    Address, BadMessage, ClientId, Codigo, ErrorReply, FieldError, Origin, ReplyCodigo, RequestId,
    ServerId, first_messages, is_array, to_payload,
};
use service::{MessageArrival, Trace, in_trace};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::commands;
use super::message::{Item, Message, Reply};
use crate::app_state::AppState;
use crate::failure::Failure;

/// What is logged of a command that names no servidor.
pub(super) const NO_SERVER_ID: &str = "server_id is missing";

/// Who a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Addressee {
    Us,
    Another,
    /// It names no servidor, or its `server_id` is no id. On this servidor's own topic it is
    /// answered; on a broadcast topic it is only reported.
    Nobody,
}

impl Addressee {
    fn of(payload: &[u8], own: &ServerId) -> Self {
        match Address::server_id(payload) {
            Ok(Some(id)) if id == own.as_str() => Self::Us,
            Ok(Some(id)) if id.parse::<ServerId>().is_ok() => Self::Another,
            Ok(_) | Err(_) => Self::Nobody,
        }
    }
}

/// A reply, and the trace that it ends.
pub(super) struct TracedReply {
    reply: Reply,
    trace: Option<Trace>,
}

impl From<Reply> for TracedReply {
    fn from(reply: Reply) -> Self {
        Self { reply, trace: None }
    }
}

/// A message with a command, or with an array of commands of one kind.
pub(super) struct Call<'a> {
    app: &'a AppState,
    pub(super) command: Command,
    /// Whether it came on the topic of this servidor alone.
    pub(super) direct: bool,
    pub(super) message: &'a Message,
    deadline: Instant,
    /// When the reply expires. A sender that set no expiry may wait longer than our default
    /// deadline, so its reply never expires.
    reply_expires_at: Option<Instant>,
    /// Whether it is an array. Answers then are arrays.
    pub(super) is_array: bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        app: &'a AppState,
        command: Command,
        direct: bool,
        message: &'a Message,
    ) -> Self {
        let is_array = is_array(&message.payload);
        let reply_expires_at = message.expiry.map(|left| message.received + left);
        let deadline = reply_expires_at.unwrap_or(message.received + app.command_limit);
        Self { app, command, direct, message, deadline, reply_expires_at, is_array }
    }

    /// Whether a command of the message is for this servidor. One that names no servidor is answered on
    /// this servidor's own topic; where every servidor receives it, each only reports it.
    pub(super) fn is_ours(&self, payload: &[u8]) -> bool {
        match Addressee::of(payload, &self.app.server_id) {
            Addressee::Us => true,
            Addressee::Another => false,
            Addressee::Nobody => {
                if !self.direct {
                    self.app.bus.bad_message(&self.message.topic, NO_SERVER_ID);
                }
                self.direct
            }
        }
    }

    /// Answers the senders of a message that is refused as a whole. Of a long array these are its
    /// first [`protocol::MAX_ARRAY`] commands, so that one message never causes more replies than
    /// another.
    pub(super) fn refuse_all(&self, reason: &BadMessage, ack: Ack) {
        let mut commands = first_messages(&self.message.payload);
        let before = commands.len();
        let addressee = |payload: &[u8]| Addressee::of(payload, &self.app.server_id);
        commands.retain(|payload| addressee(payload) != Addressee::Another);
        if before > 0 && commands.is_empty() {
            return ack.done();
        }
        self.app.bus.bad_message(&self.message.topic, &reason.to_string());
        // What every servidor receives and names none is answered by none.
        commands.retain(|payload| self.direct || addressee(payload) == Addressee::Us);
        let refuse = |payload: &[u8]| {
            let failure = Failure::Bad(reason.clone());
            self.app.metrics.handled(self.command, Some(failure.codigo()));
            self.refuse(failure, payload).map(TracedReply::from)
        };
        let answers = commands.into_iter().filter_map(refuse).collect();
        self.publish(answers, Some(ack.after_answer()), None);
    }

    /// Carries the command out; `None` if its sender cannot be answered.
    pub(super) async fn carry_out(&self, payload: &[u8], item: Item) -> Option<TracedReply> {
        let trace = self.trace(item);
        let work = async {
            let outcome = commands::carry_out(self.app, self.command, payload, self.deadline).await;
            self.app.metrics.handled(self.command, outcome.as_ref().err().map(Failure::codigo));
            outcome.map_or_else(|failure| self.error_reply(failure, payload), Some)
        };
        let reply = in_trace(trace.as_ref(), work).await?;
        trace.iter().for_each(|trace| trace.set_request_id(&reply.request_id));
        Some(TracedReply { reply, trace })
    }

    /// The trace that one of the commands continues or begins.
    fn trace(&self, item: Item) -> Option<Trace> {
        let Message { topic, traces, .. } = self.message;
        let traces = traces.as_deref();
        let arrival = MessageArrival {
            traceparent: traces.and_then(|traces| traces.of_item(item.index, item.of)),
            at: traces.map(|traces| traces.at),
        };
        let kind = self.command.request_path();
        let message = service::SpanMessage { kind, topic, request_id: None };
        self.app.tracer.process(message, arrival)
    }

    fn error_reply(&self, failure: Failure, payload: &[u8]) -> Option<Reply> {
        if let Failure::Bad(bad) = &failure {
            self.app.bus.bad_message(&self.message.topic, &bad.to_string());
        }
        self.refuse(failure, payload)
    }

    /// The error reply to a command; `None` if its sender cannot be answered.
    fn refuse(&self, failure: Failure, payload: &[u8]) -> Option<Reply> {
        let Origin { client_id, request_id } = Origin::find(payload)?;
        info!(%request_id, %client_id, command = %self.command, codigo = %failure.codigo(), "refused");
        if let Some(trace) = Trace::current() {
            trace.set_codigo(ReplyCodigo::Known(failure.codigo()));
        }
        let may_be_unwritten = failure.may_be_unwritten();
        let error = failure.into_reply(Some(request_id.clone()));
        match to_payload(&error) {
            Ok(payload) => {
                Some(Reply { client_id, request_id, payload, may_be_unwritten, unsent: None })
            }
            Err(error) => {
                warn!(%request_id, %error, "a reply cannot be written as JSON");
                None
            }
        }
    }

    /// Whether replies to this client may be sent as one array. Listings are not joined: a gateway
    /// reads a lone listing only up to its `request_id`, but an array to its end.
    fn join(&self, client_id: &ClientId) -> Join {
        if self.is_array {
            Join::Always
        } else if self.command != Command::Postos && self.app.array_clients.has(client_id) {
            Join::WhenWaiting
        } else {
            Join::Never
        }
    }

    /// Publishes the replies. The message is acknowledged once the broker has the last of them; but
    /// before the first, if a command may be unwritten: its redelivery after a crash would be
    /// carried out, although its caller has read that it was not, or has asked since.
    pub(super) async fn reply(&self, answers: Vec<TracedReply>, ack: Ack) {
        if !answers.iter().any(|answer| answer.reply.may_be_unwritten) {
            self.publish(answers, Some(ack.after_answer()), None);
        } else if let Some(sent) = ack.sent().await {
            self.publish(answers, None, Some(&sent));
        }
        // Else the message is delivered again to this process, which remembers the failure.
    }

    /// Publishes the replies; the message is acknowledged after the last, or `sent` before the first.
    fn publish(
        &self,
        answers: Vec<TracedReply>,
        mut ack: Option<AckAfter>,
        sent: Option<&SentAck>,
    ) {
        let mut answers = answers.into_iter().peekable();
        while let Some(TracedReply { reply, trace }) = answers.next() {
            let Reply { client_id, request_id, payload, may_be_unwritten, unsent } = reply;
            let topic = topics::response(&client_id, self.command);
            let join = self.join(&client_id);
            let span = trace.as_ref().and_then(|trace| {
                let (kind, request_id) = (self.command.response_path(), Some(&request_id));
                trace.publish(service::SpanMessage { kind, topic: &topic, request_id })
            });
            let published = self.app.bus.publish(Outgoing {
                expires_at: self.reply_expires_at,
                correlation: self.message.correlation.clone(),
                join,
                acknowledges: if answers.peek().is_none() { ack.take() } else { None },
                request_id: Some(request_id.clone()),
                follows: sent.filter(|_| may_be_unwritten).cloned(),
                on_refused: Some(instead_of_reply(self.command, request_id.clone(), unsent)),
                trace: span.map(MessageTrace::new),
                ..Outgoing::new(topic, payload)
            });
            trace.iter().for_each(Trace::end);
            match published {
                Ok(()) => debug!(%request_id, "answered"),
                // The client repeats its command and gets the stored reply.
                Err(error) => warn!(%request_id, %error, "a reply could not be published"),
            }
        }
    }
}

/// Publishes a small error where the broker does not take the reply. If it does not take that
/// either, the command is acknowledged without an answer. Holds `unsent` as long as the reply waits.
fn instead_of_reply(
    command: Command,
    request_id: RequestId,
    unsent: Option<OwnedSemaphorePermit>,
) -> OnRefused {
    OnRefused::new(move |reply, refusal| {
        drop(unsent);
        let error = undeliverable(command, request_id, refusal);
        let payload = to_payload(&error).ok()?.into();
        // It is no copy of what was refused.
        Some(Outgoing { payload, request_id: None, ..reply })
    })
}

fn undeliverable(command: Command, request_id: RequestId, refusal: Refusal) -> ErrorReply {
    // A broker that only closes the connection probably finds a listing too large as well.
    let is_too_large = matches!(refusal, Refusal::TooLarge { .. } | Refusal::Poisonous);
    if command == Command::Postos && is_too_large {
        let mensagem = "A lista não cabe em uma mensagem deste broker: peça menos postos por vez.";
        let campo = FieldError::new("limite", mensagem);
        let error =
            ErrorReply::new(Some(request_id), Codigo::RequisicaoInvalida, mensagem.to_owned());
        return ErrorReply { campos: vec![campo], ..error };
    }
    // A reserva may have been made, changed or cancelled, so this is no denial.
    let codigo = if command.is_query() { Codigo::ErroInterno } else { Codigo::TempoEsgotado };
    let mensagem = "A resposta não pode ser entregue por este broker. O registro do servidor tem a \
                    causa; para saber o que foi feito, consulte a reserva.";
    ErrorReply::new(Some(request_id), codigo, mensagem.to_owned())
}
