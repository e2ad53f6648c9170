//! When the absence of a carro was due, as far as the history shows.

use super::run::Run;
use super::timelines::{Moments, Span};
use super::violations::Conditions;
use crate::evidence::ReservaRow;
use crate::history::Window;

/// In milliseconds: a servidor that writes nothing for longer counts as one that does not run.
const STANDSTILL: i64 = 10_000;

/// Between which moments it was due. `i64::MAX`: never.
#[derive(Debug, Clone, Copy)]
pub(super) struct Absence {
    pub(super) earliest: i64,
    pub(super) latest: i64,
    /// Until when one that was recorded may not have been shown, because nothing was written.
    shown_by: i64,
}

impl Absence {
    const NEVER: Self = Self { earliest: i64::MAX, latest: i64::MAX, shown_by: i64::MIN };

    /// When the reserva held nothing because of it.
    pub(super) fn moments(&self, row: &ReservaRow) -> Moments {
        if row.status == "nao_compareceu" {
            // A servidor that was killed before it had recorded an absence has the carro wait anew.
            let earliest = self.earliest.min(row.desde);
            let latest = self.shown_by.max(row.desde);
            return Moments { earliest, recorded: row.desde, latest };
        }
        Moments { earliest: self.earliest, recorded: i64::MAX, latest: self.latest }
    }
}

/// The tolerance counts from the begin, from when the reserva was given another begin or its operator
/// moved it, or from when its posto could last be used. Another posto that its driver asks for gives
/// no more time, and neither does another end.
pub(super) fn absence(run: &Run<'_>, row: &ReservaRow, spans: &[Span]) -> Absence {
    let Some(last) = spans.last().filter(|_| row.tolerancia > 0) else { return Absence::NEVER };
    let (begin, fim) = last.agreed;
    let within = |due: i64| if due < fim { due } else { i64::MAX };
    let since = spans.len() - expected_since(row, spans);
    let expected = &spans[since..];
    let due = begin.max(expected[0].from.recorded).saturating_add(row.tolerancia);
    let earliest = within(due);
    // Also at a posto that it left meanwhile.
    let hindrances = expected.iter().flat_map(|span| {
        let ended = span.until.latest;
        let while_there = move |hindrance: Hindrance| Hindrance {
            until: hindrance.until.min(ended),
            ..hindrance
        };
        let all = hindrances(run, row, span.posto_id).map(while_there);
        all.filter(|hindrance| hindrance.from <= hindrance.until)
    });
    let mut hindrances: Vec<Hindrance> = hindrances.collect();
    hindrances.sort_unstable_by_key(|hindrance| hindrance.from);
    let (mut latest, counts_from) = (due, due - row.tolerancia);
    for Hindrance { from, until, begins_anew } in hindrances {
        if from <= latest && begins_anew {
            latest = latest.max(until.saturating_add(row.tolerancia));
        } else if from <= latest {
            latest += (until - from.max(counts_from)).max(0);
        }
    }
    let shown_by = during(run, run.stalls).chain(during(run, run.freezes));
    let shown_by = shown_by.filter(|(from, until)| (*from..*until).contains(&row.desde));
    let shown_by = shown_by.map(|(_, until)| until).max().unwrap_or(i64::MIN);
    Absence { earliest, latest: within(latest), shown_by }
}

/// How many of the last spans the carro had one tolerance for.
fn expected_since(row: &ReservaRow, spans: &[Span]) -> usize {
    let changes = spans.iter().zip(spans.iter().skip(1)).zip(&row.changes);
    let goes_on = changes.rev().take_while(|((before, after), change)| {
        before.agreed.0 == after.agreed.0 && change.change_id.is_some()
    });
    goes_on.count() + 1
}

/// When the carro may have been unable to come.
#[derive(Debug, Clone, Copy)]
struct Hindrance {
    from: i64,
    until: i64,
    /// It has its tolerance anew, and not only what was left of it.
    begins_anew: bool,
}

/// The posto was out of service, another carro charged there, or the servidor did not run, stood still
/// or could not write.
fn hindrances<'a>(
    run: &'a Run<'_>,
    row: &'a ReservaRow,
    posto_id: i64,
) -> impl Iterator<Item = Hindrance> + 'a {
    let others =
        run.charges(posto_id).iter().filter(|charge| charge.row.session.placa != row.placa);
    let charging = others.map(|charge| (charge.inicio(), charge.ended_by));
    let outs = run.outs.get(&posto_id).into_iter().flatten().map(|out| out.possible);
    // One that is due and not recorded when the servidor is killed has the carro wait anew.
    let sweep = run.conditions.sweep;
    let outages = run.outages.iter().map(move |(from, until)| (from - sweep, *until));
    let standstills = during(run, run.freezes).filter(|(from, until)| until - from > STANDSTILL);
    let anew = charging.chain(outs).chain(outages).chain(standstills);
    let anew = anew.map(|(from, until)| Hindrance { from, until, begins_anew: true });
    anew.chain(during(run, run.stalls).map(|(from, until)| Hindrance {
        from,
        until,
        begins_anew: until - from > STANDSTILL,
    }))
}

/// When such faults may have kept the servidor from writing: the next sweep finds that one is over.
fn during<'a>(run: &Run<'_>, faults: &'a [Window]) -> impl Iterator<Item = Window> + 'a {
    let Conditions { sweep, slack, .. } = *run.conditions;
    faults.iter().map(move |(from, until)| (from - slack, until + sweep))
}
