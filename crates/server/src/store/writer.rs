//! The one writer: takes all that waits, writes it in one transaction, then answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Moment, Rejection, Reserva};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::command::{Done, Work};
use super::reservas::{self, Outcome};
use super::{
    Cancellation, Change, Edit, Environment, Reservation, Reserved, StoreError, Telemetry,
    WriteError, carregamentos, postos, sweep, telemetry,
};

/// The most commands one transaction carries: enough to share an fsync, few enough that the
/// first of them does not wait long for the last.
const MAX_BATCH: usize = 512;

/// Writes until every [`Store`](super::Store) is gone, then gives the connection back.
pub(super) async fn run(
    mut connection: SqliteConnection,
    mut queue: mpsc::Receiver<Work>,
    environment: Environment,
    writable: Arc<AtomicBool>,
) -> SqliteConnection {
    let mut writer = Writer { last_sweep: (environment.now)(), environment, writable };
    while let Some(first) = queue.recv().await {
        let mut batch = Batch::default();
        batch.add(first);
        while batch.len < MAX_BATCH
            && let Ok(work) = queue.try_recv()
        {
            batch.add(work);
        }
        match writer.commit(&mut connection, &batch).await {
            Ok(written) => written.announce(batch, &writer.environment),
            Err(failure) if batch.len > 1 && failure.is_about_one_command() => {
                // One command that cannot be written must not take the others with it.
                warn!(commands = batch.len, error = %failure, "a batch failed; writing it one by one");
                for single in batch.split() {
                    match writer.commit(&mut connection, &single).await {
                        Ok(written) => written.announce(single, &writer.environment),
                        Err(failure) => single.fail(&failure),
                    }
                }
            }
            Err(failure) => batch.fail(&failure),
        }
    }
    connection
}

/// What the writer knows between two batches.
struct Writer {
    environment: Environment,
    last_sweep: Moment,
    writable: Arc<AtomicBool>,
}

impl Writer {
    /// Writes a batch, and remembers whether that worked.
    async fn commit(
        &mut self,
        connection: &mut SqliteConnection,
        batch: &Batch,
    ) -> Result<Written, StoreError> {
        let written = self.transact(connection, batch).await;
        match &written {
            Ok(written) => {
                if !batch.sweeps.is_empty() {
                    self.last_sweep = written.at;
                }
                self.writable.store(true, Ordering::Relaxed);
            }
            Err(failure) if failure.is_about_one_command() => {}
            Err(_) => self.writable.store(false, Ordering::Relaxed),
        }
        written
    }

    async fn transact(
        &self,
        connection: &mut SqliteConnection,
        batch: &Batch,
    ) -> Result<Written, StoreError> {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let now = (self.environment.now)();
        if !self.writable.load(Ordering::Relaxed) {
            sweep::probe(&mut transaction, now).await?;
        }
        let servidor = self.environment.servidor.as_str();
        let mut changes = Vec::new();
        let mut edits = Vec::with_capacity(batch.edits.len());
        for (edit, _) in &batch.edits {
            edits.push(apply_edit(&mut transaction, edit, servidor, now, &mut changes).await?);
        }
        let commands = batch.commands();
        let reservas =
            reservas::apply(&mut transaction, &commands, servidor, now, &mut changes).await?;
        telemetry::apply(&mut transaction, &batch.telemetry, now).await?;
        if !batch.sweeps.is_empty() {
            sweep::apply(&mut transaction, self.last_sweep, now, &mut changes).await?;
        }
        transaction.commit().await?;
        Ok(Written { at: now, edits, reservas, changes })
    }
}

enum ReservaWork {
    Reserve(Box<Reservation>, Done<Reserved>),
    Cancel(Cancellation, Done<Reserva>),
}

/// Commands of one transaction, by kind. Those about reservas keep their order of arrival;
/// between kinds there is none to keep, as nobody has been answered yet.
#[derive(Default)]
struct Batch {
    len: usize,
    edits: Vec<(Box<Edit>, Done<i64>)>,
    reservas: Vec<ReservaWork>,
    telemetry: Vec<Telemetry>,
    telemetry_done: Vec<Done<()>>,
    sweeps: Vec<Done<()>>,
}

/// What a transaction came to, on disk.
struct Written {
    at: Moment,
    edits: Vec<Result<i64, Rejection>>,
    reservas: Vec<Outcome>,
    changes: Vec<Change>,
}

impl Batch {
    fn add(&mut self, work: Work) {
        self.len += 1;
        match work {
            Work::Reserve(reservation, done) => {
                self.reservas.push(ReservaWork::Reserve(reservation, done));
            }
            Work::Cancel(cancellation, done) => {
                self.reservas.push(ReservaWork::Cancel(cancellation, done));
            }
            Work::Edit(edit, done) => self.edits.push((edit, done)),
            Work::Telemetry(telemetry, done) => {
                self.telemetry.push(telemetry);
                self.telemetry_done.push(done);
            }
            Work::Sweep(done) => self.sweeps.push(done),
        }
    }

    fn commands(&self) -> Vec<reservas::Command<'_>> {
        let works = self.reservas.iter();
        works
            .map(|work| match work {
                ReservaWork::Reserve(reservation, _) => reservas::Command::Reserve(reservation),
                ReservaWork::Cancel(cancellation, _) => reservas::Command::Cancel(cancellation),
            })
            .collect()
    }

    /// The same commands, each in a batch of its own.
    fn split(self) -> impl Iterator<Item = Self> {
        let edits = self.edits.into_iter().map(|(edit, done)| Work::Edit(edit, done));
        let reservas = self.reservas.into_iter().map(|work| match work {
            ReservaWork::Reserve(reservation, done) => Work::Reserve(reservation, done),
            ReservaWork::Cancel(cancellation, done) => Work::Cancel(cancellation, done),
        });
        let telemetry = self.telemetry.into_iter().zip(self.telemetry_done);
        let telemetry = telemetry.map(|(telemetry, done)| Work::Telemetry(telemetry, done));
        let sweeps = self.sweeps.into_iter().map(Work::Sweep);
        edits.chain(reservas).chain(telemetry).chain(sweeps).map(|work| {
            let mut single = Self::default();
            single.add(work);
            single
        })
    }

    /// Tells everyone that nothing was written. Whoever stopped waiting needs no answer.
    fn fail(self, failure: &StoreError) {
        error!(error = %failure, "the database cannot write");
        for (_, done) in self.edits {
            let _ = done.send(Err(WriteError::Unavailable));
        }
        for work in self.reservas {
            match work {
                ReservaWork::Reserve(_, done) => drop(done.send(Err(WriteError::Unavailable))),
                ReservaWork::Cancel(_, done) => drop(done.send(Err(WriteError::Unavailable))),
            }
        }
        for done in self.telemetry_done.into_iter().chain(self.sweeps) {
            let _ = done.send(Err(WriteError::Unavailable));
        }
    }
}

impl Written {
    /// Answers everyone and tells what has changed. Whoever stopped waiting needs no answer.
    fn announce(self, batch: Batch, environment: &Environment) {
        for ((_, done), outcome) in batch.edits.into_iter().zip(self.edits) {
            let _ = done.send(outcome.map_err(WriteError::Rejected));
        }
        for (work, outcome) in batch.reservas.into_iter().zip(self.reservas) {
            match (work, outcome) {
                (ReservaWork::Reserve(_, done), Outcome::Reserve(outcome)) => {
                    let _ = done.send(outcome);
                }
                (ReservaWork::Cancel(_, done), Outcome::Cancel(outcome)) => {
                    let _ = done.send(outcome);
                }
                _ => error!("a reserva command got the outcome of another kind"),
            }
        }
        for done in batch.telemetry_done.into_iter().chain(batch.sweeps) {
            let _ = done.send(Ok(()));
        }
        if !self.changes.is_empty() && environment.changes.try_send(self.changes).is_err() {
            warn!("changes happen faster than they can be announced; some were not");
        }
    }
}

async fn apply_edit(
    connection: &mut SqliteConnection,
    edit: &Edit,
    servidor: &str,
    now: Moment,
    changes: &mut Vec<Change>,
) -> Result<Result<i64, Rejection>, StoreError> {
    let posto_inexistente =
        |posto_id| Rejection::PostoInexistente { posto_id, servidor: servidor.to_owned() };
    let decision = match edit {
        Edit::CreatePosto(posto) => Ok(postos::insert(connection, None, posto).await?),
        Edit::ImportPostos(list) => Ok(postos::import(connection, list).await?),
        Edit::ChangePosto(id, change) => match postos::change(connection, *id, change).await? {
            true => Ok(*id),
            false => Err(posto_inexistente(*id)),
        },
        Edit::RemovePosto(id) => match postos::remove(connection, *id, now).await? {
            Some(decision) => decision.map(|()| *id),
            None => Err(posto_inexistente(*id)),
        },
        Edit::StartCarregamento { posto_id, placa } => {
            match carregamentos::start(connection, *posto_id, placa, now).await? {
                Some(decision) => decision,
                None => Err(posto_inexistente(*posto_id)),
            }
        }
        Edit::FinishCarregamento { posto_id, id, energia_fornecida } => {
            carregamentos::finish(connection, *posto_id, *id, *energia_fornecida, now).await?
        }
    };
    if decision.is_ok() {
        match edit {
            Edit::CreatePosto(_) => changes.extend(decision.iter().copied().map(Change::Posto)),
            Edit::ImportPostos(_) => {}
            Edit::ChangePosto(posto_id, _)
            | Edit::RemovePosto(posto_id)
            | Edit::StartCarregamento { posto_id, .. }
            | Edit::FinishCarregamento { posto_id, .. } => changes.push(Change::Posto(*posto_id)),
        }
    }
    Ok(decision)
}
