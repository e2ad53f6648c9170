//! What each reserva held, and when: from its making to its end, with what it was changed to.

use super::absence::{Absence, absence};
use super::run::{Charge, Run};
use crate::evidence::{Agreed, ReservaRow, RowChange};
use crate::history::{Outcome, Window};

/// When something happened. The moment of the commit lies between the decision's timestamp and the
/// end of the first call that showed it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub(super) earliest: i64,
    /// As the servidor recorded it.
    pub(super) recorded: i64,
    pub(super) latest: i64,
}

impl Moments {
    const NEVER: Self = Self { earliest: i64::MAX, recorded: i64::MAX, latest: i64::MAX };

    fn new(recorded: i64, latest: i64) -> Self {
        Self { earliest: recorded, recorded, latest }
    }

    fn min(self, other: Self) -> Self {
        Self {
            earliest: self.earliest.min(other.earliest),
            recorded: self.recorded.min(other.recorded),
            latest: self.latest.min(other.latest),
        }
    }
}

/// A posto and an interval, and from when until when a reserva had them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) posto_id: i64,
    /// As it was agreed.
    pub(super) agreed: Window,
    /// What it holds of that: another posto only from when it was given that, and nothing after its
    /// carro has left.
    pub(super) window: Window,
    pub(super) from: Moments,
    pub(super) until: Moments,
}

impl Span {
    /// When it certainly held the posto.
    pub(super) fn certain(&self) -> Window {
        (self.window.0.max(self.from.latest), self.window.1.min(self.until.earliest))
    }

    /// When it may have held the posto.
    pub(super) fn possible(&self) -> Window {
        (self.window.0.max(self.from.earliest), self.window.1.min(self.until.latest))
    }

    /// Whether it may have held something at some moment of this time, for now or later.
    pub(super) fn may_exist(&self, time: Window) -> bool {
        self.from.earliest <= time.1 && self.until.latest >= time.0 && self.window.1 > time.0
    }
}

/// A span and whose it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) row: &'a ReservaRow,
    pub(super) span: Span,
}

/// The session that made a reserva `cumprida`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fulfilment<'a> {
    pub(super) charge: Charge<'a>,
    /// Whether it must have, and not only may.
    pub(super) is_certain: bool,
    /// When a sweep has recorded it at the latest.
    pub(super) recorded_by: i64,
}

pub(super) struct Timeline<'a> {
    pub(super) row: &'a ReservaRow,
    /// One after the other.
    pub(super) spans: Vec<Span>,
    pub(super) fulfilment: Option<Fulfilment<'a>>,
    pub(super) absence: Absence,
}

impl Timeline<'_> {
    /// Until when it may count among the reservas that its carro has.
    pub(super) fn may_count_until(&self) -> i64 {
        let held = self.spans.iter().map(|span| span.window.1.min(span.until.latest)).max();
        let charging = self.fulfilment.map_or(0, |fulfilment| fulfilment.charge.ended_by);
        held.unwrap_or_default().max(charging)
    }

    /// Whether it certainly counted at this moment.
    pub(super) fn counted_at(&self, at: i64) -> bool {
        self.spans
            .iter()
            .any(|span| span.from.recorded < at && at < span.until.earliest && at < span.window.1)
    }
}

pub(super) fn timelines<'a>(run: &Run<'a>) -> Vec<Timeline<'a>> {
    run.database.reservas.iter().map(|row| timeline(run, row)).collect()
}

fn timeline<'a>(run: &Run<'a>, row: &'a ReservaRow) -> Timeline<'a> {
    let mut spans = intervals(run, row);
    let end = match row.cancelled_at() {
        Some(at) => {
            let seen = run.cancelled_by.get(row.request_id.as_str());
            Moments::new(at, seen.copied().unwrap_or(i64::MAX))
        }
        None => Moments::NEVER,
    };
    let last = spans.last_mut().expect("the first interval");
    last.until = end;
    undone_absences(run, row, &mut spans);
    let absence = absence(run, row, &spans);
    let fulfilment = fulfilment(run, row, &spans, &absence);
    let last = spans.last_mut().expect("the first interval");
    match fulfilment {
        Some(fulfilment) if fulfilment.is_certain || row.status == "cumprida" => {
            let came = fulfilment.charge.inicio();
            if absence.earliest < came {
                let again = waited_anew(last, absence.earliest, came);
                spans.push(again);
            }
            let last = spans.last_mut().expect("the first interval");
            let left = fulfilment.charge.fim();
            if left < last.window.1 {
                let recorded = row.livre_desde.unwrap_or(left);
                let freed =
                    Moments { earliest: left, recorded, latest: fulfilment.charge.ended_by };
                let window = (last.window.0, left);
                let rest = Span { window, from: freed, until: Moments::NEVER, ..*last };
                last.until = last.until.min(freed);
                spans.push(rest);
            }
        }
        _ => last.until = last.until.min(absence.moments(row)),
    }
    Timeline { row, spans, fulfilment, absence }
}

/// What a reserva has whose carro came although it was absent before: a servidor that stops before it
/// has recorded an absence has the carro wait anew. In between it may have held nothing.
fn waited_anew(last: &mut Span, absent: i64, came: i64) -> Span {
    let again = Moments { earliest: absent, recorded: came, latest: came };
    last.until = last.until.min(again);
    Span { from: again, until: Moments::NEVER, ..*last }
}

/// The same of what is changed or moved although its carro was absent before: where a servidor stops in
/// between, it may have shown an absence that it had not recorded.
fn undone_absences(run: &Run<'_>, row: &ReservaRow, spans: &mut [Span]) {
    for next in 1..spans.len() {
        let absent = absence(run, row, &spans[..next]).earliest;
        let until = &mut spans[next - 1].until;
        let has_stopped = |outage: &Window| absent <= outage.1 && outage.0 <= until.recorded;
        if run.outages.iter().any(has_stopped) {
            until.earliest = until.earliest.min(absent);
        }
    }
}

/// What was agreed first, and what it was changed to, each until the next.
fn intervals(run: &Run<'_>, row: &ReservaRow) -> Vec<Span> {
    let seen = run.made_by.get(row.request_id.as_str()).copied().unwrap_or(i64::MAX);
    let (first, from) = (row.first(), Moments::new(row.created_at, seen));
    let (agreed, window) = (first.window, first.window);
    let posto_id = first.posto_id;
    let mut spans = vec![Span { posto_id, agreed, window, from, until: Moments::NEVER }];
    for change in &row.changes {
        let from = Moments::new(change.at, change_seen(run, row, change));
        let last = spans.last_mut().expect("the first interval");
        last.until = from;
        let Agreed { posto_id, window: agreed } = change.to;
        let held_from = if posto_id == last.posto_id { last.window.0 } else { change.at };
        let begins_anew = agreed.0 != last.agreed.0;
        let window = (if begins_anew { agreed.0 } else { agreed.0.max(held_from) }, agreed.1);
        spans.push(Span { posto_id, agreed, window, from, until: Moments::NEVER });
    }
    spans
}

/// The end of the first call that showed a reserva as it was changed.
fn change_seen(run: &Run<'_>, row: &ReservaRow, change: &RowChange) -> i64 {
    let RowChange { at, change_id, to } = change;
    let id = row.request_id.as_str();
    let shown = run.shown.get(id).into_iter().flatten();
    let shown = shown.filter(|(call, shown)| {
        call.ended >= *at && shown.posto_id == to.posto_id && shown.window == to.window
    });
    let shown = shown.map(|(call, _)| call.ended);
    let answered = match change_id {
        Some(change_id) => {
            let calls = run.changes.get(change_id.as_str()).into_iter().flatten();
            calls
                .filter(|call| matches!(call.outcome, Outcome::Reserva(_)))
                .map(|call| call.ended)
                .min()
        }
        None => run
            .services
            .values()
            .flatten()
            .filter(|call| match &call.outcome {
                Outcome::Served(handled) => handled.iter().any(|handled| {
                    handled.id == row.id
                        && handled.resultado == "movida"
                        && handled.posto_id == to.posto_id
                }),
                _ => false,
            })
            .filter(|call| call.ended >= *at)
            .map(|call| call.ended)
            .min(),
    };
    shown.chain(answered).min().unwrap_or(i64::MAX)
}

/// The first session of its carro within its interval.
fn fulfilment<'a>(
    run: &Run<'a>,
    row: &ReservaRow,
    spans: &[Span],
    absence: &Absence,
) -> Option<Fulfilment<'a>> {
    let found = spans.iter().flat_map(|span| {
        let own = move |charge: &&Charge<'_>| {
            charge.row.session.placa == row.placa
                && charge.inicio() < span.window.1
                && span.window.0 < charge.fim()
                && charge.inicio() < span.until.recorded
                && span.from.recorded < charge.fim()
        };
        run.charges(span.posto_id).iter().filter(own).map(|charge| (*span, *charge))
    });
    let (span, charge) = found.min_by_key(|(_, charge)| charge.inicio())?;
    // When it began or was made with the carro charging there, that is recorded a little later.
    let counts_from = span.window.0.max(span.from.recorded);
    let seen = charge.inicio().max(counts_from + run.conditions.sweep);
    let from_begin = charge.inicio() >= counts_from && charge.inicio() < span.until.earliest;
    let later = seen < charge.fim() && seen < span.window.1 && seen < span.until.earliest;
    let is_certain = (from_begin || later) && charge.inicio() < absence.earliest;
    // The carro may have charged there before the reserva began.
    let recorded_by = charge.inicio().max(counts_from).saturating_add(run.conditions.sweep);
    Some(Fulfilment { charge, is_certain, recorded_by })
}
