//! The commands that share one transaction, and what becomes of them.

use domain::{Moment, Rejection, Reserva};
use tracing::{error, warn};

use super::command::{Done, Work};
use super::denied::Denied;
use super::reservas::{self, Outcome};
use super::{
    Cancellation, Change, Edit, Environment, Reservation, Reserved, StoreError, Telemetry,
    WriteError,
};
use crate::sabotage::{self, CrashPoint};

pub(super) enum ReservaWork {
    Reserve(Box<Reservation>, Done<Reserved>),
    Cancel(Cancellation, Done<Reserva>),
}

/// Commands of one transaction, by kind. Those about reservas keep their order of arrival;
/// between kinds there is none to keep, as nobody has been answered yet.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) len: usize,
    pub(super) edits: Vec<(Box<Edit>, Done<i64>)>,
    pub(super) reservas: Vec<ReservaWork>,
    pub(super) telemetry: Vec<Telemetry>,
    telemetry_done: Vec<Done<()>>,
    pub(super) sweeps: Vec<Done<()>>,
    barriers: Vec<Done<()>>,
}

/// What a transaction came to, on disk.
pub(super) struct Written {
    pub(super) at: Moment,
    pub(super) edits: Vec<Result<i64, Rejection>>,
    pub(super) reservas: Vec<Outcome>,
    pub(super) changes: Vec<Change>,
}

impl Batch {
    pub(super) fn add(&mut self, work: Work) {
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
            Work::Barrier(done) => self.barriers.push(done),
        }
    }

    pub(super) fn commands(&self) -> Vec<reservas::Command<'_>> {
        let works = self.reservas.iter();
        works
            .map(|work| match work {
                ReservaWork::Reserve(reservation, _) => reservas::Command::Reserve(reservation),
                ReservaWork::Cancel(cancellation, _) => reservas::Command::Cancel(cancellation),
            })
            .collect()
    }

    /// Only batches with reservas are made to fail, or a test could not get as far as to make one.
    pub(super) fn crash_at(&self, point: CrashPoint) {
        if !self.reservas.is_empty() {
            sabotage::crash_at(point);
        }
    }

    /// The same commands, each in a batch of its own.
    pub(super) fn split(self) -> impl Iterator<Item = Self> {
        let edits = self.edits.into_iter().map(|(edit, done)| Work::Edit(edit, done));
        let reservas = self.reservas.into_iter().map(|work| match work {
            ReservaWork::Reserve(reservation, done) => Work::Reserve(reservation, done),
            ReservaWork::Cancel(cancellation, done) => Work::Cancel(cancellation, done),
        });
        let telemetry = self.telemetry.into_iter().zip(self.telemetry_done);
        let telemetry = telemetry.map(|(telemetry, done)| Work::Telemetry(telemetry, done));
        let sweeps = self.sweeps.into_iter().map(Work::Sweep);
        let barriers = self.barriers.into_iter().map(Work::Barrier);
        edits.chain(reservas).chain(telemetry).chain(sweeps).chain(barriers).map(|work| {
            let mut single = Self::default();
            single.add(work);
            single
        })
    }

    /// Tells everyone that nothing was written. Whoever stopped waiting needs no answer.
    pub(super) fn fail(self, failure: &StoreError, denied: &Denied) {
        error!(error = %failure, "the database cannot write");
        for (_, done) in self.edits {
            let _ = done.send(Err(WriteError::Unavailable));
        }
        for work in self.reservas {
            match work {
                ReservaWork::Reserve(asked, done) => {
                    denied.note(asked.as_ref(), asked.deadline, WriteError::Unavailable);
                    let _ = done.send(Err(WriteError::Unavailable));
                }
                ReservaWork::Cancel(asked, done) => {
                    denied.note(&asked, asked.deadline, WriteError::Unavailable);
                    let _ = done.send(Err(WriteError::Unavailable));
                }
            }
        }
        for done in self.telemetry_done.into_iter().chain(self.sweeps).chain(self.barriers) {
            let _ = done.send(Err(WriteError::Unavailable));
        }
    }
}

impl Written {
    /// Answers everyone and tells what has changed. Whoever stopped waiting needs no answer.
    pub(super) fn announce(self, batch: Batch, environment: &Environment) {
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
        for done in batch.telemetry_done.into_iter().chain(batch.sweeps).chain(batch.barriers) {
            let _ = done.send(Ok(()));
        }
        if !self.changes.is_empty() && environment.changes.try_send(self.changes).is_err() {
            warn!("changes happen faster than they can be announced; some were not");
        }
    }
}
