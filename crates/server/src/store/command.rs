//! What the writer is asked to do, and what it says has changed.

use domain::{Kwh, KwhPerKm, NivelBateria, Placa, Posto, PostoChange, Reserva, ReservaCommand};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::WriteError;

/// A command, and where its outcome goes once that is on disk.
pub(super) struct Asked<C, T> {
    pub(super) command: C,
    outcome: Option<Result<T, WriteError>>,
    done: oneshot::Sender<Result<T, WriteError>>,
}

impl<C, T> Asked<C, T> {
    /// The command, and where its outcome will come.
    pub(super) fn new(command: C) -> (Self, oneshot::Receiver<Result<T, WriteError>>) {
        let (done, outcome) = oneshot::channel();
        (Self { command, outcome: None, done }, outcome)
    }

    /// Notes what it comes to if it gets to disk.
    pub(super) fn decide(&mut self, outcome: Result<T, WriteError>) {
        self.outcome = Some(outcome);
    }

    /// Tells the outcome. Whoever stopped waiting needs none.
    pub(super) fn answer(self) {
        let outcome = self.outcome.unwrap_or(Err(WriteError::Unavailable));
        let _ = self.done.send(outcome);
    }
}

/// One thing for the writer to do.
pub(super) enum Work {
    Reserve(Box<Asked<Reservation, Reserved>>),
    Cancel(Box<Asked<Cancellation, Reserva>>),
    Edit(Box<Asked<Edit, i64>>),
    Telemetry(Box<Asked<Telemetry, ()>>),
    Sweep(Asked<(), ()>),
    Barrier(Asked<(), ()>),
}

impl Work {
    /// Whether it is about a reserva.
    pub(super) fn is_about_reservas(&self) -> bool {
        matches!(self, Self::Reserve(_) | Self::Cancel(_))
    }

    /// Tells the outcome that was noted.
    pub(super) fn answer(self) {
        match self {
            Self::Reserve(asked) => asked.answer(),
            Self::Cancel(asked) => asked.answer(),
            Self::Edit(asked) => asked.answer(),
            Self::Telemetry(asked) => asked.answer(),
            Self::Sweep(asked) | Self::Barrier(asked) => asked.answer(),
        }
    }

    /// Notes that it could not be written, whatever it would have come to.
    pub(super) fn fail(&mut self) {
        let fault = WriteError::Unavailable;
        match self {
            Self::Reserve(asked) => asked.decide(Err(fault)),
            Self::Cancel(asked) => asked.decide(Err(fault)),
            Self::Edit(asked) => asked.decide(Err(fault)),
            Self::Telemetry(asked) => asked.decide(Err(fault)),
            Self::Sweep(asked) | Self::Barrier(asked) => asked.decide(Err(fault)),
        }
    }
}

/// A reservation command with what makes it happen at most once and not too late.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// The same for every repeat.
    pub request_id: String,
    /// Stands for what is asked, so that a reused `request_id` is noticed.
    pub fingerprint: [u8; 16],
    /// What is asked.
    pub command: ReservaCommand,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

/// A reservation that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// The reserva as it was made.
    pub reserva: Reserva,
    /// Name of the posto when it was made.
    pub nome: String,
}

/// Which reserva to cancel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CancelTarget {
    /// The one this request made.
    RequestId(String),
    /// The one with this number.
    Id(i64),
}

/// A cancellation.
#[derive(Debug, Clone)]
pub struct Cancellation {
    /// Which reserva.
    pub target: CancelTarget,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

/// A change by the operator, or by a charger.
#[derive(Debug, Clone)]
pub enum Edit {
    /// A new posto.
    CreatePosto(Posto),
    /// Other values for a posto; also in and out of service.
    ChangePosto(i64, PostoChange),
    /// A posto is no more.
    RemovePosto(i64),
    /// A carro starts charging.
    StartCarregamento {
        /// Where.
        posto_id: i64,
        /// Which carro.
        placa: Placa,
    },
    /// A carro has charged.
    FinishCarregamento {
        /// Where.
        posto_id: i64,
        /// Which session.
        id: i64,
        /// How much.
        energia_fornecida: Kwh,
    },
    /// The postos of an operator, with their ids, into a database that never had any.
    ImportPostos(Vec<(i64, Posto)>),
}

/// What a carro says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// Which carro.
    pub placa: Placa,
    /// Energy in its battery.
    pub nivel_bateria: NivelBateria,
    /// Its consumption, if said.
    pub taxa_descarga: Option<KwhPerKm>,
    /// Whether it is charging, if said.
    pub em_carregamento: Option<bool>,
}

/// Something that is different now, on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A posto's state may be another.
    Posto(i64),
    /// A reserva was made, cancelled, or has ended.
    Reserva(Reserva),
}
