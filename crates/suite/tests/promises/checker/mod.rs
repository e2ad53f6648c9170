//! Checks that what the drivers saw and what is on disk keep the promises.
//!
//! The model: a reserva holds its posto during its window, from its creation until its
//! cancellation. All times are milliseconds of the wall clock, which drivers and servidores of a
//! run share. Where the order of two events is unknown, the checker assumes the one that keeps the
//! promises, so every violation it reports is one.

mod holding;
mod listings;
mod refusals;
mod requests;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(crate) use run::{Conditions, Kind, Violation};
use run::{Run, Violations};

use super::evidence::Evidence;
use super::history::{Call, Outcome};

/// Every broken promise of a run.
pub(crate) fn check(
    history: &[Call],
    evidence: &Evidence,
    conditions: &Conditions,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    let mut servers: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in history {
        servers.entry(&call.server_id).or_default().push(call);
        if let Outcome::Malformed(what) = &call.outcome {
            violations.add(Kind::Malformed, what);
        }
    }
    for (server_id, database) in evidence {
        let calls = servers.remove(server_id.as_str()).unwrap_or_default();
        let run = Run::new(server_id, &calls, database, conditions);
        holding::check(&run, &mut violations);
        requests::check(&run, &mut violations);
        refusals::check(&run, &mut violations);
        listings::check(&run, &mut violations);
    }
    violations.into_found()
}
