//! What every handler of one servidor needs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use bus::Bus;
use domain::Moment;
use protocol::ServerId;
use tracing::error;

use crate::failure::Failure;
use crate::handlers::Chargers;
use crate::store::{Store, StoreError};

/// One servidor at work: who it is, its data, its place on the broker.
#[derive(Clone)]
pub(crate) struct Servidor {
    pub(crate) id: ServerId,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    /// What chargers said.
    pub(crate) chargers: Chargers,
    /// Places for listings.
    pub(crate) listings: Arc<Semaphore>,
    /// How long a command that says nothing of it may take.
    pub(crate) command_limit: Duration,
}

impl Servidor {
    /// The wall clock.
    pub(crate) fn now(&self) -> Moment {
        now()
    }

    /// A failed read is logged here and told without its cause.
    pub(crate) fn cannot_read(&self, error: &StoreError) -> Failure {
        error!(%error, "the database cannot be read");
        Failure::Unavailable(self.id.clone())
    }

    /// When a command that comes without a time limit of its own is too late.
    pub(crate) fn default_deadline(&self) -> Instant {
        Instant::now() + self.command_limit
    }
}

/// The wall clock, as the domain counts time.
pub(crate) fn now() -> Moment {
    Moment::from_millis(service::now().as_millis())
}
