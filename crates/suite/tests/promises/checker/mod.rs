//! Does what the drivers saw, together with what is on disk, keep the promises?
//!
//! The model is simple: a reserva holds its posto during its window, from the moment it was made
//! until it was cancelled. Times are milliseconds of one wall clock, which the drivers and the
//! servidores of a run share. Where an order cannot be known, the checker gives the system the
//! benefit of the doubt; it never reports what may have been right.

mod holding;
mod listings;
mod refusals;
mod requests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use super::evidence::{Database, Evidence, Row};
use super::history::{Asked, Call, Outcome, Window};

/// What the checker must know of the run.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// The gateways' time limit for commands, in milliseconds.
    pub(crate) command_limit: i64,
    /// By how much the faults of the run may hold back a command on its way to the broker, where
    /// no expiry is counted yet, in milliseconds; and what clocks and rounding may differ by.
    pub(crate) slack: i64,
    /// How long after its end a reserva may stay unmarked, in milliseconds.
    pub(crate) sweep: i64,
    /// When each servidor was killed: it forgets then which commands it denied for the moment.
    pub(crate) kills: BTreeMap<String, Vec<i64>>,
}

/// A kind of broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Two reservas held one posto at one moment.
    HeldTwice,
    /// A `sucesso` was given and is not on disk, or not so.
    SucessoLost,
    /// One request had two effects, or got two answers.
    NotOnce,
    /// Something was carried out after its caller had stopped waiting.
    TooLate,
    /// A request was refused, and carried out.
    RefusedYetDone,
    /// A request is on disk in part.
    HalfDone,
    /// A refusal that nothing justified at any moment of the call.
    RefusedWrongly,
    /// A listing that was true at no moment of its call.
    FalseListing,
    /// Something on disk that nobody asked for, or that was asked of another servidor.
    NotAskedFor,
    /// A reserva whose end was not noticed, or noticed early.
    WrongEnd,
    /// An answer that means nothing.
    Nonsense,
}

/// One broken promise, with what shows it.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    pub(crate) what: String,
}

/// Everything that is wrong with a run.
pub(crate) fn check(history: &[Call], evidence: &Evidence, terms: &Terms) -> Vec<Violation> {
    let mut violations = Violations::default();
    let mut servers: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in history {
        servers.entry(&call.server_id).or_default().push(call);
        if let Outcome::Nonsense(what) = &call.outcome {
            violations.add(Kind::Nonsense, what);
        }
    }
    for (server_id, database) in evidence {
        let calls = servers.remove(server_id.as_str()).unwrap_or_default();
        let run = Run::new(server_id, &calls, database, terms);
        holding::check(&run, &mut violations);
        requests::check(&run, &mut violations);
        refusals::check(&run, &mut violations);
        listings::check(&run, &mut violations);
    }
    violations.0
}

#[derive(Default)]
struct Violations(Vec<Violation>);

impl Violations {
    fn add(&mut self, kind: Kind, what: impl std::fmt::Display) {
        self.0.push(Violation { kind, what: what.to_string() });
    }
}

/// One servidor's part of the run, with what is looked up again and again.
struct Run<'a> {
    calls: &'a [&'a Call],
    database: &'a Database,
    terms: &'a Terms,
    kills: &'a [i64],
    row_of: HashMap<&'a str, &'a Row>,
    rows_of_posto: HashMap<i64, Vec<&'a Row>>,
    /// Reservation attempts by request, in order of their start.
    attempts: HashMap<&'a str, Vec<&'a Call>>,
    /// When someone first knew that a reserva is there, and that it is cancelled.
    made_by: HashMap<&'a str, i64>,
    cancelled_by: HashMap<&'a str, i64>,
}

impl<'a> Run<'a> {
    fn new(
        server_id: &str,
        calls: &'a [&'a Call],
        database: &'a Database,
        terms: &'a Terms,
    ) -> Self {
        let mut run = Self {
            calls,
            database,
            terms,
            kills: terms.kills.get(server_id).map_or(&[], Vec::as_slice),
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
        if matches!(call.asked, Asked::Reserve { .. }) {
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
            // What took the call had sent its command by then, or never did.
            Outcome::Broken => call.ended + self.terms.command_limit,
            _ => call.ended,
        };
        last + self.terms.slack
    }

    /// Whether a call was denied for the moment by a servidor that was killed before the copy of
    /// its command came which had the effect at `moment`: the one limit of that denial.
    fn was_forgotten(&self, call: &Call, moment: i64) -> bool {
        let denied =
            matches!(&call.outcome, Outcome::Refused(why) if why == "servidor_indisponivel");
        denied
            && moment <= call.started + self.terms.command_limit + self.terms.slack
            && self.kills.iter().any(|kill| call.started <= *kill && *kill <= moment)
    }

    /// Whether one of `calls` may have had an effect at `moment`.
    fn may_have_acted(&self, calls: &[&Call], moment: i64) -> bool {
        calls.iter().any(|call| call.started <= moment && moment <= self.deadline(call))
    }
}

fn earliest(known: &mut i64, moment: i64) {
    *known = (*known).min(moment);
}

fn overlap(one: Window, other: Window) -> bool {
    one.0 < other.1 && other.0 < one.1
}
