//! The task that asks for one reserva, and the task that reads the private events of this gateway.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bus::{Received, Subscription};
use protocol::{Codigo, ReplyCodigo, RequestId, ServerId, topics};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

use super::servidor::Servidor;
use super::snapshot::Snapshot;
use super::watches::{Watch, Watches};
use crate::error::GatewayError;
use crate::gateway::call::NoAnswer;
use crate::gateway::{Gateway, NamedReserva, Reply};

/// How often a reserva is asked for when no event comes: some changes have none, and events may be lost.
const POLL_INTERVAL: Duration = Duration::from_secs(30);
/// How soon it is asked for again after a question without an answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// A question in flight, with the number of questions that were asked for when it was sent.
type Question = (u64, Pin<Box<dyn Future<Output = Result<Reply, GatewayError>> + Send>>);

impl Gateway {
    /// Whether a servidor can be reached, and since when that is so.
    fn servidor(&self, server_id: &ServerId) -> Option<Servidor> {
        let generation = self.bus.generation();
        let presence = self.directory.find(server_id, generation)?;
        Some(Servidor::from(presence))
    }
}

/// The task that asks for one reserva.
pub(super) struct FollowTask {
    gateway: Arc<Gateway>,
    watch: Arc<Watch>,
    /// The subscription to the changes of the reserva, once its number is known.
    changes: Option<Subscription>,
    question: Option<Question>,
    /// It may have changed since the last question was sent.
    is_stale: bool,
    /// The versao that an event has named since the last question was sent.
    announced: i64,
    next_poll: Instant,
}

impl FollowTask {
    pub(super) fn new(gateway: Arc<Gateway>, watch: Arc<Watch>) -> Self {
        let next_poll = Instant::now();
        Self {
            gateway,
            watch,
            changes: None,
            question: None,
            is_stale: false,
            announced: 0,
            next_poll,
        }
    }

    /// Runs until it is dropped.
    pub(super) async fn run(mut self) {
        let mut directory = self.gateway.directory.changes();
        let mut link = self.gateway.bus.link();
        self.note_servidor();
        loop {
            self.ask_if_due();
            let (is_idle, next_poll) = (self.question.is_none(), self.next_poll);
            tokio::select! {
                answer = answer_to(&mut self.question) => self.take(answer),
                () = self.watch.wake.notified() => self.note_announced(),
                received = next_change(&mut self.changes) => self.receive(received),
                Ok(()) = directory.changed() => self.note_servidor(),
                Ok(()) = link.changed() => self.note_servidor(),
                () = sleep_until(next_poll), if is_idle => self.is_stale = true,
            }
        }
    }

    fn ask_if_due(&mut self) {
        let number = self.watch.asked();
        let is_due = self.is_stale || number > self.watch.seen.borrow().answered;
        if self.question.is_some() || !is_due {
            return;
        }
        self.is_stale = false;
        let reserva = self.watch.reserva.clone();
        let gateway = Arc::clone(&self.gateway);
        let asking = async move {
            let _permit = gateway.events.query_limits.permit(&reserva.server_id).await;
            // The id of a change names another request than the events of the reserva do.
            let somente_reserva = Some(true);
            gateway.consult(RequestId::new(), &reserva, somente_reserva).await
        };
        self.question = Some((number, Box::pin(asking)));
    }

    fn take(&mut self, answer: Result<Reply, GatewayError>) {
        let Some((number, _)) = self.question.take() else { return };
        let NamedReserva { server_id, request_id, .. } = &self.watch.reserva;
        let read = |reply: &Reply| Snapshot::read(&reply.body, server_id, request_id);
        let (snapshot, refused) = match answer {
            Ok(reply) if reply.codigo.is_none() => match read(&reply) {
                Some(snapshot) => (Some(snapshot), None),
                None => {
                    // Another program answered. The error refers to the log for its cause.
                    let client_id = &self.gateway.config.client_id;
                    let topic = topics::response(client_id, topics::Command::Consulta);
                    self.gateway.bus.bad_message(&topic, "a sucesso has no reserva with an id");
                    (None, Some(NoAnswer::Gateway(GatewayError::Internal)))
                }
            },
            Ok(reply) => (None, Some(NoAnswer::Refused(reply))),
            Err(error) => (None, Some(NoAnswer::Gateway(error))),
        };
        let interval = if refused.is_none() { POLL_INTERVAL } else { RETRY_INTERVAL };
        self.next_poll = Instant::now() + interval;
        let versao = snapshot.as_ref().map_or(0, |snapshot| snapshot.versao);
        // An event may come before its change can be read, or be false: one more question finds out.
        self.is_stale |= refused.is_none() && versao < std::mem::take(&mut self.announced);
        if let (Some(snapshot), None) = (&snapshot, &self.changes) {
            let topic = topics::reserva_status(snapshot.id);
            self.changes = Some(self.gateway.bus.subscribe(&topic, 1));
        }
        let is_forgotten = refused.as_ref().is_some_and(is_unknown);
        self.watch.seen.send_modify(|seen| {
            seen.answered = number;
            seen.refused = refused;
            seen.is_forgotten |= is_forgotten && seen.snapshot.is_some();
            // Questions follow one another, so no answer is older than the one before it. One with a
            // lower versao is of a servidor that was restored.
            if snapshot.is_some() {
                seen.snapshot = snapshot;
            }
        });
    }

    fn note_announced(&mut self) {
        let announced = self.watch.take_announced();
        let known =
            self.watch.seen.borrow().snapshot.as_ref().map_or(0, |snapshot| snapshot.versao);
        if announced <= known {
            return;
        }
        if self.question.is_some() {
            self.announced = self.announced.max(announced);
        } else {
            self.is_stale = true;
        }
    }

    fn receive(&mut self, received: Option<Received>) {
        match received {
            Some(Received::Gap) => self.is_stale = true,
            Some(Received::Message(topic, payload)) => {
                // Numbers of reservas repeat across servidores.
                match serde_json::from_slice::<EventHead>(&payload) {
                    Ok(head) => self.is_stale |= head.server_id == self.watch.reserva.server_id,
                    Err(error) => self.gateway.bus.bad_message(&topic, &error.to_string()),
                }
            }
            // The bus was closed.
            None => self.changes = None,
        }
    }

    /// Notes whether the servidor can be reached. One that has returned may have changed the reserva
    /// without an event.
    fn note_servidor(&mut self) {
        let servidor = self.gateway.servidor(&self.watch.reserva.server_id);
        let is_online = servidor.as_ref().is_some_and(Servidor::is_online);
        let has_changed = self.watch.seen.send_if_modified(|seen| {
            let has_changed = seen.servidor != servidor;
            seen.servidor = servidor;
            has_changed
        });
        self.is_stale |= has_changed && is_online;
    }
}

/// What every event of a servidor has.
#[derive(Deserialize)]
struct EventHead {
    server_id: ServerId,
}

/// What an event for the client that made a reserva says of it.
#[derive(Deserialize)]
struct Announced {
    server_id: ServerId,
    request_id: RequestId,
    versao: i64,
}

/// Whether a servidor has said that it knows no such reserva.
fn is_unknown(refused: &NoAnswer) -> bool {
    let unknown = Some(ReplyCodigo::Known(Codigo::ReservaInexistente));
    matches!(refused, NoAnswer::Refused(reply) if reply.codigo == unknown)
}

async fn answer_to(question: &mut Option<Question>) -> Result<Reply, GatewayError> {
    match question {
        Some((_, answer)) => answer.await,
        None => std::future::pending().await,
    }
}

async fn next_change(changes: &mut Option<Subscription>) -> Option<Received> {
    match changes {
        Some(changes) => changes.next().await,
        None => std::future::pending().await,
    }
}

/// Reads the private events of this gateway. One that is lost does no harm: each change has a public
/// event too.
pub(super) async fn read_events(
    gateway: Arc<Gateway>,
    watches: Arc<Watches>,
    mut events: Subscription,
) {
    while let Some(received) = events.next().await {
        let Received::Message(topic, payload) = received else { continue };
        let bad = |reason: String| gateway.bus.bad_message(&topic, &reason);
        let events = match protocol::split_array(&payload) {
            Ok((events, _)) => events,
            Err(reason) => {
                bad(reason.to_string());
                continue;
            }
        };
        for event in events {
            match serde_json::from_slice::<Announced>(event) {
                Ok(Announced { server_id, request_id, versao }) => {
                    watches.announce(&server_id, &request_id, versao);
                }
                Err(error) => bad(error.to_string()),
            }
        }
    }
}
