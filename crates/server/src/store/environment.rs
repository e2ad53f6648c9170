//! What the store takes from outside, and the changes it reports.

use std::sync::Arc;

use domain::{Moment, Reserva, ReservaState, Rules};
use opentelemetry::trace::SpanContext;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tracing::warn;

/// Reads the wall clock.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// Everything a store needs besides its file.
pub struct Environment {
    /// Named in refusals; also the owner of the database file.
    pub server_id: String,
    pub now: Clock,
    /// What reservas are decided by from now on.
    pub rules: Rules,
    /// Receives the changes of each transaction after its commit.
    pub changes: mpsc::Sender<Vec<Change>>,
}

impl Environment {
    /// Sends the changes of a transaction to the announcer.
    pub(super) fn report(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        match self.changes.try_send(changes) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                warn!("changes happen faster than they can be announced; some were not");
            }
            Err(TrySendError::Closed(_)) => {
                warn!("changes were made when nothing announced them any more");
            }
        }
    }
}

/// A committed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The availability of this posto may have changed.
    Posto(i64),
    /// A reserva was made, or has changed or ended.
    Reserva {
        id: i64,
        posto_id: i64,
        state: ReservaState,
        /// The client that made it, and the reserva as it is then: every change but the making is
        /// published to that client.
        for_client: Option<(String, Box<Reserva>)>,
        /// Of the command that changed it.
        trace: Option<Box<SpanContext>>,
    },
}
