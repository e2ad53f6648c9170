//! Checks that what the drivers saw, what clients were sent and what is on disk keep the promises.
//!
//! The model: a reserva holds its posto during its window, from its creation until its
//! cancellation, until its carro leaves, or until its carro is absent. All times are milliseconds of
//! the wall clock, which drivers and servidores of a run share. Where the order of two events is
//! unknown, the checker assumes the one that keeps the promises, so every violation it reports is
//! one.

mod absence;
mod changes;
mod events;
mod holding;
mod listings;
mod money;
mod refusals;
mod requests;
mod run;
mod service;
mod sessions;
mod states;
#[cfg(test)]
mod tests;
mod timelines;
mod violations;

use std::collections::BTreeMap;

pub(crate) use refusals::TEMPORARY;
use run::Run;
use violations::Violations;
pub(crate) use violations::{Conditions, Kind, Violation};

use super::evidence::Evidence;
use super::history::{Call, Outcome, PrivateEvent};

/// Every broken promise of a run. Without a listener nothing is known of what was published.
pub(crate) fn check(
    history: &[Call],
    published: Option<&[PrivateEvent]>,
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
        if let Some(published) = published {
            let published: Vec<&PrivateEvent> =
                published.iter().filter(|published| published.server_id == *server_id).collect();
            events::check(&run, &published, &mut violations);
        }
    }
    violations.into_found()
}
