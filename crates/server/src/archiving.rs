//! Moves what ended long ago into the archive, a little at a time.
//!
//! Each part shares its transaction with the commands that wait, so that they do not wait for a sync of
//! its own, and is so small that they hardly wait for the part.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::millis;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::app_state::AppState;
use crate::failpoints;
use crate::store::{Archivable, ArchiveEnded};

/// Rows of each table that one transaction archives: about a millisecond.
const PART: usize = 32;
/// The pause after a part is as long as this many of it, while nothing else is written.
const IDLE_PAUSE: u32 = 8;
/// The pause while commands are written.
const BUSY_PAUSE: Duration = Duration::from_millis(250);
/// After the whole tables were looked at, this part of the age passes before that begins anew: 5 minutes
/// of 30 days.
const PASSES: u32 = 8640;
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// Between two looks that find nothing.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// So much is reported: what a servidor finds that did not run for long, and not what a minute brings.
const REPORTED_ROWS: usize = 1000;

/// Runs until `stop`.
pub(crate) async fn run(app: Arc<AppState>, stop: CancellationToken) {
    let archiving = async {
        let age = failpoints::archive_age();
        loop {
            let (reservas, carregamentos) = pass(&app, age).await;
            if reservas + carregamentos >= REPORTED_ROWS {
                info!(reservas, carregamentos, "archived what ended long ago");
            }
            tokio::time::sleep((age / PASSES).max(SHORTEST_PAUSE)).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = archiving => {}
    }
}

/// Looks at everything that is not archived; how many reservas and sessions it archived.
async fn pass(app: &AppState, age: Duration) -> (usize, usize) {
    let mut archived = (0, 0);
    let mut found = Archivable::default();
    while !found.is_last() {
        let cutoff = app.now().plus_millis(-millis(age));
        found = match app.store.archivable(cutoff, &found).await {
            Ok(found) => found,
            Err(error) => {
                warn!(%error, "the database cannot be read");
                break;
            }
        };
        let parts = found.reservas.chunks(PART).map(|reservas| (reservas, &[][..]));
        let sessions = found.carregamentos.chunks(PART).map(|sessions| (&[][..], sessions));
        for (reservas, carregamentos) in parts.chain(sessions) {
            let (reservas, carregamentos) = (reservas.to_vec(), carregamentos.to_vec());
            let begun = Instant::now();
            let part = app.store.execute(ArchiveEnded { age, reservas, carregamentos }).await;
            // A failure is logged where it happens.
            let Ok(part) = part else { return archived };
            archived.0 += part.reservas;
            archived.1 += part.carregamentos;
            let pause = if part.was_alone { begun.elapsed() * IDLE_PAUSE } else { BUSY_PAUSE };
            tokio::time::sleep(pause).await;
        }
        if found.reservas.is_empty() && found.carregamentos.is_empty() && !found.is_last() {
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }
    archived
}
