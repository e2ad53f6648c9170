//! One servidor's part of a run, indexed for the checks, and the violations they find.

use std::collections::{BTreeMap, HashMap};

use crate::evidence::{Database, ReservaRow};
use crate::history::{Call, Operation, Outcome, Window};

/// What the checker must know about the conditions of a run.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    /// The gateways' time limit for commands, in milliseconds.
    pub(crate) command_limit: i64,
    /// How long the faults of the run may delay a command before the broker has it and counts its
    /// expiry, plus the error of clocks and rounding, in milliseconds.
    pub(crate) slack: i64,
    /// How long after its `fim` a reserva may still be marked `ativa`, in milliseconds.
    pub(crate) sweep: i64,
    /// When each servidor was killed, and so forgot its recent failures.
    pub(crate) kills: BTreeMap<String, Vec<i64>>,
}

/// A kind of broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Two reservas held one posto at the same time.
    HeldTwice,
    /// A `sucesso` was answered, and is not on disk or differs there.
    SucessoLost,
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

pub(super) struct Run<'a> {
    pub(super) calls: &'a [&'a Call],
    pub(super) database: &'a Database,
    pub(super) conditions: &'a Conditions,
    kills: &'a [i64],
    pub(super) row_of: HashMap<&'a str, &'a ReservaRow>,
    pub(super) rows_of_posto: HashMap<i64, Vec<&'a ReservaRow>>,
    /// Reservation attempts by request, in order of their start.
    pub(super) attempts: HashMap<&'a str, Vec<&'a Call>>,
    /// By request: end of the first call that showed the reserva, and that showed it as cancelled.
    pub(super) made_by: HashMap<&'a str, i64>,
    pub(super) cancelled_by: HashMap<&'a str, i64>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        server_id: &str,
        calls: &'a [&'a Call],
        database: &'a Database,
        conditions: &'a Conditions,
    ) -> Self {
        let mut run = Self {
            calls,
            database,
            conditions,
            kills: conditions.kills.get(server_id).map_or(&[], Vec::as_slice),
            row_of: database.reservas.iter().map(|row| (row.request_id.as_str(), row)).collect(),
            rows_of_posto: HashMap::new(),
            attempts: HashMap::new(),
            made_by: HashMap::new(),
            cancelled_by: HashMap::new(),
        };
        for row in &database.reservas {
            run.rows_of_posto.entry(row.posto_id).or_default().push(row);
        }
        for call in calls {
            run.note(call);
        }
        for attempts in run.attempts.values_mut() {
            attempts.sort_by_key(|call| call.started);
        }
        run
    }

    fn note(&mut self, call: &'a Call) {
        let Some(request_id) = call.request_id.as_deref() else { return };
        if matches!(call.operation, Operation::Reserve { .. }) {
            self.attempts.entry(request_id).or_default().push(call);
        }
        if let Outcome::Reserva(reserva) = &call.outcome {
            earliest(self.made_by.entry(request_id).or_insert(call.ended), call.ended);
            if reserva.status == "cancelada" {
                earliest(self.cancelled_by.entry(request_id).or_insert(call.ended), call.ended);
            }
        }
    }

    /// The last moment at which a call may have had its effect.
    fn deadline(&self, call: &Call) -> i64 {
        let last = match call.outcome {
            // A gateway that took the call had sent its command by then, or never did.
            Outcome::Broken => call.ended + self.conditions.command_limit,
            _ => call.ended,
        };
        last + self.conditions.slack
    }

    /// Whether the effect at `moment` is that of a copy of a command that had failed: the servidor
    /// was killed between the two, and recent failures are only kept in memory.
    pub(super) fn was_forgotten(&self, call: &Call, moment: i64) -> bool {
        let failed =
            matches!(&call.outcome, Outcome::Refused(why) if why == "servidor_indisponivel");
        failed
            && moment <= call.started + self.conditions.command_limit + self.conditions.slack
            && self.kills.iter().any(|kill| call.started <= *kill && *kill <= moment)
    }

    /// Whether one of `calls` may have had an effect at `moment`.
    pub(super) fn may_have_acted(&self, calls: &[&Call], moment: i64) -> bool {
        calls.iter().any(|call| call.started <= moment && moment <= self.deadline(call))
    }
}

fn earliest(known: &mut i64, moment: i64) {
    *known = (*known).min(moment);
}

pub(super) fn overlap(one: Window, other: Window) -> bool {
    one.0 < other.1 && other.0 < one.1
}
