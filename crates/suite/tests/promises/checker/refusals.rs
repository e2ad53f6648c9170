//! Every refusal is justified by the state at some moment of its call.

use super::run::{Kind, Run, Violations, overlap};
use crate::evidence::ReservaRow;
use crate::history::{Call, Operation, Outcome};

const DAY: i64 = 24 * 60 * 60 * 1000;
/// Refusals because of the state of the system, not because of the request.
const TEMPORARY: [&str; 3] = ["servidor_indisponivel", "broker_indisponivel", "sobrecarregado"];

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    for call in run.calls {
        let Outcome::Refused(codigo) = &call.outcome else { continue };
        if TEMPORARY.contains(&codigo.as_str()) {
            continue;
        }
        let justified = match &call.operation {
            Operation::Reserve { .. } => reservation(run, call, codigo, first_start(run, call)),
            Operation::Cancel => {
                codigo == "reserva_encerrada" && has_ended(run, call) || unknown(run, call, codigo)
            }
            Operation::Consult => {
                unknown(run, call, codigo) || as_first_answered(run, call, codigo)
            }
            Operation::List => false,
        };
        if !justified {
            violations.add(Kind::RefusedWrongly, format!("{call:?}"));
        }
    }
}

/// A repeat gets the first answer, so it is judged from the start of the first attempt.
fn first_start(run: &Run<'_>, call: &Call) -> i64 {
    let first = call.request_id.as_deref().and_then(|id| run.attempts.get(id)?.first().copied());
    first.map_or(call.started, |first| first.started)
}

fn reservation(run: &Run<'_>, call: &Call, codigo: &str, since: i64) -> bool {
    let Operation::Reserve { placa, posto_id, window } = &call.operation else { return false };
    let same_carro = match codigo {
        "posto_inexistente" => return !run.database.postos.contains(posto_id),
        // Its window had passed when the servidor decided.
        "requisicao_invalida" => return window.is_some_and(|(_, fim)| fim <= call.ended),
        "posto_ja_reservado_para_este_carro" => true,
        "posto_reservado" => false,
        _ => return false,
    };
    let wanted = window.unwrap_or((since, call.ended + DAY));
    let own = call.request_id.as_deref();
    let rows = run.rows_of_posto.get(posto_id).map_or(&[][..], Vec::as_slice);
    rows.iter().any(|row| {
        Some(row.request_id.as_str()) != own
            && (row.placa == *placa) == same_carro
            && overlap(row.window, wanted)
            && row.created_at <= call.ended
            && row.cancelled_at().is_none_or(|_| still_held(run, row, since))
            && row.window.1 > since
    })
}

/// A cancelled reserva holds its posto until the cancellation is committed: after its timestamp,
/// and before the first answer that shows it.
fn still_held(run: &Run<'_>, row: &ReservaRow, since: i64) -> bool {
    run.cancelled_by.get(row.request_id.as_str()).is_none_or(|seen| *seen >= since)
}

/// No answer had shown the reserva before the call began.
fn unknown(run: &Run<'_>, call: &Call, codigo: &str) -> bool {
    let id = call.request_id.as_deref().unwrap_or_default();
    codigo == "reserva_inexistente"
        && run.made_by.get(id).is_none_or(|known_by| *known_by >= call.started)
}

/// The reserva's `fim` had passed by the end of the call.
fn has_ended(run: &Run<'_>, call: &Call) -> bool {
    let id = call.request_id.as_deref().unwrap_or_default();
    run.row_of.get(id).is_some_and(|row| row.window.1 <= call.ended)
}

/// Consulting a refused request repeats its refusal.
fn as_first_answered(run: &Run<'_>, call: &Call, codigo: &str) -> bool {
    let id = call.request_id.as_deref().unwrap_or_default();
    matches!(run.database.requests.get(id), Some(Some(_)))
        && run.attempts.get(id).is_some_and(|attempts| {
            attempts.iter().all(|attempt| match &attempt.outcome {
                Outcome::Refused(first) => first == codigo || TEMPORARY.contains(&first.as_str()),
                other => other.is_unknown(),
            })
        })
}
