//! What the handlers, the admin API and the background tasks of one servidor share.

use std::time::Duration;

use bus::Bus;
use domain::{Moment, Rejection, Rules};
use protocol::ServerId;
use service::Tracer;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::error;

use crate::admin_tokens::AdminTokens;
use crate::array_clients::ArrayClients;
use crate::charger_messages::ChargerMessages;
use crate::failpoints;
use crate::failure::Failure;
use crate::listing_cache::ListingCache;
use crate::metrics::CommandMetrics;
use crate::store::{Audited, Author, Store, StoreError, WriteCommand};

pub(crate) struct AppState {
    pub(crate) server_id: ServerId,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) tracer: Tracer,
    pub(crate) tokens: AdminTokens,
    pub(crate) charger_messages: ChargerMessages,
    pub(crate) listing_cache: ListingCache,
    pub(crate) array_clients: ArrayClients,
    pub(crate) metrics: CommandMetrics,
    /// The rules about reservas, the same by which the store decides.
    pub(crate) rules: Rules,
    /// How long a command that brings no time limit of its own may take.
    pub(crate) command_limit: Duration,
    /// Files of postos that are imported at once: each takes much memory.
    pub(crate) imports: Semaphore,
}

/// As many permits as [`AppState::imports`] has.
pub(crate) const MAX_IMPORTS: usize = 2;

impl AppState {
    pub(crate) fn now(&self) -> Moment {
        now()
    }

    /// Waits for a query of the store. Why it fails is logged, and not shown in the answer.
    pub(crate) async fn read<T>(
        &self,
        query: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Failure> {
        query.await.map_err(|error| self.unreadable(&error))
    }

    /// The answer when the database cannot be read. Logs the cause.
    pub(crate) fn unreadable(&self, error: &StoreError) -> Failure {
        error!(%error, "the database cannot be read");
        Failure::Unavailable(self.server_id.clone())
    }

    /// Refuses a posto that this servidor never had.
    pub(crate) async fn check_had_posto(&self, posto_id: i64) -> Result<(), Failure> {
        match self.read(self.store.had_posto(posto_id)).await? {
            true => Ok(()),
            false => Err(self.posto_inexistente(posto_id)),
        }
    }

    pub(crate) fn posto_inexistente(&self, posto_id: i64) -> Failure {
        let server_id = self.server_id.to_string();
        Failure::Rejected(Rejection::PostoInexistente { posto_id, server_id })
    }

    /// Has the store write, and waits until that is on disk.
    pub(crate) async fn write<C: WriteCommand>(&self, command: C) -> Result<C::Output, Failure> {
        let written = self.store.execute(command).await;
        written.map_err(|error| Failure::from_write(error, &self.server_id))
    }

    /// The same, and writes into the audit what changed and who did it.
    pub(crate) async fn write_by<C: WriteCommand>(
        &self,
        by: Author,
        command: C,
    ) -> Result<C::Output, Failure> {
        self.write(Audited { by, command }).await
    }

    /// Writes; while nothing can be written, a command that was decided before gets its first answer, as
    /// `recall` reads it.
    pub(crate) async fn write_or_recall<C: WriteCommand, F>(
        &self,
        command: C,
        recall: impl FnOnce() -> F,
    ) -> Result<C::Output, Failure>
    where
        F: Future<Output = Result<Option<Result<C::Output, Rejection>>, StoreError>>,
    {
        let failure = match self.write(command).await {
            Err(failure) if failure.is_unwritten() => failure,
            written => return written,
        };
        // Boxed, because the query makes a large future that almost no command needs.
        match Box::pin(recall()).await {
            Ok(Some(first)) => Ok(first?),
            Ok(None) => Err(failure),
            Err(error) => Err(self.in_doubt(&error)),
        }
    }

    /// The answer when it cannot be read whether the command was carried out before. Logs the cause.
    fn in_doubt(&self, error: &StoreError) -> Failure {
        error!(%error, "the database cannot be read");
        Failure::InDoubt(self.server_id.clone())
    }

    /// The deadline of a command that brings no time limit of its own.
    pub(crate) fn default_deadline(&self) -> Instant {
        Instant::now() + self.command_limit
    }
}

/// The wall clock, as the domain counts time.
pub(crate) fn now() -> Moment {
    Moment::from_millis(failpoints::clock(service::now().as_millis()))
}
