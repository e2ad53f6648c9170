//! Promise 6: a listing is true at one moment between its request and its answer.

use std::collections::HashMap;

use super::run::Run;
use super::violations::{Kind, Violations};
use crate::history::{Call, Operation, Outcome, Window};

/// Holdings are indexed by the second, so that checking a long run stays fast.
const SECOND: i64 = 1000;

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    let listings: Vec<_> =
        run.calls.iter().filter(|call| matches!(call.operation, Operation::List)).collect();
    let (Some(begin), Some(end)) = (
        listings.iter().map(|call| call.started).min(),
        listings.iter().map(|call| call.ended).max(),
    ) else {
        return;
    };
    let holdings = Holdings::of(run, (begin, end + 1));
    for call in listings {
        if let Outcome::Postos { all, free } = &call.outcome {
            check_one(run, &holdings, call, all, free, violations);
        }
    }
}

fn check_one(
    run: &Run<'_>,
    holdings: &Holdings,
    call: &Call,
    all: &[i64],
    free: &[i64],
    violations: &mut Violations,
) {
    if all.len() != run.database.postos.len()
        || all.iter().any(|id| !run.database.postos.contains(id))
    {
        violations.add(Kind::FalseListing, format!("not the postos of the database: {call:?}"));
        return;
    }
    let around = holdings.around((call.started, call.ended));
    let mut moments = vec![call.started, call.ended];
    for Holding { certain, possible, .. } in &around {
        moments.extend([certain.0, certain.1, possible.0, possible.1]);
    }
    // Also one millisecond before and after: clocks were read between two milliseconds.
    let moments = moments.iter().flat_map(|at| [at.saturating_sub(1), *at, at.saturating_add(1)]);
    let mut moments = moments.filter(|at| (call.started..=call.ended).contains(at));
    let is_true_at = |at: i64| {
        all.iter().all(|posto_id| {
            let of_posto = || around.iter().filter(|holding| holding.posto_id == *posto_id);
            if free.contains(posto_id) {
                !of_posto().any(|holding| contains(holding.certain, at))
            } else {
                of_posto().any(|holding| contains(holding.possible, at))
            }
        })
    };
    if !moments.any(is_true_at) {
        violations.add(Kind::FalseListing, format!("{call:?}; holdings then: {around:?}"));
    }
}

/// When a posto was certainly not free, and when it may not have been: a reserva held it, a carro
/// charged there, or it was out of service.
#[derive(Debug, Clone)]
struct Holding {
    posto_id: i64,
    certain: Window,
    possible: Window,
}

struct Holdings(HashMap<i64, Vec<Holding>>);

impl Holdings {
    fn of(run: &Run<'_>, span: Window) -> Self {
        let mut by_second: HashMap<i64, Vec<Holding>> = HashMap::new();
        for holding in all(run) {
            let (begin, end) = (holding.possible.0.max(span.0), holding.possible.1.min(span.1));
            for second in begin.div_euclid(SECOND)..=end.div_euclid(SECOND) {
                by_second.entry(second).or_default().push(holding.clone());
            }
        }
        Self(by_second)
    }

    /// The holdings that touch an interval; some may be returned twice.
    fn around(&self, span: Window) -> Vec<&Holding> {
        let seconds = span.0.div_euclid(SECOND)..=span.1.div_euclid(SECOND);
        let found = seconds.filter_map(|second| self.0.get(&second)).flatten();
        found
            .filter(|holding| holding.possible.0 <= span.1 && span.0 <= holding.possible.1)
            .collect()
    }
}

fn all<'a>(run: &'a Run<'_>) -> impl Iterator<Item = Holding> + 'a {
    let held = run.held.values().flatten().map(|held| {
        let span = held.span;
        let (certain, possible) = (span.certain(), span.possible());
        Holding { posto_id: span.posto_id, certain, possible }
    });
    let charging = run.charges_at.iter().flat_map(|(posto_id, charges)| {
        charges.iter().map(|charge| Holding {
            posto_id: *posto_id,
            certain: (charge.begun_by, charge.fim()),
            possible: (charge.inicio(), charge.ended_by),
        })
    });
    let out = run.outs.iter().flat_map(|(posto_id, outs)| {
        outs.iter().map(|out| Holding {
            posto_id: *posto_id,
            certain: out.certain,
            possible: out.possible,
        })
    });
    held.chain(charging).chain(out)
}

fn contains(window: Window, at: i64) -> bool {
    window.0 <= at && at < window.1
}
