//! Every refusal is justified by the state at some moment of its call.

use super::run::{Run, overlap, touch};
use super::timelines::{Held, Timeline};
use super::violations::{Kind, Violations};
use crate::history::{Call, Operation, Outcome, Window};

const DAY: i64 = 24 * 60 * 60 * 1000;
/// Refusals because of the state of the system, not because of the request.
pub(crate) const TEMPORARY: [&str; 3] =
    ["servidor_indisponivel", "broker_indisponivel", "sobrecarregado"];

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    for call in run.calls {
        let Outcome::Refused(codigo) = &call.outcome else { continue };
        if TEMPORARY.contains(&codigo.as_str()) {
            continue;
        }
        let during = (first_start(run, call), call.ended);
        let justified = match &call.operation {
            Operation::Reserve { .. } => reservation(run, call, codigo, during),
            Operation::Cancel => cancellation(run, call, codigo),
            Operation::Consult => {
                unknown(run, call, codigo) && !was_made_before(run, call)
                    || as_first_answered(run, call, codigo)
            }
            Operation::Change { .. } => change(run, call, codigo, during),
            Operation::Arrive { placa, posto_id } => {
                let wanted = (call.started, call.ended + 1);
                let carro = Wanted { placa, posto_id: *posto_id, window: wanted, own: None };
                arrival(run, &carro, codigo, during)
            }
            Operation::Leave { session, .. } => leaving(run, *session, codigo, call),
            Operation::List | Operation::Serve { .. } => false,
        };
        if !justified {
            let since = during.0;
            violations.add(Kind::RefusedWrongly, format!("{call:?}, first asked at {since}"));
        }
    }
}

/// A repeat gets the first answer, so it is judged from the start of the first attempt.
fn first_start(run: &Run<'_>, call: &Call) -> i64 {
    let attempts = match &call.operation {
        Operation::Reserve { .. } => call.request_id.as_deref().and_then(|id| run.attempts.get(id)),
        Operation::Change { change_id, .. } => run.changes.get(change_id.as_str()),
        _ => None,
    };
    attempts.and_then(|calls| calls.first()).map_or(call.started, |first| first.started)
}

/// What a carro wants.
struct Wanted<'a> {
    placa: &'a str,
    posto_id: i64,
    window: Window,
    /// The request of the reserva that wants it.
    own: Option<&'a str>,
}

fn reservation(run: &Run<'_>, call: &Call, codigo: &str, during: Window) -> bool {
    let Operation::Reserve { placa, posto_id, window } = &call.operation else { return false };
    let wanted = Wanted {
        placa,
        posto_id: *posto_id,
        window: window.unwrap_or((during.0, call.ended + DAY)),
        own: call.request_id.as_deref(),
    };
    match codigo {
        // Its window had passed when the servidor decided.
        "requisicao_invalida" => window.is_some_and(|(_, fim)| fim <= call.ended),
        "limite_de_reservas" => has_its_limit(run, &wanted, during),
        _ => is_taken(run, &wanted, codigo, during),
    }
}

/// Whether the posto may have been refused to a carro at some moment of this time.
fn is_taken(run: &Run<'_>, wanted: &Wanted<'_>, codigo: &str, during: Window) -> bool {
    let posto_id = wanted.posto_id;
    let held = |same_carro: bool| {
        run.held(posto_id).iter().any(|held: &Held<'_>| {
            Some(held.row.request_id.as_str()) != wanted.own
                && (held.row.placa == wanted.placa) == same_carro
                && overlap(held.span.window, wanted.window)
                && held.span.may_exist(during)
        })
    };
    match codigo {
        "posto_inexistente" => !run.database.postos.contains(&posto_id),
        "posto_em_manutencao" | "posto_indisponivel" => run.may_be_out(posto_id, during),
        "posto_ja_reservado_para_este_carro" => held(true),
        "posto_reservado" => {
            held(false) || wanted.window.0 <= during.1 && is_used(run, wanted, during)
        }
        _ => false,
    }
}

/// Whether another carro may have charged there.
fn is_used(run: &Run<'_>, wanted: &Wanted<'_>, during: Window) -> bool {
    run.charges(wanted.posto_id).iter().any(|charge| {
        charge.row.session.placa != wanted.placa
            && touch((charge.inicio(), charge.ended_by), during)
    })
}

/// Whether the carro may have had as many reservas as the rule allows at one moment of this time.
fn has_its_limit(run: &Run<'_>, wanted: &Wanted<'_>, during: Window) -> bool {
    let all = run.timelines_of_placa.get(wanted.placa).into_iter().flatten();
    let others = all.map(|index| &run.timelines[*index]);
    let counted: Vec<Window> = others
        .filter(|timeline| Some(timeline.row.request_id.as_str()) != wanted.own)
        .map(|timeline| (timeline.row.created_at, timeline.may_count_until()))
        .filter(|counts| touch(*counts, during))
        .collect();
    let moments = counted.iter().map(|counts| counts.0.max(during.0));
    run.conditions.por_carro > 0
        && moments.clone().any(|at| {
            let count = counted.iter().filter(|counts| counts.0 <= at && at <= counts.1).count();
            count >= run.conditions.por_carro
        })
}

fn arrival(run: &Run<'_>, wanted: &Wanted<'_>, codigo: &str, during: Window) -> bool {
    let elsewhere = || {
        let others = run.charges_at.iter().filter(|(id, _)| **id != wanted.posto_id);
        others.flat_map(|(_, charges)| charges).any(|charge| {
            charge.row.session.placa == wanted.placa
                && touch((charge.inicio(), charge.ended_by), during)
        })
    };
    match codigo {
        "carro_em_carregamento" => elsewhere(),
        "posto_ja_reservado_para_este_carro" => false,
        _ => is_taken(run, wanted, codigo, during),
    }
}

fn leaving(run: &Run<'_>, session: i64, codigo: &str, call: &Call) -> bool {
    let row = run.database.sessions.iter().find(|row| row.session.id == session);
    match codigo {
        "carregamento_inexistente" => row.is_none(),
        "carregamento_encerrado" => {
            let Operation::Leave { energia, .. } = call.operation else { return false };
            let finished = row.and_then(|row| row.session.finished);
            finished.is_some_and(|finished| finished.energia != energia)
        }
        _ => false,
    }
}

fn cancellation(run: &Run<'_>, call: &Call, codigo: &str) -> bool {
    let Some(timeline) = run.timeline(call.request_id.as_deref()) else {
        return unknown(run, call, codigo);
    };
    match codigo {
        "reserva_encerrada" => has_ended(timeline, call.ended),
        "reserva_em_uso" => was_used(timeline, call.ended),
        _ => unknown(run, call, codigo),
    }
}

fn change(run: &Run<'_>, call: &Call, codigo: &str, during: Window) -> bool {
    let Operation::Change { posto_id, inicio, fim, .. } = &call.operation else { return false };
    let Some(timeline) = run.timeline(call.request_id.as_deref()) else {
        return unknown(run, call, codigo);
    };
    // What is not given stays as it was then.
    let current = timeline
        .spans
        .iter()
        .filter(|span| span.may_exist((during.0.min(span.window.1 - 1), during.1)));
    let mut wanted = current.map(|span| {
        let window = (inicio.unwrap_or(span.agreed.0), fim.unwrap_or(span.agreed.1));
        let posto_id = posto_id.unwrap_or(span.posto_id);
        let own = Some(timeline.row.request_id.as_str());
        (span.agreed.0, Wanted { placa: &timeline.row.placa, posto_id, window, own })
    });
    match codigo {
        "reserva_encerrada" => {
            has_ended(timeline, call.ended)
                || timeline.row.cancelled_at().is_some_and(|at| at <= call.ended)
                || timeline.fulfilment.is_some_and(|used| used.charge.fim() <= call.ended)
        }
        "reserva_em_uso" => {
            was_used(timeline, call.ended) && (posto_id.is_some() || inicio.is_some())
        }
        "requisicao_invalida" => wanted.any(|(begin, wanted)| {
            let (inicio_wanted, fim_wanted) = wanted.window;
            let moves_what_has_begun = inicio_wanted != begin && begin <= call.ended;
            moves_what_has_begun || fim_wanted <= call.ended || fim_wanted <= inicio_wanted
        }),
        "reserva_inexistente" => unknown(run, call, codigo),
        _ => wanted.any(|(_, wanted)| is_taken(run, &wanted, codigo, during)),
    }
}

/// No answer had shown the reserva before the call, or its first copy, began.
fn unknown(run: &Run<'_>, call: &Call, codigo: &str) -> bool {
    let id = call.request_id.as_deref().unwrap_or_default();
    let since = first_start(run, call);
    codigo == "reserva_inexistente" && run.made_by.get(id).is_none_or(|known_by| *known_by >= since)
}

/// Whether the servidor had decided to make the reserva before it was asked about it: then it answers when
/// that is on disk. A second program with the same database does not know what the other one is writing.
fn was_made_before(run: &Run<'_>, call: &Call) -> bool {
    let id = call.request_id.as_deref().unwrap_or_default();
    let during = (call.started, call.ended);
    run.row_of.get(id).is_some_and(|row| row.created_at < call.started)
        && !run.outages.iter().any(|outage| touch(*outage, during))
}

/// Its `fim` may have passed by then, or its carro may have been absent.
fn has_ended(timeline: &Timeline<'_>, by: i64) -> bool {
    timeline.spans.iter().any(|span| span.window.1 <= by) || timeline.absence.earliest <= by
}

fn was_used(timeline: &Timeline<'_>, by: i64) -> bool {
    timeline.fulfilment.is_some_and(|fulfilment| fulfilment.charge.inicio() <= by)
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
