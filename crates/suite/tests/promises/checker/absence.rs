//! When the absence of a carro was due, as far as the history tells.

use super::lives::{Moments, Span};
use super::run::Run;
use crate::evidence::ReservaRow;
use crate::history::Window;

/// Between which moments it was due. `i64::MAX`: never.
#[derive(Debug, Clone, Copy)]
pub(super) struct Absence {
    pub(super) earliest: i64,
    pub(super) latest: i64,
}

impl Absence {
    const NEVER: Self = Self { earliest: i64::MAX, latest: i64::MAX };

    /// When the reserva held nothing because of it.
    pub(super) fn moments(&self, row: &ReservaRow) -> Moments {
        if row.status == "nao_compareceu" {
            // A servidor that was killed before it had recorded an absence has the carro wait anew.
            let earliest = self.earliest.min(row.desde);
            return Moments { earliest, recorded: row.desde, latest: row.desde };
        }
        Moments { earliest: self.earliest, recorded: i64::MAX, latest: self.latest }
    }
}

/// The tolerance counts from the begin, from when the reserva was given another begin or its operator
/// moved it, or from when its posto could last be used. Another posto that its driver asks for gives
/// no more time.
pub(super) fn absence(run: &Run<'_>, row: &ReservaRow, spans: &[Span]) -> Absence {
    let Some(last) = spans.last().filter(|_| row.tolerancia > 0) else { return Absence::NEVER };
    let (begin, fim) = last.agreed;
    let within = |due: i64| if due < fim { due } else { i64::MAX };
    let since = spans.len() - expected_since(row, spans);
    let expected = &spans[since..];
    let due = begin.max(expected[0].from.recorded).saturating_add(row.tolerancia);
    let earliest = within(due);
    // Also at a posto that it left meanwhile.
    let disturbed = expected.iter().flat_map(|span| {
        let ended = span.until.latest;
        let while_there = move |(from, until): Window| (from, until.min(ended));
        let all = disturbances(run, row, span.posto_id).into_iter().map(while_there);
        all.filter(|(from, until)| from <= until)
    });
    let mut disturbed: Vec<Window> = disturbed.collect();
    disturbed.sort_unstable();
    let mut latest = due;
    for (from, until) in disturbed {
        if from <= latest {
            latest = latest.max(until.saturating_add(row.tolerancia));
        }
    }
    Absence { earliest, latest: within(latest) }
}

/// How many of the last spans the carro had one tolerance for.
fn expected_since(row: &ReservaRow, spans: &[Span]) -> usize {
    let changes = spans.iter().zip(spans.iter().skip(1)).zip(&row.changes);
    let goes_on = changes.rev().take_while(|((before, after), change)| {
        before.agreed.0 == after.agreed.0 && change.change_id.is_some()
    });
    goes_on.count() + 1
}

/// When the carro may have been unable to come: the posto was out of service, another carro charged
/// there, or the servidor did not run.
fn disturbances(run: &Run<'_>, row: &ReservaRow, posto_id: i64) -> Vec<Window> {
    let others =
        run.charges(posto_id).iter().filter(|charge| charge.row.session.placa != row.placa);
    let charging = others.map(|charge| (charge.inicio(), charge.ended_by));
    let outs = run.outs.get(&posto_id).into_iter().flatten().map(|out| out.possible);
    // One that is due and not recorded when the servidor is killed has the carro wait anew.
    let sweep = run.conditions.sweep;
    let outages = run.outages.iter().map(|(from, until)| (from - sweep, *until));
    charging.chain(outs).chain(outages).collect()
}
