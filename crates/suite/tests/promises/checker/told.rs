//! Promise 7: the client of a reserva is told of each change, and of nothing that is not so.

use std::collections::{BTreeMap, HashMap};

use super::lives::Life;
use super::requests::FINAL_STATES;
use super::run::{Run, touch};
use super::violations::{Kind, Violations};
use crate::evidence::ReservaRow;
use crate::history::{Reserva, Told, Window};

/// Between the timestamps of a change and of its event, in a program that runs.
const ANNOUNCED: i64 = 2_000;

pub(super) fn check(run: &Run<'_>, told: &[&Told], violations: &mut Violations) {
    let mut by_request: HashMap<&str, Vec<&Told>> = HashMap::new();
    for told in told {
        by_request.entry(told.request_id.as_str()).or_default().push(told);
    }
    for (request_id, told) in &by_request {
        match run.row_of.get(request_id) {
            Some(row) => is_true(row, told, violations),
            None => violations.add(Kind::ToldFalsely, format!("no such reserva: {told:?}")),
        }
    }
    let mut heard: Vec<i64> = told.iter().map(|told| told.timestamp).collect();
    heard.sort_unstable();
    let silences: Vec<Window> =
        run.outages.iter().chain(&run.conditions.silences).copied().collect();
    for life in &run.lives {
        let row = life.row;
        let told = by_request.get(row.request_id.as_str()).map_or(&[][..], Vec::as_slice);
        was_told(row, told, &heard, &silences, run.database.read_at, violations);
        was_warned(run, life, told, &silences, violations);
    }
}

fn is_true(row: &ReservaRow, told: &[&Told], violations: &mut Violations) {
    let mut versions: BTreeMap<i64, &Reserva> = BTreeMap::new();
    let mut newest = 1;
    for told in told {
        let shown = &told.reserva;
        let is_own = Some(&told.client_id) == row.client_id.as_ref()
            && (shown.id, &shown.placa) == (row.id, &row.placa);
        let is_known = 1 < shown.versao && shown.versao <= row.versao;
        let is_last = shown.versao < row.versao || is_as_recorded(row, shown);
        let is_final = FINAL_STATES.contains(&shown.status.as_str());
        let is_still = !is_final || shown.status == row.status;
        if !is_own || !is_known || !is_last || !is_still {
            violations.add(Kind::ToldFalsely, format!("{told:?}, but on disk {row:?}"));
        }
        match versions.insert(shown.versao, shown) {
            // What was not acknowledged is sent again.
            Some(before) if before == shown => {}
            Some(before) => violations.add(
                Kind::ToldFalsely,
                format!("versao {} was {before:?} and {shown:?}", shown.versao),
            ),
            None if shown.versao < newest => {
                violations.add(Kind::ToldFalsely, format!("after versao {newest}: {told:?}"));
            }
            None => newest = shown.versao,
        }
    }
}

fn is_as_recorded(row: &ReservaRow, shown: &Reserva) -> bool {
    (shown.posto_id, shown.window) == (row.posto_id, row.window)
        && shown.status == row.status
        && shown.livre_desde == row.livre_desde.filter(|free| *free < row.window.1)
        && shown.aviso == row.aviso
        && shown.preco == row.preco
}

/// Each version was told, if the last was; and the last, unless the servidor, or what was on the way,
/// may have been lost before it could tell: events leave after the commit.
fn was_told(
    row: &ReservaRow,
    told: &[&Told],
    heard: &[i64],
    silences: &[Window],
    read_at: i64,
    violations: &mut Violations,
) {
    let is_silent =
        |from: i64, until: i64| silences.iter().any(|silence| touch(*silence, (from, until)));
    let changed = row.updated_at;
    // Events keep their order: what was told later shows that this had been sent. Or the run ended
    // in peace.
    let later = heard.partition_point(|at| *at <= changed + ANNOUNCED);
    let until = heard.get(later).copied().unwrap_or(read_at).min(read_at);
    let missing = |versao: i64| !told.iter().any(|told| told.reserva.versao == versao);
    if row.versao > 1 && missing(row.versao) && !is_silent(changed - 1, until) {
        violations.add(Kind::NotTold, format!("of the last change of {row:?}: {told:?}"));
    }
    if !is_silent(row.created_at, until) {
        for versao in (2..row.versao).filter(|versao| missing(*versao)) {
            violations.add(Kind::NotTold, format!("of versao {versao} of {row:?}: {told:?}"));
        }
    }
}

/// Where another carro still charged when it began, its client was warned, and told when that left.
fn was_warned(
    run: &Run<'_>,
    life: &Life<'_>,
    told: &[&Told],
    silences: &[Window],
    violations: &mut Violations,
) {
    let row = life.row;
    let Some(span) = life.spans.iter().rfind(|span| span.posto_id == row.posto_id) else { return };
    let held_until = span.window.1.min(span.until.earliest).min(run.database.read_at);
    let begun = span.window.0.max(span.from.recorded);
    // What happens is told within this time, if it still holds the posto and the servidor can.
    let told_by = |moment: i64| moment.saturating_add(run.conditions.sweep);
    let is_due = |moment: i64| {
        let mut hindered = silences.iter().chain(run.stalls);
        let time = (moment, told_by(moment));
        time.1 < held_until && !hindered.any(|silence| touch(*silence, time))
    };
    let stayed = run.charges(row.posto_id).iter().find(|charge| {
        let is_another = charge.row.session.placa != row.placa;
        is_another && charge.inicio() < begun && told_by(begun) < charge.fim()
    });
    let Some(charge) = stayed else { return };
    for (moment, aviso) in [(begun, "posto_ocupado"), (charge.fim(), "posto_livre")] {
        let was_told = told.iter().any(|told| told.reserva.aviso.as_deref() == Some(aviso));
        if is_due(moment) && !was_told {
            violations.add(Kind::NotTold, format!("{aviso} by {charge:?}: {row:?}"));
        }
    }
}
