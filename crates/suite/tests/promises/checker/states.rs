//! Promises 5 and 7: the state of a reserva follows from what happened at its posto.

use super::run::Run;
use super::timelines::Timeline;
use super::violations::{Kind, Violations};

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    for timeline in &run.timelines {
        ended_in_time(run, timeline, violations);
        fulfilled_as_charged(run, timeline, violations);
        absent_as_due(run, timeline, violations);
        holds_as_it_says(timeline, violations);
    }
}

fn ended_in_time(run: &Run<'_>, timeline: &Timeline<'_>, violations: &mut Violations) {
    let (row, read_at) = (timeline.row, run.database.read_at);
    let ended = row.window.1;
    match row.status.as_str() {
        "ativa" if ended.saturating_add(run.conditions.sweep) < read_at => {
            violations.add(Kind::WrongEnd, format!("read at {read_at}, still active: {row:?}"));
        }
        "encerrada" if row.updated_at < ended => {
            violations.add(Kind::WrongEnd, format!("ended early: {row:?}"));
        }
        "ativa" | "encerrada" | "cumprida" | "nao_compareceu" | "cancelada" => {}
        _ => violations.add(Kind::WrongState, format!("{row:?}")),
    }
}

/// It is `cumprida` if its carro charged there, and frees its posto when the carro leaves.
fn fulfilled_as_charged(run: &Run<'_>, timeline: &Timeline<'_>, violations: &mut Violations) {
    let row = timeline.row;
    let Some(fulfilment) = timeline.fulfilment else {
        if row.status == "cumprida" {
            violations.add(Kind::WrongState, format!("nobody charged: {row:?}"));
        }
        if row.livre_desde.is_some() {
            violations.add(Kind::WrongState, format!("nobody left: {row:?}"));
        }
        return;
    };
    let charge = fulfilment.charge;
    if row.status != "cumprida" {
        // What was due before the end of the run may be recorded after it.
        let is_recorded = fulfilment.recorded_by < run.database.read_at;
        if fulfilment.is_certain && is_recorded {
            violations.add(Kind::WrongState, format!("its carro charged: {row:?}, {charge:?}"));
        }
        return;
    }
    let left = charge.fim();
    let is_early = left < row.window.1;
    match row.livre_desde {
        None if left < i64::MAX => {
            violations.add(Kind::HeldByNobody, format!("{row:?} after {charge:?}"));
        }
        Some(free) if free != left && (is_early || free < row.window.1) => {
            violations.add(Kind::WrongState, format!("free at {free}: {row:?}, {charge:?}"));
        }
        _ => {}
    }
}

fn absent_as_due(run: &Run<'_>, timeline: &Timeline<'_>, violations: &mut Violations) {
    let (row, absence) = (timeline.row, timeline.absence);
    if row.tolerancia != run.conditions.tolerancia {
        violations.add(Kind::WrongState, format!("another tolerance: {row:?}"));
    }
    if row.status == "nao_compareceu" {
        if !(absence.earliest..=absence.latest).contains(&row.desde) {
            violations.add(Kind::WrongEnd, format!("absent, due at {absence:?}: {row:?}"));
        }
        return;
    }
    // Whatever else became of it did so before.
    let until = match (row.status.as_str(), timeline.fulfilment) {
        ("cancelada", _) => row.desde,
        ("cumprida", Some(fulfilment)) => fulfilment.charge.inicio(),
        ("cumprida", None) => return,
        _ => run.database.read_at.saturating_sub(run.conditions.sweep),
    };
    if absence.latest < until {
        let due = absence.latest;
        violations.add(Kind::HeldByNobody, format!("its carro was absent at {due}: {row:?}"));
    }
}

/// The interval that the schema guards is the one that the state says.
fn holds_as_it_says(timeline: &Timeline<'_>, violations: &mut Violations) {
    let row = timeline.row;
    let until = match row.status.as_str() {
        "cancelada" | "nao_compareceu" => None,
        // Nothing once its carro has left.
        _ => Some(row.window.1).filter(|_| row.livre_desde.is_none()),
    };
    if until != row.held_until {
        violations.add(Kind::HalfDone, format!("it should hold until {until:?}: {row:?}"));
    }
}
