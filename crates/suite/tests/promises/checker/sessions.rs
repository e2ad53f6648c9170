//! Sessions: one at a time for a posto and a carro, where nobody else holds it.

use std::collections::HashMap;

use super::run::{Charge, Run, may_be_done};
use super::violations::{Kind, Violations};
use crate::evidence::SessionRow;
use crate::history::{Call, Operation, Outcome};

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    let mut charges: Vec<Charge<'_>> = run.charges_at.values().flatten().copied().collect();
    charges.sort_by_key(Charge::inicio);
    one_at_a_time(&charges, violations);
    let (arrivals, leavings) = calls(run);
    for charge in &charges {
        nobody_else_held(run, charge, violations);
        was_requested(run, charge, &arrivals, &leavings, violations);
    }
    let rows: HashMap<i64, &SessionRow> =
        run.database.sessions.iter().map(|row| (row.session.id, row)).collect();
    for call in run.calls {
        if let Outcome::Session(_) = call.outcome {
            is_on_disk(run, &rows, call, violations);
        }
    }
}

type Arrivals<'a> = HashMap<(&'a str, i64), Vec<&'a Call>>;
type Leavings<'a> = HashMap<i64, Vec<&'a Call>>;

fn calls<'a>(run: &Run<'a>) -> (Arrivals<'a>, Leavings<'a>) {
    let (mut arrivals, mut leavings) = (Arrivals::new(), Leavings::new());
    for call in run.calls {
        match &call.operation {
            Operation::Arrive { placa, posto_id } => {
                arrivals.entry((placa, *posto_id)).or_default().push(call);
            }
            Operation::Leave { session, .. } => leavings.entry(*session).or_default().push(call),
            _ => {}
        }
    }
    (arrivals, leavings)
}

fn one_at_a_time(charges: &[Charge<'_>], violations: &mut Violations) {
    let mut last_at: HashMap<i64, &Charge<'_>> = HashMap::new();
    let mut last_of: HashMap<&str, &Charge<'_>> = HashMap::new();
    for charge in charges {
        let session = &charge.row.session;
        let before = [
            last_at.insert(session.posto_id, charge),
            last_of.insert(session.placa.as_str(), charge),
        ];
        for open in before.into_iter().flatten().filter(|open| charge.inicio() < open.fim()) {
            violations.add(Kind::ChargedWrongly, format!("{charge:?} during {open:?}"));
        }
    }
}

fn nobody_else_held(run: &Run<'_>, charge: &Charge<'_>, violations: &mut Violations) {
    let (session, at) = (&charge.row.session, charge.inicio());
    let holder = run.held(session.posto_id).iter().find(|held| {
        let span = held.span;
        held.row.placa != session.placa
            && (span.window.0..span.window.1).contains(&at)
            && span.from.recorded < at
            && at < span.until.earliest
    });
    if let Some(holder) = holder {
        violations.add(Kind::ChargedWrongly, format!("{charge:?} where {holder:?}"));
    }
}

/// Its begin and its end belong to calls.
fn was_requested(
    run: &Run<'_>,
    charge: &Charge<'_>,
    arrivals: &Arrivals<'_>,
    leavings: &Leavings<'_>,
    violations: &mut Violations,
) {
    let session = &charge.row.session;
    let acted = |calls: Option<&Vec<&Call>>, at: i64| {
        let calls: Vec<&Call> = calls.into_iter().flatten().copied().collect();
        let may_be = |call: &&Call| {
            let began_before = call.started <= at && at <= run.deadline(call);
            began_before && (may_be_done(call) || is_temporary(call))
        };
        calls.iter().any(may_be)
    };
    let begun = arrivals.get(&(session.placa.as_str(), session.posto_id));
    if !acted(begun, session.inicio) {
        violations.add(Kind::NotAskedFor, format!("begun by nobody: {charge:?}"));
    }
    if session.finished.is_some() && !acted(leavings.get(&session.id), charge.fim()) {
        violations.add(Kind::NotAskedFor, format!("ended by nobody: {charge:?}"));
    }
}

/// The admin API does not say whether the change of a temporary refusal comes after all.
fn is_temporary(call: &Call) -> bool {
    matches!(&call.outcome, Outcome::Refused(why) if super::refusals::TEMPORARY.contains(&why.as_str()))
}

fn is_on_disk(
    run: &Run<'_>,
    rows: &HashMap<i64, &SessionRow>,
    call: &Call,
    violations: &mut Violations,
) {
    let Outcome::Session(shown) = &call.outcome else { return };
    let Some(SessionRow { session, reserva_id }) = rows.get(&shown.id) else {
        return violations.add(Kind::SucessoLost, format!("{call:?}"));
    };
    // A carro whose reserva begins while it charges there pays the price of the reserva for the whole
    // session; that this is the price is checked in `money`.
    let takes_a_price = || {
        let mut reservas = run.database.reservas.iter();
        reservas.any(|row| Some(row.id) == *reserva_id && shown.inicio < row.window.0)
    };
    let same = shown.posto_id == session.posto_id
        && shown.placa == session.placa
        && shown.inicio == session.inicio
        && (shown.preco == session.preco || shown.finished.is_none() && takes_a_price())
        && (shown.finished.is_none() || shown.finished == session.finished);
    if !same {
        violations.add(Kind::SucessoLost, format!("{call:?}, but on disk {session:?}"));
    }
    let as_asked = match &call.operation {
        Operation::Arrive { placa, posto_id } => {
            *placa == shown.placa && *posto_id == shown.posto_id
        }
        Operation::Leave { session, energia, .. } => {
            *session == shown.id && shown.finished.is_some_and(|end| end.energia == *energia)
        }
        _ => false,
    };
    if !as_asked {
        violations.add(Kind::NotAskedFor, format!("{call:?}"));
    }
}
