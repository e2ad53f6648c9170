//! Reservations and cancellations, a whole batch with a handful of statements.
//!
//! The facts for all commands are loaded at once; the domain is asked one by one in order of
//! arrival, each decision a fact for the next; then all effects are written at once.

use std::collections::{HashMap, HashSet};
use tokio::time::Instant;

use domain::{
    Cancel, Carro, Holding, Moment, PostoFacts, Rejection, Reserva, ReservaState,
    decide_cancelamento, decide_reserva,
};
use sqlx::{FromRow, SqliteConnection};

use super::rows::{self, ReservaRow};
use super::stored_reply::{self, Decision, StoredReply};
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

/// Decides and writes a batch inside the caller's transaction.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    commands: &[Command<'_>],
    servidor: &str,
    now: Moment,
    changes: &mut Vec<Change>,
) -> Result<Vec<Outcome>, StoreError> {
    if commands.is_empty() {
        return Ok(Vec::new());
    }
    let mut batch = Batch::load(connection, commands, servidor, now).await?;
    let mut outcomes: Vec<Outcome> = commands
        .iter()
        .map(|command| match command {
            Command::Reserve(reservation) => Outcome::Reserve(batch.reserve(reservation)),
            Command::Cancel(cancellation) => Outcome::Cancel(batch.cancel(cancellation)),
        })
        .collect();
    let ids = batch.write(connection).await?;
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
        changes.push(Change::Posto(reserva.posto_id));
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

struct Held {
    request_id: String,
    holding: Holding,
}

/// The facts for one batch, and what is decided on them.
struct Batch<'a> {
    servidor: &'a str,
    now: Moment,
    clock: Instant,
    replies: HashMap<String, StoredReply>,
    request_id_of: HashMap<i64, String>,
    postos: HashMap<i64, PostoFacts>,
    held: HashMap<i64, Vec<Held>>,
    /// What is decided anew, with what was asked.
    decided: Vec<(&'a Reservation, Decision)>,
    /// Request ids of reservas that were on disk before and are cancelled now.
    cancelled: HashSet<String>,
    /// In order: every state a reserva went through.
    changed: Vec<Reserva>,
}

impl<'a> Batch<'a> {
    async fn load(
        connection: &mut SqliteConnection,
        commands: &[Command<'a>],
        servidor: &'a str,
        now: Moment,
    ) -> Result<Self, StoreError> {
        let mut request_ids = Vec::with_capacity(commands.len());
        let mut postos = HashSet::new();
        let mut cancel_ids = Vec::new();
        for command in commands {
            match command {
                Command::Reserve(reservation) => {
                    request_ids.push(reservation.request_id.as_str());
                    postos.insert(reservation.command.posto_id);
                }
                Command::Cancel(Cancellation { target: CancelTarget::RequestId(id), .. }) => {
                    request_ids.push(id);
                }
                Command::Cancel(Cancellation { target: CancelTarget::Id(id), .. }) => {
                    cancel_ids.push(*id);
                }
            }
        }
        let request_id_of = find_request_ids(connection, &cancel_ids).await?;
        request_ids.extend(request_id_of.values().map(String::as_str));
        let replies = stored_reply::find(&mut *connection, &request_ids, servidor).await?;
        let postos_json = serde_json::json!(postos).to_string();
        Ok(Self {
            servidor,
            now,
            clock: Instant::now(),
            replies,
            postos: find_postos(connection, &postos_json).await?,
            held: find_held(connection, &postos_json, now).await?,
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
        if current.state != ReservaState::Cancelada && self.clock > cancellation.deadline {
            return Err(WriteError::Expired);
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

    /// Writes what was decided; the numbers of the new reservas by their request ids.
    async fn write(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<HashMap<String, i64>, StoreError> {
        let made: Vec<&Reservation> =
            self.decided.iter().filter(|(_, d)| d.is_ok()).map(|(asked, _)| *asked).collect();
        // Cancellations first: the schema must see a posto free before it is given again.
        if !self.cancelled.is_empty() {
            write_cancelled(connection, &self.cancelled, self.now).await?;
        }
        let mut ids = HashMap::new();
        if !made.is_empty() {
            write_carros(connection, &made, self.now).await?;
            ids = self.write_reservas(connection).await?;
        }
        if !self.decided.is_empty() {
            self.write_replies(connection).await?;
        }
        Ok(ids)
    }

    async fn write_reservas(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<HashMap<String, i64>, StoreError> {
        let rows: Vec<_> = self
            .decided
            .iter()
            .filter_map(|(_, decision)| decision.as_ref().ok())
            .map(|Reserved { reserva, .. }| {
                let now = self.replies.get(&reserva.request_id).and_then(|r| r.current.as_ref());
                let state = now.map_or(reserva.state, |current| current.state);
                let interval = reserva.interval;
                let (inicio, fim) = (interval.inicio().as_millis(), interval.fim().as_millis());
                let status = rows::state_word(state);
                (&reserva.request_id, reserva.posto_id, reserva.placa.as_str(), inicio, fim, status)
            })
            .collect();
        let written: Vec<(String, i64)> = sqlx::query_as(
            "INSERT INTO reservas
                 (request_id, posto_id, placa, inicio, fim, status, created_at, updated_at)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                    ?2, ?2
             FROM json_each(?1)
             RETURNING request_id, id",
        )
        .bind(json(&rows)?)
        .bind(self.now.as_millis())
        .fetch_all(connection)
        .await?;
        Ok(written.into_iter().collect())
    }

    async fn write_replies(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let rows: Vec<_> = self
            .decided
            .iter()
            .map(|(asked, decision)| {
                let posto_id = asked.command.posto_id;
                let nome = self.postos.get(&posto_id).map_or("", |posto| posto.nome.as_str());
                let rejection = decision.as_ref().err().and_then(stored_reply::rejection_word);
                (&asked.request_id, hex(asked.fingerprint), posto_id, nome, rejection)
            })
            .collect();
        sqlx::query(
            "INSERT INTO requests (request_id, fingerprint, posto_id, nome, rejection, decided_at)
             SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, ?2
             FROM json_each(?1)",
        )
        .bind(json(&rows)?)
        .bind(self.now.as_millis())
        .execute(connection)
        .await?;
        Ok(())
    }
}

fn json<T: serde::Serialize>(rows: &T) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

async fn find_request_ids(
    connection: &mut SqliteConnection,
    ids: &[i64],
) -> Result<HashMap<i64, String>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT id, request_id FROM reservas WHERE id IN (SELECT value FROM json_each(?1))",
    )
    .bind(json(&ids)?)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().collect())
}

#[derive(FromRow)]
struct PostoRow {
    id: i64,
    nome: String,
    in_service: bool,
    em_manutencao: bool,
    charging: Option<String>,
}

/// What must be known of the postos whose ids are in a JSON array.
pub(super) async fn find_postos(
    connection: &mut SqliteConnection,
    ids: &str,
) -> Result<HashMap<i64, PostoFacts>, StoreError> {
    let found: Vec<PostoRow> = sqlx::query_as(
        "SELECT p.id, p.nome, p.in_service, p.em_manutencao, c.placa AS charging
         FROM postos AS p
         LEFT JOIN carregamentos AS c ON c.posto_id = p.id AND c.fim IS NULL
         WHERE p.id IN (SELECT value FROM json_each(?1)) AND p.removed_at IS NULL",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let facts = |row: PostoRow| {
        let charging = row.charging.as_deref().map(rows::placa).transpose()?;
        let (nome, in_service, em_manutencao) = (row.nome, row.in_service, row.em_manutencao);
        Ok((row.id, PostoFacts { nome, in_service, em_manutencao, charging }))
    };
    found.into_iter().map(facts).collect()
}

async fn find_held(
    connection: &mut SqliteConnection,
    postos: &str,
    now: Moment,
) -> Result<HashMap<i64, Vec<Held>>, StoreError> {
    let found = active_reservas(connection, postos, now).await?;
    let mut held: HashMap<i64, Vec<Held>> = HashMap::new();
    for reserva in found {
        let holding = Holding { placa: reserva.placa, interval: reserva.interval };
        let entry = held.entry(reserva.posto_id).or_default();
        entry.push(Held { request_id: reserva.request_id, holding });
    }
    Ok(held)
}

/// The reservas that hold one of `postos` (a JSON array of ids) at `now` or later.
pub(super) async fn active_reservas(
    connection: &mut SqliteConnection,
    postos: &str,
    now: Moment,
) -> Result<Vec<Reserva>, StoreError> {
    let found: Vec<ReservaRow> = sqlx::query_as(
        "SELECT id, request_id, posto_id, placa, inicio, fim, status FROM reservas
         WHERE posto_id IN (SELECT value FROM json_each(?1)) AND status = 'ativa' AND fim > ?2",
    )
    .bind(postos)
    .bind(now.as_millis())
    .fetch_all(connection)
    .await?;
    found.into_iter().map(Reserva::try_from).collect()
}

async fn write_cancelled(
    connection: &mut SqliteConnection,
    request_ids: &HashSet<String>,
    now: Moment,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE reservas SET status = 'cancelada', updated_at = ?2
         WHERE request_id IN (SELECT value FROM json_each(?1))",
    )
    .bind(json(request_ids)?)
    .bind(now.as_millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Remembers the carros as their drivers' apps describe them now.
async fn write_carros(
    connection: &mut SqliteConnection,
    made: &[&Reservation],
    now: Moment,
) -> Result<(), StoreError> {
    let latest: HashMap<&str, &Carro> = made
        .iter()
        .map(|asked| (asked.command.carro.placa.as_str(), &asked.command.carro))
        .collect();
    let rows: Vec<_> = latest
        .into_iter()
        .map(|(placa, carro)| {
            let capacity = carro.capacidade_bateria.get();
            let level = carro.nivel_bateria.get();
            (placa, &carro.modelo, capacity, level, carro.taxa_descarga.get())
        })
        .collect();
    sqlx::query(
        "INSERT INTO carros
             (placa, modelo, capacidade_bateria, nivel_bateria_atual, taxa_descarga, updated_at)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, ?2
         FROM json_each(?1) WHERE true
         ON CONFLICT (placa) DO UPDATE SET
             modelo = excluded.modelo,
             capacidade_bateria = excluded.capacidade_bateria,
             nivel_bateria_atual = excluded.nivel_bateria_atual,
             taxa_descarga = excluded.taxa_descarga,
             updated_at = excluded.updated_at",
    )
    .bind(json(&rows)?)
    .bind(now.as_millis())
    .execute(connection)
    .await?;
    Ok(())
}
