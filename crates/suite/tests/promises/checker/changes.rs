//! Changes and moves: each was requested, in time, and is what its answer says.

use super::run::{Run, may_be_done};
use super::violations::{Kind, Violations};
use crate::evidence::{Agreed, ReservaRow, RowChange};
use crate::history::{Call, Disposition, Operation, Outcome};

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    for row in &run.database.reservas {
        let mut from = row.first();
        for change in &row.changes {
            match &change.change_id {
                Some(change_id) => was_requested(run, row, change, change_id, violations),
                None => was_moved(run, row, from, change, violations),
            }
            from = change.to;
        }
        if from != (Agreed { posto_id: row.posto_id, window: row.window }) {
            violations.add(Kind::HalfDone, format!("not what it was changed to last: {row:?}"));
        }
    }
    for (change_id, attempts) in &run.changes {
        answers_agree(run, change_id, attempts, violations);
    }
    for call in run.services.values().flatten() {
        handled_are_on_disk(run, call, violations);
    }
}

fn was_requested(
    run: &Run<'_>,
    row: &ReservaRow,
    change: &RowChange,
    change_id: &str,
    violations: &mut Violations,
) {
    let attempts = run.changes.get(change_id).map_or(&[][..], Vec::as_slice);
    let of_this = |call: &&Call| call.request_id.as_deref() == Some(row.request_id.as_str());
    let Some(first) = attempts.iter().copied().find(of_this) else {
        return violations.add(Kind::NotAskedFor, format!("{change:?} of {row:?}"));
    };
    if attempts.iter().any(|call| run.was_forgotten(call, change.at)) {
        return;
    }
    if !attempts.iter().any(|call| may_be_done(call)) {
        violations.add(Kind::RefusedYetDone, format!("{attempts:?}, yet {change:?} of {row:?}"));
    } else if !run.may_have_acted(attempts, change.at) {
        violations.add(Kind::TooLate, format!("{change:?} by {attempts:?}"));
    }
    let Operation::Change { posto_id, inicio, fim, .. } = first.operation else { return };
    let (to_inicio, to_fim) = change.to.window;
    // What should have begun already begins at once.
    let as_asked = posto_id.is_none_or(|posto_id| posto_id == change.to.posto_id)
        && inicio.is_none_or(|inicio| inicio == to_inicio || inicio <= change.at)
        && fim.is_none_or(|fim| fim == to_fim);
    if !as_asked {
        violations.add(Kind::NotAskedFor, format!("{first:?} made {change:?}"));
    }
}

fn was_moved(
    run: &Run<'_>,
    row: &ReservaRow,
    from: Agreed,
    change: &RowChange,
    violations: &mut Violations,
) {
    let calls: Vec<&Call> = run.taking_out(Disposition::Move, from.posto_id).collect();
    let done: Vec<&Call> = calls.into_iter().filter(|call| may_be_done(call)).collect();
    if !run.may_have_acted(&done, change.at) || from.window != change.to.window {
        violations.add(Kind::NotAskedFor, format!("{change:?} of {row:?}"));
    }
}

/// Every definite answer to one request is the same, and the change is on disk.
fn answers_agree(run: &Run<'_>, change_id: &str, attempts: &[&Call], violations: &mut Violations) {
    let shown = attempts.iter().filter_map(|call| match &call.outcome {
        Outcome::Reserva(reserva) => Some((*call, reserva)),
        _ => None,
    });
    let mut shown = shown.peekable();
    let Some((call, reserva)) = shown.peek().copied() else { return };
    if shown.any(|(_, other)| other != reserva) {
        violations.add(Kind::NotOnce, format!("{change_id} was answered {attempts:?}"));
    }
    let Some(timeline) = run.timeline(call.request_id.as_deref()) else { return };
    let to = Agreed { posto_id: reserva.posto_id, window: reserva.window };
    let is_change = |change: &RowChange| change.change_id.as_deref() == Some(change_id);
    let changed = timeline.row.changes.iter().find(|change| is_change(change));
    // The same values are no change.
    let is_on_disk = match changed {
        Some(change) => change.to == to,
        None => timeline
            .spans
            .iter()
            .any(|span| (span.posto_id, span.agreed) == (to.posto_id, to.window)),
    };
    if !is_on_disk {
        violations.add(Kind::SucessoLost, format!("{call:?}, but on disk {:?}", timeline.row));
    }
}

/// What became of the reservas of a posto that was taken out of service is what the operator reads.
fn handled_are_on_disk(run: &Run<'_>, call: &Call, violations: &mut Violations) {
    let (Outcome::Served(handled), Operation::Serve { posto_id, .. }) =
        (&call.outcome, &call.operation)
    else {
        return;
    };
    let within = |at: i64| call.started <= at && at <= call.ended;
    for handled in handled {
        let Some(row) = run.row_by_id.get(&handled.id) else {
            violations.add(Kind::SucessoLost, format!("{handled:?} of {call:?}"));
            continue;
        };
        let is_true = match handled.resultado.as_str() {
            "movida" => row.changes.iter().any(|change| {
                change.change_id.is_none()
                    && change.to.posto_id == handled.posto_id
                    && within(change.at)
            }),
            "cancelada" => row.cancelled_at().is_some_and(within),
            "mantida" => handled.posto_id == *posto_id,
            _ => false,
        };
        if !is_true {
            violations.add(Kind::SucessoLost, format!("{handled:?} of {call:?}: {row:?}"));
        }
    }
}
