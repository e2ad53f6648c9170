//! What a servidor does with each message that reaches it over the broker.
//!
//! A message is acknowledged when all it asked for is on disk and answered, so that a crash
//! anywhere before leads to its redelivery, which finds either nothing or the finished work.

mod cancelamento;
mod chargers;
mod consulta;
mod disponibilidade;
mod in_hand;
mod postos;
mod reserva;
mod telemetry;

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, timeout_at};

use bus::{Ack, Delivery, Join, Outgoing};
use bytes::Bytes;
use futures_util::future::join_all;
use protocol::topics::{self, Command, ServerInbound};
use protocol::{Address, BadMessage, ClientId, Origin, RequestId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

pub(crate) use chargers::Chargers;
pub(crate) use postos::Listings;

use in_hand::InHand;

use crate::failpoints::{self, CrashPoint};
use crate::failure::Failure;
use crate::servidor::Servidor;

/// How often what could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest payload that is read; an array of 256 long commands is well below it.
const MAX_PAYLOAD: usize = 1 << 20;

/// Takes messages in until told to stop, then waits for those in hand.
pub(crate) async fn run(
    servidor: Servidor,
    mut inbox: mpsc::Receiver<Delivery>,
    stop: CancellationToken,
) {
    let mut in_hand = InHand::default();
    let mut again = tokio::time::interval(AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let next = async {
            in_hand.room().await;
            // What is done for somebody must find room for its answer and its events.
            servidor.bus.wait_for_capacity().await;
            inbox.recv().await
        };
        let delivery = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Here and not in a task of its own: what is written again must not overtake what
            // comes after it.
            _ = again.tick() => {
                for (posto_id, number, change) in servidor.chargers.take_unwritten() {
                    in_hand.room().await;
                    let servidor = servidor.clone();
                    in_hand.spawn(async move {
                        disponibilidade::write(&servidor, posto_id, number, change).await;
                    });
                }
                continue;
            }
            delivery = next => match delivery {
                Some(delivery) => delivery,
                None => break,
            },
        };
        dispatch(&servidor, delivery, &mut in_hand);
    }
    in_hand.finish().await;
}

/// Looks no further than needed to know whether a message is ours; ours become tasks.
fn dispatch(servidor: &Servidor, delivery: Delivery, in_hand: &mut InHand) {
    if delivery.payload.len() > MAX_PAYLOAD {
        let length = delivery.payload.len();
        servidor.bus.bad_message(
            &delivery.topic,
            &format!("{length} bytes is over the limit of {MAX_PAYLOAD}"),
        );
        return delivery.ack.done();
    }
    if delivery.retain {
        // From before this connection: it was acted on when it was said, or is out of date.
        debug!(topic = delivery.topic, "a retained message is not acted on again");
        return delivery.ack.done();
    }
    let Some(inbound) = ServerInbound::from_topic(&delivery.topic, &servidor.id) else {
        servidor.bus.bad_message(&delivery.topic, "no message of ours has this topic");
        return delivery.ack.done();
    };
    match inbound {
        ServerInbound::Command { command, direct: false } => {
            match Address::server_id(&delivery.payload) {
                Ok(Some(id)) if id == servidor.id.as_str() => {
                    in_hand.spawn(one_command(servidor.clone(), command, delivery));
                }
                Ok(Some(_)) => delivery.ack.done(),
                Ok(None) => {
                    servidor.bus.bad_message(&delivery.topic, "server_id is missing");
                    delivery.ack.done();
                }
                Err(bad) => {
                    servidor.bus.bad_message(&delivery.topic, &bad.to_string());
                    delivery.ack.done();
                }
            }
        }
        ServerInbound::Command { command, direct: true } => {
            in_hand.spawn(direct_commands(servidor.clone(), command, delivery));
        }
        ServerInbound::CarroStatus(_) | ServerInbound::CarroBateria(_) => {
            in_hand.spawn(telemetry::handle(servidor.clone(), delivery));
        }
        ServerInbound::PontoDisponibilidade(_) => {
            in_hand.spawn(disponibilidade::handle(servidor.clone(), delivery));
        }
    }
}

async fn one_command(servidor: Servidor, command: Command, mut delivery: Delivery) {
    crash_on(command, CrashPoint::Received);
    let ack = std::mem::replace(&mut delivery.ack, Ack::none());
    let envelope = Envelope::of(&servidor, &delivery, command, Join::Never);
    let reply = envelope.carry_out(&delivery.payload).await;
    if command == Command::Reserva && failpoints::will_crash_at(CrashPoint::BeforeAck) {
        envelope.reply(reply, Ack::none());
    } else {
        envelope.reply(reply, ack);
    }
    crash_on(command, CrashPoint::Replied);
    crash_on(command, CrashPoint::BeforeAck);
}

/// Only reservations are made to fail, or a test could not get as far as to make one.
fn crash_on(command: Command, point: CrashPoint) {
    if command == Command::Reserva {
        failpoints::crash_at(point);
    }
}

/// On its own topic a servidor takes arrays too; each command in one is independent.
async fn direct_commands(servidor: Servidor, command: Command, mut delivery: Delivery) {
    let ack = std::mem::replace(&mut delivery.ack, Ack::none());
    match protocol::split(&delivery.payload) {
        Ok((payloads, array)) => {
            let join = if array { Join::Always } else { Join::Never };
            let envelope = Envelope::of(&servidor, &delivery, command, join);
            let ours = payloads.into_iter().filter(|payload| envelope.is_ours(payload));
            let replies = join_all(ours.map(|payload| envelope.carry_out(payload))).await;
            envelope.reply(replies.into_iter().flatten(), ack);
        }
        Err(bad) => {
            servidor.bus.bad_message(&delivery.topic, &bad.to_string());
            ack.done();
        }
    }
}

/// What a command has besides its payload.
struct Envelope<'a> {
    servidor: &'a Servidor,
    command: Command,
    topic: &'a str,
    deadline: Instant,
    /// When the answer is worth nothing any more. Whoever did not say how long they wait may wait
    /// longer than we take for granted: what was done for them is told.
    answer_by: Option<Instant>,
    correlation: Option<Bytes>,
    join: Join,
}

impl<'a> Envelope<'a> {
    fn of(servidor: &'a Servidor, delivery: &'a Delivery, command: Command, join: Join) -> Self {
        let answer_by = delivery.expiry.map(|left| delivery.received + left);
        let deadline = answer_by.unwrap_or(delivery.received + servidor.command_limit);
        let correlation = delivery.correlation.clone();
        Self { servidor, command, topic: &delivery.topic, deadline, answer_by, correlation, join }
    }

    /// Another servidor's message on this one's topic is dropped; one that names no servidor is
    /// a bad message, which its handler answers.
    fn is_ours(&self, payload: &[u8]) -> bool {
        match Address::server_id(payload) {
            Ok(Some(id)) => id == self.servidor.id.as_str(),
            Ok(None) | Err(_) => true,
        }
    }

    /// Does what a command asks; the answer, unless nobody can be answered.
    async fn carry_out(&self, payload: &[u8]) -> Option<Reply> {
        let outcome = match self.command {
            Command::Postos => self.in_time(postos::handle(self.servidor, payload)).await,
            Command::Reserva => reserva::handle(self.servidor, payload, self.deadline).await,
            Command::Cancelamento => {
                cancelamento::handle(self.servidor, payload, self.deadline).await
            }
            Command::Consulta => self.in_time(consulta::handle(self.servidor, payload)).await,
        };
        outcome.map_or_else(|failure| self.refusal(failure, payload), Some)
    }

    /// A question nobody waits for any more is not worth an answer.
    async fn in_time(
        &self,
        answer: impl Future<Output = Result<Reply, Failure>>,
    ) -> Result<Reply, Failure> {
        timeout_at(self.deadline, answer).await.unwrap_or(Err(Failure::Expired))
    }

    fn refusal(&self, failure: Failure, payload: &[u8]) -> Option<Reply> {
        if let Failure::Bad(bad) = &failure {
            self.servidor.bus.bad_message(self.topic, &bad.to_string());
        }
        let (client_id, request_id) = Origin::from_json(payload)?;
        info!(%request_id, %client_id, command = ?self.command, codigo = ?failure.codigo(), "refused");
        let error = failure.into_reply(Some(request_id.clone()));
        match serde_json::to_vec(&error) {
            Ok(payload) => Some(Reply { client_id, request_id, payload }),
            Err(error) => {
                warn!(%request_id, %error, "an answer cannot be written as JSON");
                None
            }
        }
    }

    /// Answers a delivery, which is acknowledged once the broker has the last of the answers.
    fn reply(&self, replies: impl IntoIterator<Item = Reply>, ack: Ack) {
        let mut replies = replies.into_iter().peekable();
        let mut ack = Some(ack.after_answer());
        while let Some(Reply { client_id, request_id, payload }) = replies.next() {
            let sent = self.servidor.bus.publish(Outgoing {
                topic: topics::response(&client_id, self.command),
                payload: payload.into(),
                expires_at: self.answer_by,
                retain: false,
                response_topic: None,
                correlation: self.correlation.clone(),
                join: self.join,
                acknowledges: if replies.peek().is_none() { ack.take() } else { None },
            });
            match sent {
                Ok(()) => debug!(%request_id, "answered"),
                // The asker repeats the command, and the stored reply is there for it.
                Err(error) => warn!(%request_id, %error, "an answer could not be sent"),
            }
        }
    }
}

/// An answer, and where it goes.
struct Reply {
    client_id: ClientId,
    request_id: RequestId,
    payload: Vec<u8>,
}

impl Reply {
    fn json<T: serde::Serialize>(
        client_id: ClientId,
        request_id: RequestId,
        body: &T,
    ) -> Result<Self, Failure> {
        let payload = serde_json::to_vec(body).map_err(BadMessage::from)?;
        Ok(Self { client_id, request_id, payload })
    }
}
