//! Reservations and cancellations, a whole batch with a handful of statements.
//!
//! The facts for all commands are loaded at once; the domain is asked one by one in order of
//! arrival, each decision a fact for the next; then all effects are written at once.

mod effects;
mod facts;

use std::collections::{HashMap, HashSet};
use tokio::time::Instant;

use domain::{
    Cancel, Holding, Moment, PostoFacts, Rejection, Reserva, ReservaState, decide_cancelamento,
    decide_reserva,
};

use facts::{Facts, Held, Wanted, find_request_ids};

pub(super) use facts::{active_reservas, find_posto};

use super::denied::Denied;
use super::stored_reply::{Decision, StoredReply};
use super::transaction::Transaction;
use super::{CancelTarget, Cancellation, Change, Reservation, Reserved, StoreError, WriteError};

/// A command about reservas, in order of arrival.
pub(super) enum Command<'a> {
    Reserve(&'a Reservation),
    Cancel(&'a Cancellation),
}

/// The outcome of the command at the same place.
pub(super) enum Outcome {
    Reserve(Result<Reserved, WriteError>),
    Cancel(Result<Reserva, WriteError>),
}

/// Where and when a batch is decided.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) servidor: &'a str,
    pub(super) now: Moment,
    pub(super) denied: &'a Denied,
}

/// Decides and writes a batch inside the caller's transaction, and commits it where `last` says
/// that nothing follows.
pub(super) async fn apply(
    transaction: &mut Transaction<'_>,
    commands: &[Command<'_>],
    scene: Scene<'_>,
    last: bool,
    changes: &mut Vec<Change>,
) -> Result<Vec<Outcome>, StoreError> {
    if commands.is_empty() {
        return Ok(Vec::new());
    }
    let mut batch = Batch::load(transaction, commands, scene).await?;
    let mut outcomes: Vec<Outcome> = commands
        .iter()
        .map(|command| match command {
            Command::Reserve(reservation) => Outcome::Reserve(batch.reserve(reservation)),
            Command::Cancel(cancellation) => Outcome::Cancel(batch.cancel(cancellation)),
        })
        .collect();
    let ids = batch.write(transaction, last).await?;
    for outcome in &mut outcomes {
        let reserva = match outcome {
            Outcome::Reserve(Ok(reserved)) => &mut reserved.reserva,
            Outcome::Cancel(Ok(reserva)) => reserva,
            _ => continue,
        };
        assign_id(reserva, &ids);
    }
    for mut reserva in batch.changed {
        assign_id(&mut reserva, &ids);
        // One that is yet to begin leaves its posto as it is; the sweep tells when it begins.
        if reserva.interval.contains(scene.now) {
            changes.push(Change::Posto(reserva.posto_id));
        }
        changes.push(Change::Reserva(reserva));
    }
    Ok(outcomes)
}

/// A reserva decided in this batch gets its number when it is written.
fn assign_id(reserva: &mut Reserva, ids: &HashMap<String, i64>) {
    if reserva.id == UNWRITTEN
        && let Some(id) = ids.get(&reserva.request_id)
    {
        reserva.id = *id;
    }
}

/// Stands for the number of a reserva that is decided and not written yet.
const UNWRITTEN: i64 = 0;

/// The facts for one batch, and what is decided on them.
struct Batch<'a> {
    servidor: &'a str,
    now: Moment,
    denied: &'a Denied,
    clock: Instant,
    replies: HashMap<String, StoredReply>,
    request_id_of: HashMap<i64, String>,
    postos: HashMap<i64, PostoFacts>,
    held: HashMap<i64, Vec<Held>>,
    /// Number of the newest reserva on disk.
    newest: i64,
    /// What is decided anew, with what was asked.
    decided: Vec<(&'a Reservation, Decision)>,
    /// Request ids of reservas that were on disk before and are cancelled now.
    cancelled: HashSet<String>,
    /// In order: every state a reserva went through.
    changed: Vec<Reserva>,
}

impl<'a> Batch<'a> {
    async fn load(
        transaction: &mut Transaction<'_>,
        commands: &[Command<'a>],
        Scene { servidor, now, denied }: Scene<'a>,
    ) -> Result<Self, StoreError> {
        let mut wanted = Wanted {
            request_ids: Vec::with_capacity(commands.len()),
            postos: HashSet::new(),
            stretches: Vec::with_capacity(commands.len()),
        };
        let mut cancel_ids = Vec::new();
        for command in commands {
            match command {
                Command::Reserve(reservation) => {
                    wanted.request_ids.push(reservation.request_id.as_str());
                    let posto_id = reservation.command.posto_id;
                    wanted.postos.insert(posto_id);
                    // One that makes no sense is refused whoever holds the posto.
                    let stretch = reservation.command.stretch.resolve(now);
                    wanted.stretches.extend(stretch.map(|interval| (posto_id, interval)));
                }
                Command::Cancel(Cancellation { target: CancelTarget::RequestId(id), .. }) => {
                    wanted.request_ids.push(id);
                }
                Command::Cancel(Cancellation { target: CancelTarget::Id(id), .. }) => {
                    cancel_ids.push(*id);
                }
            }
        }
        let request_id_of = find_request_ids(transaction, &cancel_ids).await?;
        wanted.request_ids.extend(request_id_of.values().map(String::as_str));
        let Facts { replies, postos, held, newest } =
            facts::load(transaction, &wanted, servidor).await?;
        Ok(Self {
            servidor,
            now,
            denied,
            clock: Instant::now(),
            replies,
            postos,
            held,
            newest,
            request_id_of,
            decided: Vec::new(),
            cancelled: HashSet::new(),
            changed: Vec::new(),
        })
    }

    fn reserve(&mut self, reservation: &'a Reservation) -> Result<Reserved, WriteError> {
        if let Some(reply) = self.replies.get(&reservation.request_id) {
            return Ok(reply.answer(reservation.fingerprint)?);
        }
        if let Some(fault) = self.denied.already(reservation, reservation.deadline) {
            return Err(fault);
        }
        if self.clock > reservation.deadline {
            return Err(WriteError::Expired);
        }
        let command = &reservation.command;
        let held = self.held.entry(command.posto_id).or_default();
        let decision = decide_reserva(
            command,
            self.servidor,
            self.postos.get(&command.posto_id),
            held.iter().map(|held| &held.holding),
            self.now,
        )
        .map(|interval| {
            let placa = command.carro.placa.clone();
            let request_id = reservation.request_id.clone();
            held.push(Held {
                request_id: request_id.clone(),
                holding: Holding { placa: placa.clone(), interval },
            });
            let nome = self.postos.get(&command.posto_id).map(|posto| posto.nome.clone());
            let (id, posto_id, state) = (UNWRITTEN, command.posto_id, ReservaState::Ativa);
            let reserva = Reserva { id, request_id, posto_id, placa, interval, state };
            Reserved { reserva, nome: nome.unwrap_or_default() }
        });
        let made = decision.as_ref().ok().map(|reserved| reserved.reserva.clone());
        self.changed.extend(made.clone());
        self.replies.insert(
            reservation.request_id.clone(),
            StoredReply {
                fingerprint: Some(reservation.fingerprint),
                decision: decision.clone(),
                current: made,
            },
        );
        self.decided.push((reservation, decision.clone()));
        Ok(decision?)
    }

    fn cancel(&mut self, cancellation: &Cancellation) -> Result<Reserva, WriteError> {
        let (request_id, asked) = match &cancellation.target {
            CancelTarget::RequestId(id) => (Some(id), id.clone()),
            CancelTarget::Id(id) => (self.request_id_of.get(id), id.to_string()),
        };
        let current = request_id
            .and_then(|id| self.replies.get_mut(id))
            .and_then(|reply| reply.current.as_mut());
        let Some(current) = current else {
            let servidor = self.servidor.to_owned();
            return Err(Rejection::ReservaInexistente { reserva: asked, servidor }.into());
        };
        if current.state != ReservaState::Cancelada {
            if let Some(fault) = self.denied.already(cancellation, cancellation.deadline) {
                return Err(fault);
            }
            if self.clock > cancellation.deadline {
                return Err(WriteError::Expired);
            }
        }
        if decide_cancelamento(current, self.now)? == Cancel::Now {
            current.state = ReservaState::Cancelada;
            self.changed.push(current.clone());
            if current.id != UNWRITTEN {
                self.cancelled.insert(current.request_id.clone());
            }
            if let Some(held) = self.held.get_mut(&current.posto_id) {
                held.retain(|held| held.request_id != current.request_id);
            }
        }
        Ok(current.clone())
    }
}
