//! Promises 2, 3 and 4: what was confirmed is on disk, once and in time, and nothing else is.

use std::collections::{HashMap, HashSet};

use super::run::{Run, may_be_done};
use super::violations::{Kind, Violations};
use crate::evidence::ReservaRow;
use crate::history::{Call, Disposition, Operation, Outcome, Reserva};

/// Refusals that are stored and repeated; all others are temporary.
const FINAL: [&str; 7] = [
    "limite_de_reservas",
    "posto_em_manutencao",
    "posto_indisponivel",
    "posto_inexistente",
    "posto_ja_reservado_para_este_carro",
    "posto_reservado",
    "requisicao_invalida",
];

/// In these a reserva stays.
pub(super) const FINAL_STATES: [&str; 4] = ["cancelada", "nao_compareceu", "encerrada", "cumprida"];

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    for (request_id, attempts) in &run.attempts {
        answers_agree(request_id, attempts, violations);
        effect_fits(run, request_id, attempts, violations);
    }
    every_sucesso_is_on_disk(run, violations);
    for (request_id, shown) in &run.shown {
        if let Some(row) = run.row_of.get(request_id) {
            grows(run, row, shown, violations);
        }
    }
    for row in &run.database.reservas {
        reserva_is_complete(run, row, violations);
        cancellation_was_requested(run, row, violations);
    }
    every_reserva_was_requested(run, violations);
}

/// Every definite answer to one request is the same, whatever became of the reserva since.
fn answers_agree(request_id: &str, attempts: &[&Call], violations: &mut Violations) {
    let definite: HashSet<String> = attempts
        .iter()
        .filter_map(|call| match &call.outcome {
            Outcome::Reserva(reserva) => Some(format!("{reserva:?}")),
            Outcome::Refused(codigo) if FINAL.contains(&codigo.as_str()) => Some(codigo.clone()),
            _ => None,
        })
        .collect();
    if definite.len() > 1 {
        violations.add(Kind::NotOnce, format!("{request_id} was answered {definite:?}"));
    }
}

/// A request has its effect only if no answer refused it, and before its caller stopped waiting.
fn effect_fits(run: &Run<'_>, request_id: &str, attempts: &[&Call], violations: &mut Violations) {
    let Some(row) = run.row_of.get(request_id) else { return };
    let possible = attempts.iter().any(|call| may_be_done(call));
    if attempts.iter().any(|call| run.was_forgotten(call, row.created_at)) {
        return;
    }
    if !possible {
        violations.add(Kind::RefusedYetDone, format!("{attempts:?}, yet {row:?}"));
    } else if !run.may_have_acted(attempts, row.created_at) {
        violations.add(Kind::TooLate, format!("{row:?} by {attempts:?}"));
    }
}

/// Every reserva that an answer showed is on disk, with the same fields.
fn every_sucesso_is_on_disk(run: &Run<'_>, violations: &mut Violations) {
    for call in run.calls {
        let (Outcome::Reserva(shown), Some(request_id)) = (&call.outcome, &call.request_id) else {
            continue;
        };
        let Some(row) = run.row_of.get(request_id.as_str()) else {
            violations.add(Kind::SucessoLost, format!("{call:?}"));
            continue;
        };
        let first = row.first();
        let same = row.id == shown.id
            && row.placa == shown.placa
            && match &call.operation {
                Operation::Reserve { .. } => {
                    first.posto_id == shown.posto_id && first.window == shown.window
                }
                _ => was_so(run, row, call, shown),
            };
        let still = row.cancelled_at().is_some_and(|at| at <= call.ended);
        if !same || shown.status == "cancelada" && !still {
            violations.add(Kind::SucessoLost, format!("{call:?}, but on disk {row:?}"));
        }
        let as_asked = match &call.operation {
            Operation::Reserve { placa, posto_id, .. } => {
                *placa == row.placa && *posto_id == first.posto_id
            }
            _ => true,
        };
        if !as_asked {
            violations.add(Kind::NotAskedFor, format!("{call:?} made {row:?}"));
        }
    }
}

/// Whether the reserva may have had this posto and this interval at some moment of the call.
fn was_so(run: &Run<'_>, row: &ReservaRow, call: &Call, shown: &Reserva) -> bool {
    let Some(timeline) = run.timeline(Some(&row.request_id)) else { return false };
    let since = match &call.operation {
        // A repeat gets the first answer.
        Operation::Change { change_id, .. } => {
            run.changes.get(change_id.as_str()).and_then(|calls| calls.first())
        }
        _ => None,
    };
    let since = since.map_or(call.started, |first| first.started);
    let intervals = timeline
        .spans
        .iter()
        .filter(|span| (span.posto_id, span.agreed) == (shown.posto_id, shown.window));
    let next = |at: i64| row.changes.iter().find(|change| change.at > at);
    intervals.clone().any(|span| {
        // What ended it may be shown; only another interval may not be hidden.
        let until = next(span.from.recorded).map_or(i64::MAX, |_| span.until.latest);
        span.from.earliest <= call.ended && since <= until
    })
}

/// Who asks later sees nothing older, and what was final is so on disk.
fn grows(
    run: &Run<'_>,
    row: &ReservaRow,
    shown: &[(&Call, &Reserva)],
    violations: &mut Violations,
) {
    // A servidor that is killed before it has recorded an absence has the carro wait anew.
    let is_undone = |call: &Call, seen: &Reserva| {
        seen.status == "nao_compareceu" && run.outages.iter().any(|out| call.started <= out.1)
    };
    for (call, reserva) in shown.iter().filter(|(call, reserva)| !is_undone(call, reserva)) {
        let older = shown
            .iter()
            .find(|(later, other)| call.ended < later.started && other.versao < reserva.versao);
        if let Some((later, _)) = older {
            violations.add(Kind::WrongState, format!("{later:?} after {call:?}"));
        }
        let is_final = FINAL_STATES.contains(&reserva.status.as_str());
        if is_final && reserva.status != row.status && !is_recorded_later(run, row, call, reserva) {
            violations.add(Kind::WrongState, format!("{call:?}, but on disk {row:?}"));
        }
    }
}

/// What is due by the clock is shown at once, and recorded by a sweep some moments later: perhaps only
/// after a backup.
fn is_recorded_later(run: &Run<'_>, row: &ReservaRow, call: &Call, shown: &Reserva) -> bool {
    let due = match shown.status.as_str() {
        "encerrada" => row.window.1,
        // At the earliest.
        "nao_compareceu" => row.window.0.saturating_add(row.tolerancia),
        _ => return false,
    };
    let recorded_by = call.ended.saturating_add(run.conditions.sweep);
    row.status == "ativa" && due <= call.ended && run.database.read_at <= recorded_by
}

/// A reserva is stored together with its carro and with the answer for repeats.
fn reserva_is_complete(run: &Run<'_>, row: &ReservaRow, violations: &mut Violations) {
    let database = run.database;
    let complete = database.requests.get(&row.request_id) == Some(&None)
        && database.carros.contains(&row.placa)
        && database.postos.contains(&row.posto_id);
    if !complete {
        violations.add(Kind::HalfDone, format!("{row:?}"));
    }
}

fn cancellation_was_requested(run: &Run<'_>, row: &ReservaRow, violations: &mut Violations) {
    let Some(at) = row.cancelled_at() else { return };
    let mut attempts = run.cancels.get(row.request_id.as_str()).cloned().unwrap_or_default();
    attempts.extend(run.taking_out(Disposition::Cancel, row.posto_id));
    if attempts.iter().any(|call| run.was_forgotten(call, at)) {
        return;
    }
    if attempts.is_empty() {
        violations.add(Kind::NotAskedFor, format!("nobody cancelled {row:?}"));
    } else if !attempts.iter().any(|call| may_be_done(call)) {
        violations.add(Kind::RefusedYetDone, format!("{row:?} cancelled by {attempts:?}"));
    } else if !run.may_have_acted(&attempts, at) {
        violations.add(Kind::TooLate, format!("{row:?} cancelled by {attempts:?}"));
    }
}

/// Every reserva belongs to a call. A call without a known request_id is found by its placa, which
/// no other call uses.
fn every_reserva_was_requested(run: &Run<'_>, violations: &mut Violations) {
    let unanswered: HashMap<&str, &Call> = run
        .calls
        .iter()
        .filter(|call| call.request_id.is_none() && call.outcome.is_unknown())
        .filter_map(|call| match &call.operation {
            Operation::Reserve { placa, .. } => Some((placa.as_str(), *call)),
            _ => None,
        })
        .collect();
    let mut claimed: HashSet<&str> = HashSet::new();
    for row in &run.database.reservas {
        if run.attempts.contains_key(row.request_id.as_str()) {
            continue;
        }
        match unanswered.get(row.placa.as_str()) {
            None => violations.add(Kind::NotAskedFor, format!("{row:?}")),
            Some(call) if !claimed.insert(&row.placa) => {
                violations.add(Kind::NotOnce, format!("{row:?} is a second effect of {call:?}"));
            }
            Some(call) if !run.may_have_acted(&[call], row.created_at) => {
                violations.add(Kind::TooLate, format!("{row:?} by {call:?}"));
            }
            Some(_) => {}
        }
    }
}
