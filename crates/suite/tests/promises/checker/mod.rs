//! Checks that what the drivers saw, what clients were told and what is on disk keep the promises.
//!
//! The model: a reserva holds its posto during its window, from its creation until its
//! cancellation, until its carro leaves, or until its carro is absent. All times are milliseconds of
//! the wall clock, which drivers and servidores of a run share. Where the order of two events is
//! unknown, the checker assumes the one that keeps the promises, so every violation it reports is
//! one.

mod absence;
mod changes;
mod holding;
mod listings;
mod lives;
mod money;
mod refusals;
mod requests;
mod run;
mod service;
mod sessions;
mod states;
#[cfg(test)]
mod tests;
mod told;
mod violations;

use std::collections::BTreeMap;

use run::Run;
use violations::Violations;
pub(crate) use violations::{Conditions, Kind, Violation};

use super::evidence::Evidence;
use super::history::{Call, Outcome, Told};

/// Every broken promise of a run. Without a listener nothing is known of what was told.
pub(crate) fn check(
    history: &[Call],
    told: Option<&[Told]>,
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
        changes::check(&run, &mut violations);
        states::check(&run, &mut violations);
        sessions::check(&run, &mut violations);
        money::check(&run, &mut violations);
        refusals::check(&run, &mut violations);
        listings::check(&run, &mut violations);
        if let Some(told) = told {
            let told: Vec<&Told> =
                told.iter().filter(|told| told.server_id == *server_id).collect();
            told::check(&run, &told, &mut violations);
        }
    }
    violations.into_found()
}
