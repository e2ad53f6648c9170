//! Compares the day with what must be true of it.

use super::database::{Database, SessionRow};
use super::listener::PrivateEvent;
use super::money;
use super::plan::{Day, MINUTE};
use super::site::{Answer, Call, What};
use super::timelines::{By, Timeline, timelines};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A posto is held by two carros, or two carros charge at it.
    HeldTwice,
    /// A carro is refused a posto that nobody holds, or a posto is listed as what it is not.
    HeldByNobody,
    /// A change that the client did not hear of, and that no fault explains.
    NotPublished,
    /// The client heard, or was answered, what is not so.
    PublishedWrongly,
    /// An amount differs from the reference.
    Money,
    /// An answer that no plan leads to.
    Unexpected,
}

#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    pub(crate) what: String,
}

/// All that is known of a day when it is over. Times are those of the simulated clock.
pub(crate) struct Evidence {
    pub(crate) history: Vec<Call>,
    pub(crate) database: Database,
    pub(crate) published: Vec<PrivateEvent>,
    /// What each reserva was when the day was over.
    pub(crate) consulted: Vec<Consulted>,
    /// When a message to the listener may have been lost.
    pub(crate) losses: Vec<(i64, i64)>,
}

pub(crate) struct Consulted {
    pub(crate) request_id: String,
    pub(crate) during: (i64, i64),
    pub(crate) answer: Answer,
}

pub(crate) struct Checked {
    pub(crate) violations: Vec<Violation>,
    pub(crate) timelines: Vec<Timeline>,
}

pub(crate) fn check(day: &Day, evidence: &Evidence) -> Checked {
    let (timelines, wrong) =
        timelines(&evidence.database.reservas, &evidence.published, &evidence.history);
    let scene = Scene {
        timelines: &timelines,
        sessions: &evidence.database.sessions,
        calls: &evidence.history,
    };
    let mut violations = Vec::new();
    let mut add = |kind, found: Vec<String>| {
        violations.extend(found.into_iter().map(|what| Violation { kind, what }));
    };
    add(Kind::PublishedWrongly, wrong);
    add(Kind::HeldTwice, held_twice(&scene));
    add(Kind::HeldByNobody, super::refusals::held_by_nobody(&scene));
    add(Kind::NotPublished, not_published(&timelines, &evidence.losses));
    add(Kind::PublishedWrongly, consulted_wrong(&timelines, &evidence.consulted));
    add(Kind::Money, money::wrong(day, evidence));
    add(Kind::Unexpected, unexpected(&evidence.history));
    Checked { violations, timelines }
}

/// Who held what, who charged where, and what was asked.
pub(crate) struct Scene<'a> {
    pub(crate) timelines: &'a [Timeline],
    pub(crate) sessions: &'a [SessionRow],
    pub(crate) calls: &'a [Call],
}

/// When a session was reported that was over then, the attempts included.
pub(crate) fn reported(calls: &[Call], session: &SessionRow) -> Option<(i64, i64)> {
    let reports = calls.iter().filter(|call| {
        matches!(call.what, What::Report { posto, .. } if posto == session.posto)
            && call.placa == session.placa
            && session.fim.is_some_and(|fim| fim <= call.ended)
    });
    reports.map(|call| (call.started, call.ended)).reduce(|one, other| (one.0, other.1))
}

fn held_twice(scene: &Scene<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (place, one) in scene.timelines.iter().enumerate() {
        for other in &scene.timelines[place + 1..] {
            found.extend(both_hold(one, other));
        }
    }
    let end = |session: &SessionRow| session.fim.unwrap_or(i64::MAX);
    for (place, one) in scene.sessions.iter().enumerate() {
        for other in &scene.sessions[place + 1..] {
            let overlap = one.inicio.max(other.inicio) < end(one).min(end(other));
            if overlap && (one.posto == other.posto || one.placa == other.placa) {
                found.push(format!("two sessions at once: {one:?} and {other:?}"));
            }
        }
    }
    // One that was reported later is a fact, no matter who held the posto.
    let started =
        |call: &&Call| matches!(call.what, What::Start { .. }) && call.answer.is_success();
    for call in scene.calls.iter().filter(started) {
        let id = call.answer.json["id"].as_i64();
        let Some(session) = scene.sessions.iter().find(|session| Some(session.id) == id) else {
            found.push(format!("a session that was answered is not recorded: {call:?}"));
            continue;
        };
        let at = (session.inicio, session.inicio + 1);
        let holds = |timeline: &&Timeline| {
            timeline.row.placa != session.placa && timeline.held(By::Decision, session.posto, at)
        };
        if let Some(holder) = scene.timelines.iter().find(holds) {
            found.push(format!("{session:?} began where another held: {holder:?}"));
        }
    }
    found
}

fn both_hold(one: &Timeline, other: &Timeline) -> Option<String> {
    for (left, _, left_end) in one.in_force() {
        for (right, _, right_end) in other.in_force() {
            let both = left.since.1.max(right.since.1);
            let is_in_force = left.posto == right.posto && both < left_end.min(right_end);
            let from = left.inicio.max(right.inicio).max(both);
            if is_in_force && from < left.held_until().min(right.held_until()) {
                return Some(format!("from {from} both hold: {one:?} and {other:?}"));
            }
        }
    }
    None
}

fn not_published(timelines: &[Timeline], losses: &[(i64, i64)]) -> Vec<String> {
    let mut found = Vec::new();
    for timeline in timelines {
        for versao in &timeline.unpublished {
            let before = timeline.versions.iter().rfind(|version| version.versao < *versao);
            let after = timeline.versions.iter().find(|version| version.versao >= *versao);
            let from = before.map_or(timeline.row.created_at, |version| version.since.0);
            // A change is recorded at the latest when the row is written for the last time.
            let to = after.map_or(i64::MAX, |version| version.since.1).max(from);
            let to =
                to.max(if *versao == timeline.row.versao { timeline.row.updated_at } else { to });
            if !losses.iter().any(|(begin, end)| *begin <= to && from <= *end) {
                found.push(format!("version {versao} of {timeline:?}"));
            }
        }
    }
    found
}

/// A consulta shows what is so at that moment, whatever was lost before.
fn consulted_wrong(timelines: &[Timeline], consulted: &[Consulted]) -> Vec<String> {
    let mut found = Vec::new();
    for Consulted { request_id, during, answer } in consulted {
        let reserva = &answer.json["reserva"];
        let timeline = timelines.iter().find(|timeline| timeline.row.request_id == *request_id);
        let is_so = timeline.is_some_and(|timeline| {
            timeline.could_show(*during, |version| {
                answer.status == 200
                    && reserva["status"] == version.status.as_str()
                    && reserva["posto_id"] == version.posto
                    && reserva["versao"] == version.versao
                    && super::clock::read(&reserva["inicio"]) == Some(version.inicio)
                    && super::clock::read(&reserva["fim"]) == Some(version.fim)
            })
        });
        if !is_so {
            found
                .push(format!("consulted in {during:?}: {answer:?}, and recorded is {timeline:?}"));
        }
    }
    found
}

/// Refusals that the plan cannot lead to, and calls that were never answered.
fn unexpected(calls: &[Call]) -> Vec<String> {
    let mut found = Vec::new();
    for call in calls {
        let wrong = match (&call.what, call.answer.status) {
            (_, status) if (200..300).contains(&status) => false,
            (_, 0 | 500 | 502..) => false,
            (_, 409) => false,
            // By the time that it was settled, what it wanted was over.
            (What::Reserve { inicio, .. }, 422) => call.ended < inicio + 5 * MINUTE,
            (What::Change { had: (_, begun, _), .. }, 422) => call.ended < *begun,
            _ => true,
        };
        if wrong {
            found.push(format!("{call:?}"));
        }
    }
    found
}
