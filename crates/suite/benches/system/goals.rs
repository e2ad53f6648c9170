//! The goals of a run, as ratios between its measurements.

use super::BARE;
use super::pages;
use super::report::{Goal, Report, Row};
use super::scenarios::{COMPARED, ROUNDS};
use super::stats::Stats;
use super::traces::{self, TRACED, UNTRACED};

/// What the medians of the ratios of all rounds are called, in the order of [`COMPARED`].
const OF_VERSION_BEFORE: [&str; COMPARED.len()] = [
    "POST /reservar, one caller, of the version before",
    "POST /reservar, 64 callers, of the version before",
    "GET /postos of 1,000, unchanged, 64 callers, of the version before",
    "GET /postos of 1,000, unchanged, one caller, of the version before",
    "GET /postos of 1,000 after a reserva, 64 callers, of the version before",
    "GET /postos of 1,000 after a reserva, one caller, of the version before",
];

/// The goals whose measurements are in this run.
pub(crate) fn of(report: &Report) -> Vec<Goal> {
    let rate = |name: &str, callers| report.find(name, callers).map(|row| row.stats.per_second());
    let median =
        |name: &str, callers| report.find(name, callers).map(|row| row.stats.percentile(50.0));
    let bare = rate(BARE, 64);
    let mut goals = Vec::new();
    let mut at_least = |what, goal: f64, reached: Option<f64>| {
        goals.extend(reached.map(|reached| Goal {
            what,
            goal: format!("at least {goal}"),
            reached: format!("{reached:.2}"),
            met: reached >= goal,
        }));
    };
    let difusao = "POST /reservar, difusao";
    at_least("difusao, 64 callers, of bare round trips", 0.55, ratio(rate(difusao, 64), bare));
    let direta = rate("POST /reservar, direta", 256);
    at_least("direta, 256 callers, of bare round trips", 1.0, ratio(direta, bare));
    let listings = rate("GET /postos, 100", 64);
    at_least("GET /postos of 100, 64 callers, of bare round trips", 0.35, ratio(listings, bare));
    let (many, two) = (rate("32 servers, direta", 64), rate("2 servers, direta", 64));
    at_least("32 servers of 2, direta, all asked", 0.9, ratio(many, two));
    let few_of_many = rate("32 servers, 2 of them asked, direta", 64);
    at_least("32 servers of 2, direta, 2 asked", 0.9, ratio(few_of_many, two));
    at_least("a million past reservas of none", 0.9, past_of_none(report, Stats::per_second));

    for ((name, _, callers), what) in COMPARED.into_iter().zip(OF_VERSION_BEFORE) {
        let rate = |version, round| rate(&format!("{name}, {version}, round {round}"), callers);
        let ratios = (1..=ROUNDS).map(|round| ratio(rate("after", round), rate("before", round)));
        at_least(what, 0.95, middle(ratios));
    }

    for (case, goal, what) in [
        (TRACED[0], 0.95, "POST /reservar, 64 callers, a hundredth traced, of untraced"),
        (TRACED[1], 0.7, "POST /reservar, 64 callers, all traced, of untraced"),
        (TRACED[2], 0.7, "POST /reservar, 64 callers, collector away, of untraced"),
    ] {
        let rate = |case, round| rate(&traces::name(case, round), 64);
        let ratios = (1..=ROUNDS).map(|round| ratio(rate(case, round), rate(UNTRACED, round)));
        at_least(what, goal, middle(ratios));
    }

    let mut at_most = |what, goal: f64, reached: Option<f64>| {
        goals.extend(reached.map(|reached| Goal {
            what,
            goal: format!("at most {goal:.2}"),
            reached: format!("{reached:.2}"),
            met: reached <= goal,
        }));
    };
    let tail =
        report.find(difusao, 64).map(|row| row.stats.percentile(99.0) / row.stats.percentile(50.0));
    at_most("difusao, 64 callers: p99 of p50", 6.0, tail);
    let p99 = past_of_none(report, |stats| stats.percentile(99.0));
    at_most("a million past reservas of none: p99", 1.1, p99);
    let changes = report.rows.iter().filter(|row| row.name.starts_with(pages::CHANGE));
    let slowest = changes.map(|row| row.stats.percentile(100.0)).reduce(f64::max);
    at_most("a change reaches the last of 1,000 pages, in ms", 1_000.0, slowest);
    if let (Some(trip), Some(sync)) = (median(BARE, 1), median("fdatasync", 1)) {
        at_most("one caller, p50 in ms", 2.0 * trip + sync, median(difusao, 1));
    }
    let peak = |kind: &str| {
        let peak = |row: &Row| row.usage.get(kind).map(|usage| usage.peak_mib);
        let at_most_callers = report.rows.iter().filter(|row| row.callers == 1024);
        at_most_callers.filter_map(peak).reduce(f64::max)
    };
    at_most("peak MiB of the gateway at 1,024 callers", 64.0, peak("gateway"));
    at_most("peak MiB of a server at 1,024 callers", 64.0, peak("server"));
    at_most("idle MiB of the gateway", 20.0, report.idle.map(|idle| idle.0));
    at_most("idle MiB of a server", 20.0, report.idle.map(|idle| idle.1));
    goals
}

/// The middle of the rounds.
fn past_of_none(report: &Report, figure: impl Fn(&Stats) -> f64) -> Option<f64> {
    let of = |name: &str, round| {
        report.find(&format!("{name}, round {round}"), 64).map(|row| figure(&row.stats))
    };
    let rounds = 1..=ROUNDS;
    middle(rounds.map(|round| ratio(of("a million past reservas", round), of("no past", round))))
}

fn middle(ratios: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut ratios: Vec<f64> = ratios.flatten().collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied()
}

fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? / other?)
}
