//! Promises 2, 3 and 4: what was promised is there, once, and in time; and nothing else is.

use std::collections::{HashMap, HashSet};

use super::{Asked, Call, Kind, Outcome, Row, Run, Violations};

/// Refusals that are stored and given again; the others are of the moment.
const FINAL: [&str; 4] = [
    "posto_inexistente",
    "posto_ja_reservado_para_este_carro",
    "posto_reservado",
    "requisicao_invalida",
];

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    for (request_id, attempts) in &run.attempts {
        answers_agree(request_id, attempts, violations);
        effect_fits(run, request_id, attempts, violations);
    }
    every_sucesso_is_there(run, violations);
    for row in &run.database.reservas {
        row_is_whole(run, row, violations);
        cancellation_was_asked(run, row, violations);
    }
    no_row_unasked(run, violations);
}

/// Every definite answer to one request is the same.
fn answers_agree(request_id: &str, attempts: &[&Call], violations: &mut Violations) {
    let definite: HashSet<String> = attempts
        .iter()
        .filter_map(|call| match &call.outcome {
            Outcome::Reserva(reserva) => Some(format!("{} {:?}", reserva.id, reserva.window)),
            Outcome::Refused(codigo) if FINAL.contains(&codigo.as_str()) => Some(codigo.clone()),
            _ => None,
        })
        .collect();
    if definite.len() > 1 {
        violations.add(Kind::NotOnce, format!("{request_id} was answered {definite:?}"));
    }
}

/// A request has its effect only if no answer denied it, and before its caller stopped waiting.
fn effect_fits(run: &Run<'_>, request_id: &str, attempts: &[&Call], violations: &mut Violations) {
    let Some(row) = run.row_of.get(request_id) else { return };
    let possible = attempts
        .iter()
        .any(|call| call.outcome.is_unknown() || matches!(call.outcome, Outcome::Reserva(_)));
    if attempts.iter().any(|call| run.was_forgotten(call, row.created_at)) {
        return;
    }
    if !possible {
        violations.add(Kind::RefusedYetDone, format!("{attempts:?}, yet {row:?}"));
    } else if !run.may_have_acted(attempts, row.created_at) {
        violations.add(Kind::TooLate, format!("{row:?} by {attempts:?}"));
    }
}

/// What any answer showed is on disk, the same.
fn every_sucesso_is_there(run: &Run<'_>, violations: &mut Violations) {
    for call in run.calls {
        let (Outcome::Reserva(shown), Some(request_id)) = (&call.outcome, &call.request_id) else {
            continue;
        };
        let Some(row) = run.row_of.get(request_id.as_str()) else {
            violations.add(Kind::SucessoLost, format!("{call:?}"));
            continue;
        };
        let same = row.id == shown.id
            && row.posto_id == shown.posto_id
            && row.placa == shown.placa
            && row.window == shown.window;
        let still =
            shown.status != "cancelada" || row.cancelled_at().is_some_and(|at| at <= call.ended);
        if !same || !still {
            violations.add(Kind::SucessoLost, format!("{call:?}, but on disk {row:?}"));
        }
        let asked = match &call.asked {
            Asked::Reserve { placa, posto_id, .. } => {
                *placa == row.placa && *posto_id == row.posto_id
            }
            _ => true,
        };
        if !asked {
            violations.add(Kind::NotAskedFor, format!("{call:?} made {row:?}"));
        }
    }
}

/// A reserva comes with its carro and with the answer that is kept for repeats.
fn row_is_whole(run: &Run<'_>, row: &Row, violations: &mut Violations) {
    let database = run.database;
    let whole = database.requests.get(&row.request_id) == Some(&None)
        && database.carros.contains(&row.placa)
        && database.postos.contains(&row.posto_id);
    if !whole {
        violations.add(Kind::HalfDone, format!("{row:?}"));
    }
}

fn cancellation_was_asked(run: &Run<'_>, row: &Row, violations: &mut Violations) {
    let Some(at) = row.cancelled_at() else { return };
    let of_this = |call: &&&Call| call.request_id.as_deref() == Some(row.request_id.as_str());
    let cancels = run.calls.iter().filter(|call| matches!(call.asked, Asked::Cancel));
    let asked: Vec<&Call> = cancels.filter(of_this).copied().collect();
    let may_be_done =
        |call: &&Call| call.outcome.is_unknown() || matches!(call.outcome, Outcome::Reserva(_));
    if asked.iter().any(|call| run.was_forgotten(call, at)) {
        return;
    }
    if asked.is_empty() {
        violations.add(Kind::NotAskedFor, format!("nobody cancelled {row:?}"));
    } else if !asked.iter().any(may_be_done) {
        violations.add(Kind::RefusedYetDone, format!("{row:?} cancelled by {asked:?}"));
    } else if !run.may_have_acted(&asked, at) {
        violations.add(Kind::TooLate, format!("{row:?} cancelled by {asked:?}"));
    }
}

/// Every row is some call's; without a known request, by its placa, which is then no one else's.
fn no_row_unasked(run: &Run<'_>, violations: &mut Violations) {
    let lost: HashMap<&str, &Call> = run
        .calls
        .iter()
        .filter(|call| call.request_id.is_none() && call.outcome.is_unknown())
        .filter_map(|call| match &call.asked {
            Asked::Reserve { placa, .. } => Some((placa.as_str(), *call)),
            _ => None,
        })
        .collect();
    let mut claimed: HashSet<&str> = HashSet::new();
    for row in &run.database.reservas {
        if run.attempts.contains_key(row.request_id.as_str()) {
            continue;
        }
        match lost.get(row.placa.as_str()) {
            None => violations.add(Kind::NotAskedFor, format!("{row:?}")),
            Some(call) if !claimed.insert(&row.placa) => {
                violations.add(Kind::NotOnce, format!("{row:?} is the second of {call:?}"));
            }
            Some(call) if !run.may_have_acted(&[call], row.created_at) => {
                violations.add(Kind::TooLate, format!("{row:?} by {call:?}"));
            }
            Some(_) => {}
        }
    }
}
