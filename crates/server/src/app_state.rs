//! What every handler of one servidor needs.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use bus::Bus;
use domain::Moment;
use protocol::ServerId;
use tracing::error;

use crate::failure::Failure;
use crate::handlers::{Chargers, Listings};
use crate::store::{Store, StoreError};

/// One servidor at work. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Servidor(Arc<Parts>);

impl From<Parts> for Servidor {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Servidor {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Who a servidor is, its data, its place on the broker.
pub(crate) struct Parts {
    pub(crate) id: ServerId,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    /// What chargers said.
    pub(crate) chargers: Chargers,
    /// Listings under way.
    pub(crate) listings: Listings,
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
