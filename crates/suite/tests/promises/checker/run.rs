//! One servidor's part of a run, indexed for the checks.

use std::collections::HashMap;

use super::service::{Out, outs};
use super::timelines::{Held, Timeline, timelines};
use super::violations::Conditions;
use crate::evidence::{Database, ReservaRow, SessionRow};
use crate::history::{Call, Disposition, Operation, Outcome, Reserva, Window};

/// A session, and the ends of the first calls that showed its begin and its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge<'a> {
    pub(super) row: &'a SessionRow,
    pub(super) begun_by: i64,
    pub(super) ended_by: i64,
}

impl Charge<'_> {
    pub(super) fn inicio(&self) -> i64 {
        self.row.session.inicio
    }

    pub(super) fn fim(&self) -> i64 {
        self.row.session.finished.map_or(i64::MAX, |finished| finished.fim)
    }
}

pub(super) struct Run<'a> {
    pub(super) calls: &'a [&'a Call],
    pub(super) database: &'a Database,
    pub(super) conditions: &'a Conditions,
    kills: &'a [i64],
    pub(super) outages: &'a [Window],
    pub(super) stalls: &'a [Window],
    pub(super) freezes: &'a [Window],
    pub(super) row_of: HashMap<&'a str, &'a ReservaRow>,
    pub(super) row_by_id: HashMap<i64, &'a ReservaRow>,
    pub(super) timelines: Vec<Timeline<'a>>,
    pub(super) timeline_of: HashMap<&'a str, usize>,
    pub(super) timelines_of_placa: HashMap<&'a str, Vec<usize>>,
    /// What was held of each posto, by its begin.
    pub(super) held: HashMap<i64, Vec<Held<'a>>>,
    pub(super) charges_at: HashMap<i64, Vec<Charge<'a>>>,
    /// From when until when each posto was out of service.
    pub(super) outs: HashMap<i64, Vec<Out>>,
    /// The operator's calls about each posto, in order of their start.
    pub(super) services: HashMap<i64, Vec<&'a Call>>,
    /// Reservation attempts by request, in order of their start.
    pub(super) attempts: HashMap<&'a str, Vec<&'a Call>>,
    /// As `attempts`, of changes.
    pub(super) changes: HashMap<&'a str, Vec<&'a Call>>,
    /// Attempts to cancel by the request of the reserva.
    pub(super) cancels: HashMap<&'a str, Vec<&'a Call>>,
    /// By request: end of the first call that showed the reserva, and that showed it as cancelled.
    pub(super) made_by: HashMap<&'a str, i64>,
    pub(super) cancelled_by: HashMap<&'a str, i64>,
    /// By request: what answers showed of the reserva as it was then, and when they ended.
    pub(super) shown: HashMap<&'a str, Vec<(&'a Call, &'a Reserva)>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        server_id: &str,
        calls: &'a [&'a Call],
        database: &'a Database,
        conditions: &'a Conditions,
    ) -> Self {
        let mut run = Self {
            calls,
            database,
            conditions,
            kills: conditions.kills.get(server_id).map_or(&[], Vec::as_slice),
            outages: conditions.outages.get(server_id).map_or(&[], Vec::as_slice),
            stalls: conditions.stalls.get(server_id).map_or(&[], Vec::as_slice),
            freezes: conditions.freezes.get(server_id).map_or(&[], Vec::as_slice),
            row_of: database.reservas.iter().map(|row| (row.request_id.as_str(), row)).collect(),
            row_by_id: database.reservas.iter().map(|row| (row.id, row)).collect(),
            timelines: Vec::new(),
            timeline_of: HashMap::new(),
            timelines_of_placa: HashMap::new(),
            held: HashMap::new(),
            charges_at: HashMap::new(),
            outs: HashMap::new(),
            services: HashMap::new(),
            attempts: HashMap::new(),
            changes: HashMap::new(),
            cancels: HashMap::new(),
            made_by: HashMap::new(),
            cancelled_by: HashMap::new(),
            shown: HashMap::new(),
        };
        for call in calls {
            run.note(call);
        }
        let by_request = run.attempts.values_mut().chain(run.changes.values_mut());
        for calls in by_request.chain(run.services.values_mut()) {
            calls.sort_by_key(|call| call.started);
        }
        run.outs = run.services.iter().map(|(posto_id, calls)| (*posto_id, outs(calls))).collect();
        run.note_sessions();
        run.note_timelines();
        run
    }

    fn note(&mut self, call: &'a Call) {
        if let Operation::Change { change_id, .. } = &call.operation {
            self.changes.entry(change_id).or_default().push(call);
        }
        if let Operation::Serve { posto_id, .. } = call.operation {
            self.services.entry(posto_id).or_default().push(call);
        }
        if let Outcome::Served(handled) = &call.outcome {
            for handled in handled.iter().filter(|handled| handled.resultado == "cancelada") {
                let request_id = self.row_by_id.get(&handled.id).map(|row| row.request_id.as_str());
                let seen = request_id.map(|id| self.cancelled_by.entry(id).or_insert(call.ended));
                seen.into_iter().for_each(|seen| earliest(seen, call.ended));
            }
        }
        let Some(request_id) = call.request_id.as_deref() else { return };
        match call.operation {
            Operation::Reserve { .. } => self.attempts.entry(request_id).or_default().push(call),
            Operation::Cancel => self.cancels.entry(request_id).or_default().push(call),
            _ => {}
        }
        if let Outcome::Reserva(reserva) = &call.outcome {
            earliest(self.made_by.entry(request_id).or_insert(call.ended), call.ended);
            if reserva.status == "cancelada" {
                earliest(self.cancelled_by.entry(request_id).or_insert(call.ended), call.ended);
            }
            // What is made or changed is answered as it was first.
            if matches!(call.operation, Operation::Cancel | Operation::Consult) {
                self.shown.entry(request_id).or_default().push((call, reserva));
            }
        }
    }

    fn note_sessions(&mut self) {
        let mut begun_by: HashMap<i64, i64> = HashMap::new();
        let mut ended_by: HashMap<i64, i64> = HashMap::new();
        for call in self.calls {
            let Outcome::Session(session) = &call.outcome else { continue };
            earliest(begun_by.entry(session.id).or_insert(call.ended), call.ended);
            if session.finished.is_some() {
                earliest(ended_by.entry(session.id).or_insert(call.ended), call.ended);
            }
        }
        for row in &self.database.sessions {
            let seen = |by: &HashMap<i64, i64>| by.get(&row.session.id).copied();
            let charge = Charge {
                row,
                begun_by: seen(&begun_by).unwrap_or(i64::MAX),
                ended_by: seen(&ended_by).unwrap_or(i64::MAX),
            };
            self.charges_at.entry(row.session.posto_id).or_default().push(charge);
        }
    }

    fn note_timelines(&mut self) {
        self.timelines = timelines(self);
        for (index, timeline) in self.timelines.iter().enumerate() {
            self.timeline_of.insert(timeline.row.request_id.as_str(), index);
            self.timelines_of_placa.entry(timeline.row.placa.as_str()).or_default().push(index);
            for span in &timeline.spans {
                let held = Held { row: timeline.row, span: *span };
                self.held.entry(span.posto_id).or_default().push(held);
            }
        }
        for held in self.held.values_mut() {
            held.sort_by_key(|held| held.span.window.0);
        }
    }

    pub(super) fn held(&self, posto_id: i64) -> &[Held<'a>] {
        self.held.get(&posto_id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn charges(&self, posto_id: i64) -> &[Charge<'a>] {
        self.charges_at.get(&posto_id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn timeline(&self, request_id: Option<&str>) -> Option<&Timeline<'a>> {
        self.timeline_of.get(request_id?).map(|index| &self.timelines[*index])
    }

    /// The operator's calls that take a posto out of service and do this with its reservas.
    pub(super) fn taking_out(
        &self,
        disposition: Disposition,
        posto_id: i64,
    ) -> impl Iterator<Item = &'a Call> {
        let calls = self.services.get(&posto_id).into_iter().flatten().copied();
        calls.filter(move |call| match call.operation {
            Operation::Serve { in_service, disposition: done, .. } => {
                !in_service && done == disposition
            }
            _ => false,
        })
    }

    /// Whether a posto may have been out of service at some moment of this time.
    pub(super) fn may_be_out(&self, posto_id: i64, time: Window) -> bool {
        let outs = self.outs.get(&posto_id).map_or(&[][..], Vec::as_slice);
        outs.iter().any(|out| touch(out.possible, time))
    }

    /// The last moment at which a call may have had its effect.
    pub(super) fn deadline(&self, call: &Call) -> i64 {
        let last = match call.outcome {
            // A gateway that took the call had sent its command by then, or never did.
            Outcome::Broken => call.ended + self.conditions.command_limit,
            _ => call.ended,
        };
        last + self.conditions.slack
    }

    /// Whether the effect at `moment` is that of a copy of a command that had failed, or of which it
    /// was not known whether it had: the servidor was killed between the two, and recent failures are
    /// only kept in memory.
    pub(super) fn was_forgotten(&self, call: &Call, moment: i64) -> bool {
        let failed = match &call.outcome {
            Outcome::Refused(why) => why == "servidor_indisponivel",
            // A servidor whose disk fails answers before the time limit.
            outcome => *outcome == Outcome::TimedOut,
        };
        // Only commands have copies.
        let is_command = !matches!(call.operation, Operation::Serve { .. });
        failed
            && is_command
            && moment <= call.started + self.conditions.command_limit + self.conditions.slack
            && self.kills.iter().any(|kill| call.started <= *kill && *kill <= moment)
    }

    /// Whether one of `calls` may have had an effect at `moment`.
    pub(super) fn may_have_acted(&self, calls: &[&Call], moment: i64) -> bool {
        calls.iter().any(|call| call.started <= moment && moment <= self.deadline(call))
    }
}

/// Whether the call may have had its effect, as far as its answer says.
pub(super) fn may_be_done(call: &Call) -> bool {
    call.outcome.is_unknown()
        || !matches!(call.outcome, Outcome::Refused(_) | Outcome::Malformed(_))
}

fn earliest(known: &mut i64, moment: i64) {
    *known = (*known).min(moment);
}

pub(super) fn overlap(one: Window, other: Window) -> bool {
    one.0 < other.1 && other.0 < one.1
}

/// As [`overlap`], of times whose last moments belong to them.
pub(super) fn touch(one: Window, other: Window) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}
