//! Moves what ended long ago into the archive, a little at a time.
//!
//! Each part shares its transaction with the commands that wait, so that they do not wait for a sync of
//! its own, and is so small that they hardly wait for the part.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::app_state::AppState;
use crate::store::{Archivable, ArchiveEnded, WriteError, archive_age};

/// Rows of each table that one transaction archives: about a millisecond, or some of them if they are
/// long.
const PART: usize = 32;
/// While nothing else is written, the pause after a part is so many times as long as writing it took.
const IDLE_PAUSE_FACTOR: u32 = 8;
/// The pause while commands are written.
const BUSY_PAUSE: Duration = Duration::from_millis(250);
/// How often the whole tables are looked at while as much time passes as rows wait before they are
/// archived: every 5 minutes, for 30 days.
const PASSES_PER_AGE: u32 = 8640;
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// Between two looks that find nothing.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// A pass that archived at least so many rows is logged: the first one after a long stop, and not each
/// pass of a servidor that runs.
const REPORTED_ROWS: usize = 1000;

/// Runs until `stop`.
pub(crate) async fn run(app: Arc<AppState>, stop: CancellationToken) {
    let archiving = async {
        let age = archive_age();
        let mut archiver = Archiver::new(app, age);
        loop {
            archiver.pass().await;
            let Archiver { reservas, carregamentos, .. } = archiver;
            if reservas + carregamentos >= REPORTED_ROWS {
                info!(reservas, carregamentos, "archived what ended long ago");
            }
            tokio::time::sleep((age / PASSES_PER_AGE).max(SHORTEST_PAUSE)).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = archiving => {}
    }
}

struct Archiver {
    app: Arc<AppState>,
    age: Duration,
    /// Rows that the latest pass has archived.
    reservas: usize,
    carregamentos: usize,
    /// What cannot be archived: it holds what no release has written. Else each pass would fail with it
    /// again, and so would the commands that share its transaction.
    bad_reservas: HashSet<i64>,
    bad_carregamentos: HashSet<i64>,
}

impl Archiver {
    fn new(app: Arc<AppState>, age: Duration) -> Self {
        Self {
            app,
            age,
            reservas: 0,
            carregamentos: 0,
            bad_reservas: HashSet::new(),
            bad_carregamentos: HashSet::new(),
        }
    }

    /// Looks at everything that is not archived, unless the database fails.
    async fn pass(&mut self) {
        (self.reservas, self.carregamentos) = (0, 0);
        let mut found = Archivable::default();
        while !found.is_last() {
            let cutoff = self.app.now() - self.age;
            found = match self.app.store.archivable(cutoff, &found).await {
                Ok(found) => found,
                Err(error) => {
                    warn!(%error, "the database cannot be read");
                    return;
                }
            };
            found.reservas.retain(|id| !self.bad_reservas.contains(id));
            found.carregamentos.retain(|id| !self.bad_carregamentos.contains(id));
            let reservas = found.reservas.chunks(PART).map(|part| self.part(part, &[]));
            let carregamentos = found.carregamentos.chunks(PART).map(|part| self.part(&[], part));
            for part in reservas.chain(carregamentos).collect::<Vec<_>>() {
                if self.archive(part).await.is_err() {
                    return;
                }
            }
            if found.reservas.is_empty() && found.carregamentos.is_empty() && !found.is_last() {
                tokio::time::sleep(LOOK_PAUSE).await;
            }
        }
    }

    fn part(&self, reservas: &[i64], carregamentos: &[i64]) -> ArchiveEnded {
        let (reservas, carregamentos) = (reservas.to_vec(), carregamentos.to_vec());
        ArchiveEnded { age: self.age, reservas, carregamentos }
    }

    /// Archives a part; row by row, if one of them makes it fail.
    async fn archive(&mut self, part: ArchiveEnded) -> Result<(), WriteError> {
        let mut parts = vec![part];
        while let Some(part) = parts.pop() {
            let begun = Instant::now();
            match self.app.store.execute(part.clone()).await {
                Ok(archived) => {
                    self.reservas += archived.reservas;
                    self.carregamentos += archived.carregamentos;
                    parts.extend(archived.may_be_more.then_some(part));
                    let is_idle = archived.was_alone;
                    let pause =
                        if is_idle { begun.elapsed() * IDLE_PAUSE_FACTOR } else { BUSY_PAUSE };
                    tokio::time::sleep(pause).await;
                }
                // The failure is logged where it happens. The database can write, so it is this part.
                Err(WriteError::Unavailable) if self.app.store.is_writable() => {
                    parts.append(&mut self.divide(part));
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The rows of a part that failed, each for itself. One alone is not tried again.
    fn divide(&mut self, part: ArchiveEnded) -> Vec<ArchiveEnded> {
        let ArchiveEnded { reservas, carregamentos, .. } = part;
        if reservas.len() + carregamentos.len() > 1 {
            let reservas = reservas.chunks(1).map(|row| self.part(row, &[]));
            let carregamentos = carregamentos.chunks(1).map(|row| self.part(&[], row));
            return reservas.chain(carregamentos).collect();
        }
        for reserva_id in reservas {
            warn!(reserva_id, "this reserva cannot be archived");
            self.bad_reservas.insert(reserva_id);
        }
        for carregamento_id in carregamentos {
            warn!(carregamento_id, "this session cannot be archived");
            self.bad_carregamentos.insert(carregamento_id);
        }
        Vec::new()
    }
}
