//! A refusal is justified by something that was so at some moment of its call.

use super::{Asked, Call, Kind, Outcome, Run, Violations, overlap};

const DAY: i64 = 24 * 60 * 60 * 1000;
/// Refusals that are about the system, not about what was asked.
const OF_THE_MOMENT: [&str; 3] = ["servidor_indisponivel", "broker_indisponivel", "sobrecarregado"];

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    for call in run.calls {
        let Outcome::Refused(codigo) = &call.outcome else { continue };
        if OF_THE_MOMENT.contains(&codigo.as_str()) {
            continue;
        }
        let justified = match &call.asked {
            Asked::Reserve { .. } => reservation(run, call, codigo, first_start(run, call)),
            Asked::Cancel => {
                codigo == "reserva_encerrada" && has_ended(run, call) || unknown(run, call, codigo)
            }
            Asked::Consult => unknown(run, call, codigo) || as_first_answered(run, call, codigo),
            Asked::List => false,
        };
        if !justified {
            violations.add(Kind::RefusedWrongly, format!("{call:?}"));
        }
    }
}

/// A repeat gets the first answer, which was right when it was given.
fn first_start(run: &Run<'_>, call: &Call) -> i64 {
    let first = call.request_id.as_deref().and_then(|id| run.attempts.get(id)?.first().copied());
    first.map_or(call.started, |first| first.started)
}

fn reservation(run: &Run<'_>, call: &Call, codigo: &str, since: i64) -> bool {
    let Asked::Reserve { placa, posto_id, window } = &call.asked else { return false };
    let same_carro = match codigo {
        "posto_inexistente" => return !run.database.postos.contains(posto_id),
        // It came too late to be reserved.
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

/// A cancelled reserva held its posto until its cancellation was on disk, which is a while after
/// the moment noted there, and before anybody saw it.
fn still_held(run: &Run<'_>, row: &super::Row, since: i64) -> bool {
    run.cancelled_by.get(row.request_id.as_str()).is_none_or(|seen| *seen >= since)
}

/// The reserva was not there yet when the call began, as far as anybody knew.
fn unknown(run: &Run<'_>, call: &Call, codigo: &str) -> bool {
    let id = call.request_id.as_deref().unwrap_or_default();
    codigo == "reserva_inexistente"
        && run.made_by.get(id).is_none_or(|known_by| *known_by >= call.started)
}

/// The reserva's time had run out by the end of the call.
fn has_ended(run: &Run<'_>, call: &Call) -> bool {
    let id = call.request_id.as_deref().unwrap_or_default();
    run.row_of.get(id).is_some_and(|row| row.window.1 <= call.ended)
}

/// What became of a refused request is its refusal.
fn as_first_answered(run: &Run<'_>, call: &Call, codigo: &str) -> bool {
    let id = call.request_id.as_deref().unwrap_or_default();
    matches!(run.database.requests.get(id), Some(Some(_)))
        && run.attempts.get(id).is_some_and(|attempts| {
            attempts.iter().all(|attempt| match &attempt.outcome {
                Outcome::Refused(first) => {
                    first == codigo || OF_THE_MOMENT.contains(&first.as_str())
                }
                other => other.is_unknown(),
            })
        })
}
