//! Promise 1: no posto is held twice, and no carro has more reservas than it may have.

use super::run::{Run, overlap};
use super::timelines::{Held, Timeline};
use super::violations::{Kind, Violations};

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    for (posto_id, held) in &run.held {
        for (index, one) in held.iter().enumerate() {
            let later = held[index + 1..]
                .iter()
                .take_while(|later| later.span.window.0 < one.span.window.1);
            for other in later.filter(|other| held_together(one, other)) {
                violations.add(Kind::HeldTwice, format!("posto {posto_id}: {one:?} and {other:?}"));
            }
        }
    }
    if run.conditions.por_carro > 0 {
        run.timelines.iter().for_each(|timeline| has_not_too_many(run, timeline, violations));
    }
}

/// Whether two reservas had overlapping intervals at the same time.
fn held_together(one: &Held<'_>, other: &Held<'_>) -> bool {
    let lifetime = |held: &Held<'_>| (held.span.from.recorded, held.span.until.recorded);
    one.row.request_id != other.row.request_id
        && overlap(one.span.window, other.span.window)
        && overlap(lifetime(one), lifetime(other))
}

/// What its carro certainly had when it was made is fewer than the rule allows.
fn has_not_too_many(run: &Run<'_>, timeline: &Timeline<'_>, violations: &mut Violations) {
    let (at, placa) = (timeline.row.created_at, timeline.row.placa.as_str());
    let all =
        run.timelines_of_placa.get(placa).into_iter().flatten().map(|index| &run.timelines[*index]);
    let others: Vec<&str> = all
        .filter(|other| other.row.request_id != timeline.row.request_id && other.counted_at(at))
        .map(|other| other.row.request_id.as_str())
        .collect();
    if others.len() >= run.conditions.por_carro {
        violations.add(Kind::OverLimit, format!("{:?} besides {others:?}", timeline.row));
    }
}
