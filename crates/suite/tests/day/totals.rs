//! A day in numbers.

use std::collections::BTreeMap;

use super::decimal::Decimal;
use super::plan::HOUR;
use super::run::Played;
use super::site::{Answer, What};

/// Into so many parts the day is cut for the plot.
const PARTS: i64 = 144;

/// What the same plan must come to again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Totals {
    pub(crate) trips: usize,
    pub(crate) asked: usize,
    /// By call: how it was answered in the end.
    pub(crate) answers: BTreeMap<String, usize>,
    /// Refused reservations and sessions, by `codigo`.
    pub(crate) refusals: BTreeMap<String, usize>,
    /// What became of those whose posto was taken out of service, by `resultado`.
    pub(crate) handled: BTreeMap<String, usize>,
    /// By their last state.
    pub(crate) reservas: BTreeMap<String, usize>,
    pub(crate) sessions: usize,
    /// Those of carros that had no reserva there.
    pub(crate) walk_ins: usize,
    pub(crate) energy: Decimal,
    pub(crate) brl: Decimal,
}

pub(crate) fn totals(played: &Played) -> Totals {
    let Played { day, evidence, .. } = played;
    let mut answers = BTreeMap::<String, usize>::new();
    let mut refusals = BTreeMap::<String, usize>::new();
    for call in &evidence.history {
        if matches!(call.what, What::List | What::Consult) {
            continue;
        }
        let name = name(&call.what);
        *answers.entry(format!("{name}: {}", outcome(&call.answer))).or_default() += 1;
        let counts = matches!(call.what, What::Reserve { .. } | What::Start { .. });
        if counts && call.answer.status == 409 {
            *refusals.entry(call.answer.codigo().to_owned()).or_default() += 1;
        }
    }
    let out_of_service = evidence.history.iter().filter(|call| {
        matches!(call.what, What::Service { works: false, .. }) && call.answer.is_success()
    });
    let mut handled = BTreeMap::<String, usize>::new();
    for one in out_of_service.filter_map(|call| call.answer.json["reservas"].as_array()).flatten() {
        let resultado = one["resultado"].as_str().unwrap_or_default();
        *handled.entry(resultado.to_owned()).or_default() += 1;
    }
    let mut reservas = BTreeMap::<String, usize>::new();
    for row in &evidence.database.reservas {
        *reservas.entry(row.status.clone()).or_default() += 1;
    }
    let sessions = &evidence.database.sessions;
    let zero = Decimal::new(0, 0);
    let sum = |amount: fn(&super::database::SessionRow) -> Option<f64>| {
        let amounts = sessions.iter().filter_map(amount).filter_map(Decimal::of);
        amounts.fold(zero, Decimal::plus)
    };
    Totals {
        trips: day.trips.len(),
        asked: day.trips.iter().filter(|trip| trip.reservation.is_some()).count(),
        answers,
        refusals,
        handled,
        reservas,
        sessions: sessions.len(),
        walk_ins: sessions.iter().filter(|session| session.reserva.is_none()).count(),
        energy: sum(|session| session.energy),
        brl: sum(|session| session.cost),
    }
}

fn name(what: &What) -> &'static str {
    match what {
        What::Estimate { .. } => "estimativa",
        What::Reserve { .. } => "reservar",
        What::Change { .. } => "alteração",
        What::Cancel => "cancelar",
        What::Consult => "consulta",
        What::List => "lista",
        What::Start { .. } => "início de carregamento",
        What::Finish { .. } => "fim de carregamento",
        What::Report { .. } => "carregamento informado depois",
        What::Service { .. } => "serviço do posto",
        What::Price { .. } => "preço",
    }
}

fn outcome(answer: &Answer) -> String {
    match answer.status {
        200..300 => "sucesso".to_owned(),
        0 => "no answer".to_owned(),
        _ => answer.codigo().to_owned(),
    }
}

/// Of the site, over the day: how many postos were held, and how many had a carro that charged, on
/// average over each part of the day.
pub(crate) struct Occupancy {
    /// Hours from the begin of the day, postos.
    pub(crate) held: Vec<(f64, f64)>,
    pub(crate) charging: Vec<(f64, f64)>,
}

impl Occupancy {
    pub(crate) fn of(played: &Played) -> Self {
        let timelines = &played.checked.timelines;
        let held = timelines.iter().flat_map(|timeline| {
            timeline.in_force().map(|(version, until, _)| {
                (version.inicio.max(version.since.1), version.held_until().min(until))
            })
        });
        let sessions = &played.evidence.database.sessions;
        let charging =
            sessions.iter().map(|session| (session.inicio, session.fim.unwrap_or(i64::MAX)));
        Self { held: averages(played, held), charging: averages(played, charging) }
    }

    /// Posto-hours.
    pub(crate) fn sum(series: &[(f64, f64)], length: i64) -> f64 {
        let total: f64 = series.iter().map(|(_, postos)| postos).sum();
        total * (length / PARTS) as f64 / HOUR as f64
    }
}

fn averages(played: &Played, intervals: impl Iterator<Item = (i64, i64)>) -> Vec<(f64, f64)> {
    let intervals: Vec<(i64, i64)> = intervals.collect();
    let part = played.day.length / PARTS;
    let average = |number: i64| {
        let (from, to) = (played.begin + number * part, played.begin + (number + 1) * part);
        let within =
            intervals.iter().map(|(begin, end)| (*end.min(&to) - *begin.max(&from)).max(0));
        let middle = (number * part + part / 2) as f64 / HOUR as f64;
        (middle, within.sum::<i64>() as f64 / part as f64)
    };
    (0..PARTS).map(average).collect()
}
