//! Promise 9: prices stay as agreed, and what something costs is computed with whole numbers.

use super::run::Run;
use super::violations::{Kind, Violations};
use crate::evidence::SessionRow;
use crate::history::{Call, Micros, Operation, Outcome, Reserva};

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    for row in &run.database.sessions {
        of_session(run, row, violations);
    }
    for call in run.calls {
        if let Outcome::Reserva(shown) = &call.outcome {
            of_answer(run, call, shown, violations);
        }
    }
}

fn of_session(run: &Run<'_>, row: &SessionRow, violations: &mut Violations) {
    let session = &row.session;
    let reserva = row.reserva_id.and_then(|id| run.row_by_id.get(&id));
    if reserva.is_some_and(|reserva| reserva.placa != session.placa) {
        violations.add(Kind::WrongState, format!("{row:?} of {reserva:?}"));
    }
    if reserva.is_some_and(|reserva| reserva.preco != session.preco) {
        violations.add(Kind::WrongAmount, format!("{row:?} of {reserva:?}"));
    }
    let Some(finished) = session.finished else { return };
    if finished.custo != cost(session.preco, finished.energia) {
        violations.add(Kind::WrongAmount, format!("{row:?}"));
    }
}

/// What is answered agrees with itself, and with the reserva for as long as nobody changes it.
fn of_answer(run: &Run<'_>, call: &Call, shown: &Reserva, violations: &mut Violations) {
    if shown.estimativa.is_none() && matches!(call.operation, Operation::Reserve { .. }) {
        violations.add(Kind::WrongAmount, format!("without an estimate: {call:?}"));
    }
    if let Some(estimate) = &shown.estimativa {
        let is_exact = estimate.preco == shown.preco
            && estimate.custo == cost(estimate.preco, estimate.energia);
        if !is_exact {
            violations.add(Kind::WrongAmount, format!("{call:?}"));
        }
    }
    let row = call.request_id.as_deref().and_then(|id| run.row_of.get(id));
    // A move keeps the price.
    let kept = row.filter(|row| row.changes.iter().all(|change| change.change_id.is_none()));
    if kept.is_some_and(|row| row.preco != shown.preco) {
        violations.add(Kind::WrongAmount, format!("{call:?}, but on disk {row:?}"));
    }
}

/// What energy costs, in millionths of a real: whole centavos, half a centavo up.
fn cost(preco: Micros, energia: Micros) -> Micros {
    const CENTAVO: Micros = 10_000;
    // Both are millionths, so their product is millionths of millionths.
    let centavo = CENTAVO * 1_000_000;
    (preco * energia + centavo / 2).div_euclid(centavo) * CENTAVO
}
