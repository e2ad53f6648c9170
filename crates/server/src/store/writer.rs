//! The one writer: takes all that waits, writes it in one transaction, then answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Moment, Rejection};
use sqlx::SqliteConnection;
use tokio::sync::mpsc;
use tracing::warn;

use super::batch::{Batch, Written};
use super::command::Work;
use super::denied::Denied;
use super::transaction::{self, Transaction};
use super::{
    Change, Edit, Environment, StoreError, carregamentos, postos, reservas, sweep, telemetry,
};
use crate::sabotage::{self, Bug, CrashPoint};

/// The most commands one transaction carries: enough to share an fsync, few enough that the
/// first of them does not wait long for the last.
const MAX_BATCH: usize = 512;

/// What the writer knows between two batches.
pub(super) struct Writer {
    environment: Environment,
    last_sweep: Moment,
    writable: Arc<AtomicBool>,
    denied: Denied,
}

impl Writer {
    pub(super) fn new(environment: Environment, writable: Arc<AtomicBool>, denied: Denied) -> Self {
        Self { last_sweep: (environment.now)(), environment, writable, denied }
    }

    /// Writes until every [`Store`](super::Store) is gone, then gives the connection back.
    pub(super) async fn run(
        mut self,
        mut connection: SqliteConnection,
        mut queue: mpsc::Receiver<Work>,
    ) -> SqliteConnection {
        while let Some(first) = queue.recv().await {
            let mut batch = Batch::default();
            batch.add(first);
            while batch.len < MAX_BATCH
                && let Ok(work) = queue.try_recv()
            {
                batch.add(work);
            }
            let Err(failed) = self.write(&mut connection, batch).await else { continue };
            let Failed { batch, failure } = *failed;
            if batch.len == 1 || !failure.is_about_one_command() {
                batch.fail(&failure, &self.denied);
                continue;
            }
            // One command that cannot be written must not take the others with it.
            warn!(commands = batch.len, error = %failure, "a batch failed; writing it one by one");
            for single in batch.split() {
                if let Err(failed) = self.write(&mut connection, single).await {
                    failed.batch.fail(&failed.failure, &self.denied);
                }
            }
        }
        connection
    }

    /// Writes a batch, answers it once it is on disk, and remembers whether that worked.
    ///
    /// # Errors
    /// Nothing of the batch was written.
    async fn write(
        &mut self,
        connection: &mut SqliteConnection,
        batch: Batch,
    ) -> Result<(), Box<Failed>> {
        let mut transaction = Transaction::new(connection);
        let written = match self.apply(&mut transaction, &batch).await {
            Ok(written) => written,
            Err(failure) => return Err(self.failed(connection, batch, failure).await),
        };
        if sabotage::has(Bug::EarlyReply) {
            written.announce(batch, &self.environment);
            tokio::time::sleep(sabotage::EARLY_BY).await;
            let _ = transaction.commit().await;
            return Ok(());
        }
        batch.crash_at(CrashPoint::BeforeCommit);
        if let Err(failure) = transaction.commit().await {
            return Err(self.failed(connection, batch, failure).await);
        }
        batch.crash_at(CrashPoint::AfterCommit);
        if !batch.sweeps.is_empty() {
            self.last_sweep = written.at;
        }
        self.writable.store(true, Ordering::Relaxed);
        written.announce(batch, &self.environment);
        Ok(())
    }

    async fn failed(
        &self,
        connection: &mut SqliteConnection,
        batch: Batch,
        failure: StoreError,
    ) -> Box<Failed> {
        transaction::roll_back(connection).await;
        if !failure.is_about_one_command() {
            self.writable.store(false, Ordering::Relaxed);
        }
        Box::new(Failed { batch, failure })
    }

    /// Carries a batch out in a transaction that may still have to be committed.
    async fn apply(
        &self,
        transaction: &mut Transaction<'_>,
        batch: &Batch,
    ) -> Result<Written, StoreError> {
        if sabotage::POSSIBLE {
            // To die in between, it must begin and commit on their own.
            transaction.inside().await?;
        }
        batch.crash_at(CrashPoint::Begun);
        let now = (self.environment.now)();
        if !self.writable.load(Ordering::Relaxed) {
            sweep::probe(transaction.inside().await?, now).await?;
        }
        if sabotage::has(Bug::ForgottenReply) {
            sqlx::query("DELETE FROM refusals").execute(transaction.inside().await?).await?;
        }
        let servidor = self.environment.servidor.as_str();
        let mut changes = Vec::new();
        let mut edits = Vec::with_capacity(batch.edits.len());
        for (edit, _) in &batch.edits {
            let connection = transaction.inside().await?;
            edits.push(apply_edit(connection, edit, servidor, now, &mut changes).await?);
        }
        let commands = batch.commands();
        let scene = reservas::Scene { servidor, now, denied: &self.denied };
        let last = batch.telemetry.is_empty() && batch.sweeps.is_empty() && !sabotage::POSSIBLE;
        let reservas = reservas::apply(transaction, &commands, scene, last, &mut changes).await?;
        if !batch.telemetry.is_empty() {
            telemetry::apply(transaction.inside().await?, &batch.telemetry, now).await?;
        }
        if !batch.sweeps.is_empty() {
            let connection = transaction.inside().await?;
            sweep::apply(connection, self.last_sweep, now, &mut changes).await?;
        }
        Ok(Written { at: now, edits, reservas, changes })
    }
}

/// A batch that was not written, and why.
struct Failed {
    batch: Batch,
    failure: StoreError,
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
