//! What the checker knows of a run beforehand, and what it finds.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::faults::{FaultRecord, MAX_LINK_DELAY};
use crate::history::Window;

/// What the checker must know about the conditions of a run. Times are in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    /// The gateways' time limit for commands.
    pub(crate) command_limit: i64,
    /// How long the faults of the run may delay a command before the broker has it and counts its
    /// expiry, plus the error of clocks and rounding.
    pub(crate) slack: i64,
    /// How long after an instant that time alone brings it may be unrecorded.
    pub(crate) sweep: i64,
    /// How late a carro may come; 0: there is no limit.
    pub(crate) tolerancia: i64,
    /// How many reservas a carro may have; 0: there is no limit.
    pub(crate) por_carro: usize,
    /// When each servidor was killed, and so forgot its recent failures.
    pub(crate) kills: BTreeMap<String, Vec<i64>>,
    /// From when until when each servidor did not run or was starting.
    pub(crate) outages: BTreeMap<String, Vec<Window>>,
    /// From when until when each servidor may have been unable to write.
    pub(crate) stalls: BTreeMap<String, Vec<Window>>,
    /// From when until when each servidor stood still.
    pub(crate) freezes: BTreeMap<String, Vec<Window>>,
    /// From when until when something stood still that events pass: the broker or a program.
    pub(crate) silences: Vec<Window>,
}

impl Conditions {
    /// Those of a run with these faults, time limit and tolerance.
    pub(crate) fn of(record: &FaultRecord, command_limit: Duration, tolerancia: Duration) -> Self {
        let slack = 2 * MAX_LINK_DELAY + Duration::from_millis(150);
        Self {
            command_limit: command_limit.as_millis() as i64,
            slack: slack.as_millis() as i64,
            sweep: 5_000,
            tolerancia: tolerancia.as_millis() as i64,
            por_carro: 3,
            kills: record.kills.clone(),
            outages: record.outages.clone(),
            stalls: record.stalls.clone(),
            freezes: record.freezes.clone(),
            silences: record.silences.clone(),
        }
    }
}

/// A kind of broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Two reservas held one posto at the same time.
    HeldTwice,
    /// A posto was held though its carro had left, or had not come in time.
    HeldByNobody,
    /// A carro charged where another held the posto, or where or while another session was open.
    ChargedWrongly,
    /// A carro got more reservas than it may have.
    OverLimit,
    /// A `sucesso` was answered, and is not on disk or differs there.
    SucessoLost,
    /// A state that does not follow from what happened, or was another one before.
    WrongState,
    /// One request had two effects or two different answers.
    NotOnce,
    /// An effect after the caller had stopped waiting.
    TooLate,
    /// A request was refused and yet had an effect.
    RefusedYetDone,
    /// A request is only partly on disk.
    HalfDone,
    /// A refusal that was justified at no moment of its call.
    RefusedWrongly,
    /// A listing that was true at no moment of its call.
    FalseListing,
    /// An effect that nobody requested, or that was requested from another servidor.
    NotAskedFor,
    /// A reserva that was marked as ended too early, or not at all.
    WrongEnd,
    /// A price or an amount that differs from what was agreed or from exact arithmetic.
    WrongAmount,
    /// A change of a reserva was not published for its client.
    NotPublished,
    /// What was published for a client is not true.
    PublishedFalsely,
    /// An answer that cannot be read.
    Malformed,
}

/// One broken promise, and the evidence for it.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    pub(crate) what: String,
}

#[derive(Default)]
pub(super) struct Violations(Vec<Violation>);

impl Violations {
    pub(super) fn into_found(self) -> Vec<Violation> {
        self.0
    }

    pub(super) fn add(&mut self, kind: Kind, what: impl std::fmt::Display) {
        self.0.push(Violation { kind, what: what.to_string() });
    }
}
