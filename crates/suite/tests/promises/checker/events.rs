//! Promise 7: each change of a reserva is published for its client, and nothing that is not so.

use std::collections::{BTreeMap, HashMap};

use super::requests::FINAL_STATES;
use super::run::{Run, touch};
use super::timelines::Timeline;
use super::violations::{Kind, Violations};
use crate::evidence::ReservaRow;
use crate::history::{PrivateEvent, Reserva, Window};

/// Between the timestamps of a change and of its event, in a program that runs.
const ANNOUNCED: i64 = 2_000;

pub(super) fn check(run: &Run<'_>, published: &[&PrivateEvent], violations: &mut Violations) {
    let mut by_request: HashMap<&str, Vec<&PrivateEvent>> = HashMap::new();
    for published in published {
        by_request.entry(published.request_id.as_str()).or_default().push(published);
    }
    for (request_id, published) in &by_request {
        match run.row_of.get(request_id) {
            Some(row) => is_true(row, published, run.outages, violations),
            None => {
                violations.add(Kind::PublishedFalsely, format!("no such reserva: {published:?}"));
            }
        }
    }
    let mut heard: HashMap<&str, Vec<i64>> = HashMap::new();
    for published in published {
        heard.entry(published.client_id.as_str()).or_default().push(published.timestamp);
    }
    heard.values_mut().for_each(|heard| heard.sort_unstable());
    let silences: Vec<Window> =
        run.outages.iter().chain(&run.conditions.silences).copied().collect();
    for timeline in &run.timelines {
        let row = timeline.row;
        let published = by_request.get(row.request_id.as_str()).map_or(&[][..], Vec::as_slice);
        let client_id = row.client_id.as_deref().unwrap_or_default();
        let heard = heard.get(client_id).map_or(&[][..], Vec::as_slice);
        was_published(row, published, heard, &silences, run.database.read_at, violations);
        was_warned(run, timeline, published, &silences, violations);
    }
}

fn is_true(
    row: &ReservaRow,
    published: &[&PrivateEvent],
    outages: &[Window],
    violations: &mut Violations,
) {
    let mut versions: BTreeMap<i64, &Reserva> = BTreeMap::new();
    let mut newest: Option<&PrivateEvent> = None;
    // Two programs with one database each publish what they have changed, at their own pace.
    let by_a_twin = |older: &PrivateEvent, newer: &PrivateEvent| {
        let between = (older.timestamp.min(newer.timestamp), older.timestamp.max(newer.timestamp));
        outages.iter().any(|outage| touch(*outage, between))
    };
    for published in published {
        let shown = &published.reserva;
        let is_own = Some(&published.client_id) == row.client_id.as_ref()
            && (shown.id, &shown.placa) == (row.id, &row.placa);
        let is_known = 1 < shown.versao && shown.versao <= row.versao;
        let is_last = shown.versao < row.versao || is_as_recorded(row, shown);
        let is_final = FINAL_STATES.contains(&shown.status.as_str());
        let is_still = !is_final || shown.status == row.status;
        if !is_own || !is_known || !is_last || !is_still {
            violations.add(Kind::PublishedFalsely, format!("{published:?}, but on disk {row:?}"));
        }
        match versions.insert(shown.versao, shown) {
            // What was not acknowledged is sent again.
            Some(before) if before == shown => {}
            Some(before) => violations.add(
                Kind::PublishedFalsely,
                format!("versao {} was {before:?} and {shown:?}", shown.versao),
            ),
            None => match newest {
                Some(newer) if shown.versao < newer.reserva.versao => {
                    if !by_a_twin(published, newer) {
                        let what = format!("{published:?} after {newer:?}");
                        violations.add(Kind::PublishedFalsely, what);
                    }
                }
                _ => newest = Some(published),
            },
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

/// Each version was published, if the last was; and the last, unless the servidor, or what was on the
/// way, may have been lost before that: events leave after the commit. `heard` is when others were for
/// the same client.
fn was_published(
    row: &ReservaRow,
    published: &[&PrivateEvent],
    heard: &[i64],
    silences: &[Window],
    read_at: i64,
    violations: &mut Violations,
) {
    let is_silent =
        |from: i64, until: i64| silences.iter().any(|silence| touch(*silence, (from, until)));
    let changed = row.updated_at;
    // Events of one client keep their order: what was published later shows that this had been sent.
    // Those of another may overtake it, many of them in one array. Or the run ended in peace.
    let later = heard.partition_point(|at| *at <= changed + ANNOUNCED);
    let until = heard.get(later).copied().unwrap_or(read_at).min(read_at);
    let missing =
        |versao: i64| !published.iter().any(|published| published.reserva.versao == versao);
    if row.versao > 1 && missing(row.versao) && !is_silent(changed - 1, until) {
        violations.add(Kind::NotPublished, format!("of the last change of {row:?}: {published:?}"));
    }
    if !is_silent(row.created_at, until) {
        for versao in (2..row.versao).filter(|versao| missing(*versao)) {
            violations
                .add(Kind::NotPublished, format!("of versao {versao} of {row:?}: {published:?}"));
        }
    }
}

/// Where another carro still charged when it began, its client was warned, and once more when that
/// left.
fn was_warned(
    run: &Run<'_>,
    timeline: &Timeline<'_>,
    published: &[&PrivateEvent],
    silences: &[Window],
    violations: &mut Violations,
) {
    let row = timeline.row;
    let Some(span) = timeline.spans.iter().rfind(|span| span.posto_id == row.posto_id) else {
        return;
    };
    let held_until = span.window.1.min(span.until.earliest).min(run.database.read_at);
    let begun = span.window.0.max(span.from.recorded);
    // What happens is published within this time, if it still holds the posto and the servidor can.
    let published_by = |moment: i64| moment.saturating_add(run.conditions.sweep);
    let is_due = |moment: i64| {
        let mut hindered = silences.iter().chain(run.stalls);
        let time = (moment, published_by(moment));
        time.1 < held_until && !hindered.any(|silence| touch(*silence, time))
    };
    let stayed = run.charges(row.posto_id).iter().find(|charge| {
        let is_another = charge.row.session.placa != row.placa;
        is_another && charge.inicio() < begun && published_by(begun) < charge.fim()
    });
    let Some(charge) = stayed else { return };
    for (moment, aviso) in [(begun, "posto_ocupado"), (charge.fim(), "posto_livre")] {
        let was_published =
            published.iter().any(|published| published.reserva.aviso.as_deref() == Some(aviso));
        if is_due(moment) && !was_published {
            violations.add(Kind::NotPublished, format!("{aviso} by {charge:?}: {row:?}"));
        }
    }
}
