//! What each reserva held at each moment, from what was published for its client and from its last
//! row.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::clock::read;
use super::database::ReservaRow;
use super::listener::PrivateEvent;
use super::plan::MINUTE;
use super::site::{Call, What};

/// An event says when it was written into a message. The change was on disk before, by no more than
/// this: 1.5 s of real time.
const EVENT_DELAY: i64 = 150_000;

/// How long a change may take to be on disk of which there is neither answer nor event: 10 s of real
/// time.
pub(crate) const UNKNOWN: i64 = 1_000_000;

/// A reserva after one of its changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Version {
    pub(crate) versao: i64,
    pub(crate) posto: i64,
    pub(crate) inicio: i64,
    pub(crate) fim: i64,
    pub(crate) status: String,
    pub(crate) desde: i64,
    pub(crate) livre_desde: Option<i64>,
    /// When it became so, at the earliest and at the latest.
    pub(crate) since: (i64, i64),
    /// By then it was on disk. What reads may not have seen it before.
    pub(crate) seen: i64,
}

/// Who says that a posto is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// What decides knows of every change before.
    Decision,
    /// What reads knows of every change that is on disk.
    Reading,
}

impl Version {
    /// Until when it holds its posto from `inicio`; that is `inicio` if it holds nothing.
    pub(crate) fn held_until(&self) -> i64 {
        match self.status.as_str() {
            "cancelada" | "nao_compareceu" => self.inicio,
            _ => self.livre_desde.map_or(self.fim, |free| free.min(self.fim)).max(self.inicio),
        }
    }

    /// Whether it may have held something of `interval` at a moment of `during`, if it may have
    /// been in force `until` then.
    fn could_hold(&self, until: i64, during: (i64, i64), interval: (i64, i64)) -> bool {
        let first = during.0.max(self.since.0);
        let from = self.inicio.max(interval.0).max(first);
        first <= during.1.min(until) && from < self.held_until().min(interval.1)
    }
}

/// A reserva from its making to the end of the day.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    pub(crate) row: ReservaRow,
    /// Those that are known; the last is always.
    pub(crate) versions: Vec<Version>,
    /// Those that were not published.
    pub(crate) unpublished: Vec<i64>,
}

impl Timeline {
    /// Each version with the moment until which it may have been in force, and that until which it
    /// certainly was.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = (&Version, i64, i64)> {
        self.with_next().map(|(version, next)| match next {
            None => (version, i64::MAX, i64::MAX),
            Some(next) if next.versao == version.versao + 1 => {
                (version, next.since.1, next.since.0)
            }
            // What was in between is not known.
            Some(next) => (version, next.since.1, version.since.1),
        })
    }

    fn with_next(&self) -> impl Iterator<Item = (&Version, Option<&Version>)> {
        self.versions.iter().zip(self.versions.iter().skip(1).map(Some).chain([None]))
    }

    /// Whether it may have held something of this interval at a moment of `during`.
    pub(crate) fn could_hold(
        &self,
        by: By,
        posto: i64,
        during: (i64, i64),
        interval: (i64, i64),
    ) -> bool {
        let here = |version: &Version| version.posto == posto || self.is_incomplete();
        self.with_next().filter(|(version, _)| here(version)).any(|(version, next)| {
            let until = next.map_or(i64::MAX, |next| match by {
                By::Reading if next.status != "nao_compareceu" => next.seen,
                // An absence counts from its instant, whether or not it is on disk.
                By::Decision | By::Reading => next.since.1,
            });
            version.could_hold(until, during, interval)
        })
    }

    /// Whether it certainly held the posto during all of this time.
    pub(crate) fn held(&self, by: By, posto: i64, (from, to): (i64, i64)) -> bool {
        self.in_force().any(|(version, _, certain)| {
            let since = match by {
                By::Decision => version.since.1,
                By::Reading => version.seen,
            };
            version.posto == posto
                && since <= from
                && to <= certain
                && version.inicio <= from
                && to <= version.held_until()
        })
    }

    /// Whether it may have been shown so at a moment of `during`.
    pub(crate) fn could_show(
        &self,
        during: (i64, i64),
        is_shown: impl Fn(&Version) -> bool,
    ) -> bool {
        self.with_next().any(|(version, next)| {
            let until = next.map_or(i64::MAX, |next| next.seen);
            version.since.0 <= during.1 && during.0 <= until && is_shown(version)
        })
    }

    fn is_incomplete(&self) -> bool {
        self.versions.len() < usize::try_from(self.row.versao).expect("a small number")
    }
}

/// The timelines of all reservas, and what is wrong with the events about them.
pub(crate) fn timelines(
    rows: &[ReservaRow],
    published: &[PrivateEvent],
    calls: &[Call],
) -> (Vec<Timeline>, Vec<String>) {
    let answered = calls
        .iter()
        .filter(|call| matches!(call.what, What::Reserve { .. }) && call.answer.is_success());
    let answered: HashMap<&str, i64> = answered
        .filter_map(|call| Some((call.answer.json["request_id"].as_str()?, call.ended)))
        .collect();
    let mut wrong = Vec::new();
    let mut events: HashMap<i64, BTreeMap<i64, &PrivateEvent>> = HashMap::new();
    for one in published {
        let (id, versao) = (one.event["id"].as_i64(), one.event["versao"].as_i64());
        let (Some(id), Some(versao)) = (id, versao) else {
            wrong.push(format!("an event cannot be read: {one:?}"));
            continue;
        };
        let known = events.entry(id).or_default();
        // QoS 1: it may come twice, and then says the same.
        if known.insert(versao, one).is_some_and(|before| before.event != one.event) {
            wrong.push(format!("two events with one version: {one:?}"));
        }
    }
    let timelines = rows.iter().map(|row| {
        let events = events.remove(&row.id).unwrap_or_default();
        let seen = answered.get(row.request_id.as_str()).copied();
        timeline(row, seen, &events, &mut wrong)
    });
    let timelines: Vec<Timeline> = timelines.collect();
    for (id, events) in events {
        wrong.push(format!("events of reserva {id}, which there is not: {events:?}"));
    }
    (timelines, wrong)
}

fn timeline(
    row: &ReservaRow,
    seen: Option<i64>,
    events: &BTreeMap<i64, &PrivateEvent>,
    wrong: &mut Vec<String>,
) -> Timeline {
    let (posto, inicio, fim, _) = row.first.unwrap_or((row.posto, row.inicio, row.fim, row.price));
    let made = row.created_at;
    let mut versions = vec![Version {
        versao: 1,
        posto,
        inicio,
        fim,
        status: "ativa".to_owned(),
        desde: made,
        livre_desde: None,
        since: (made, made),
        seen: seen.unwrap_or(made + UNKNOWN),
    }];
    let mut unpublished = Vec::new();
    for versao in 2..=row.versao {
        let published =
            events.get(&versao).map(|published| version_of(&published.event, &versions));
        match published {
            Some(Some(version)) => versions.push(version),
            Some(None) => wrong.push(format!("an event cannot be read: {:?}", events[&versao])),
            None => {
                unpublished.push(versao);
                if versao == row.versao {
                    versions.push(last_of(row, &versions));
                }
            }
        }
    }
    for (versao, published) in events {
        let is_of_row = published.event["request_id"] == row.request_id.as_str()
            && published.event["placa"] == row.placa.as_str()
            && published.client_id == row.client_id;
        if *versao < 2 || *versao > row.versao || !is_of_row {
            wrong.push(format!("not an event of {row:?}: {published:?}"));
        }
    }
    if let Some(last) = versions.last()
        && !is_as_recorded(last, row)
    {
        wrong.push(format!("{last:?} was published, and recorded is {row:?}"));
    }
    Timeline { row: row.clone(), versions, unpublished }
}

/// A reserva of a message, with what was known of it before.
fn version_of(event: &Value, before: &[Version]) -> Option<Version> {
    let mut version = Version {
        versao: event["versao"].as_i64()?,
        posto: event["posto_id"].as_i64()?,
        inicio: read(&event["inicio"])?,
        fim: read(&event["fim"])?,
        status: event["status"].as_str()?.to_owned(),
        desde: read(&event["desde"])?,
        livre_desde: read(&event["livre_desde"]),
        since: (0, 0),
        // An event is written after that.
        seen: read(&event["timestamp"])?,
    };
    version.since = since(&version, before.last()?, version.seen);
    Some(version)
}

/// When a change took place that was published at `published`.
fn since(version: &Version, before: &Version, published: i64) -> (i64, i64) {
    match version.livre_desde {
        Some(free) if before.livre_desde.is_none() => (free, free),
        // A session that is reported later began before what was known until then.
        _ if version.status != before.status => {
            let desde = version.desde.max(before.since.0);
            (desde, desde)
        }
        _ => ((published - EVENT_DELAY).max(before.since.0), published),
    }
}

fn last_of(row: &ReservaRow, before: &[Version]) -> Version {
    let mut version = Version {
        versao: row.versao,
        posto: row.posto,
        inicio: row.inicio,
        fim: row.fim,
        status: row.status.clone(),
        desde: if row.status == "encerrada" { row.fim } else { row.desde },
        livre_desde: row.livre_desde,
        since: (0, 0),
        seen: row.updated_at + UNKNOWN,
    };
    if let Some(before) = before.last() {
        version.since = since(&version, before, row.updated_at.max(before.since.0) + MINUTE);
    }
    version
}

fn is_as_recorded(version: &Version, row: &ReservaRow) -> bool {
    version.versao == row.versao
        && version.posto == row.posto
        && (version.inicio, version.fim) == (row.inicio, row.fim)
        && version.status == row.status
        && version.livre_desde == row.livre_desde
}
