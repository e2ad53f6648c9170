//! The goals of a run, as ratios between its measurements, and what is computed beside them.

use super::BARE;
use super::pages;
use super::plain;
use super::report::{Goal, Report, Row};
use super::scenarios::{COMPARED, GATEWAYS, ROUNDS, SERVERS, gateways_name};
use super::stats::Stats;
use super::traces::{self, TRACED, UNTRACED};
use super::wrk::{self, OWN, WRK};

/// What the medians of the ratios of all rounds are called, in the order of [`COMPARED`].
const OF_VERSION_BEFORE: [&str; COMPARED.len()] = [
    "POST /reservar, one caller, of the version before",
    "POST /reservar, 64 callers, of the version before",
    "GET /postos of 1,000, unchanged, 64 callers, of the version before",
    "GET /postos of 1,000, unchanged, one caller, of the version before",
    "GET /postos of 1,000 after a reserva, 64 callers, of the version before",
    "GET /postos of 1,000 after a reserva, one caller, of the version before",
];
const PROGRAMS: [&str; 3] = ["gateway", "broker", "server"];
const DIFUSAO: &str = "POST /reservar, difusao";

/// Adds the goals whose measurements are in this run, and the ratios that have no goal.
pub(crate) fn add(report: &mut Report) {
    let run = Run(report);
    let mut goals = Vec::new();
    run.throughput(&mut goals);
    run.rounds(&mut goals);
    run.latency(&mut goals);
    run.resources(&mut goals);
    let mut notes = run.ratios();
    notes.extend(run.further_servidor());
    for note in notes {
        report.note(note);
    }
    report.goals = goals;
}

struct Run<'a>(&'a Report);

impl Run<'_> {
    fn figure(&self, name: &str, callers: usize, of: impl Fn(&Row) -> f64) -> Option<f64> {
        self.0.find(name, callers).map(of)
    }

    fn rate(&self, name: &str, callers: usize) -> Option<f64> {
        self.figure(name, callers, |row| row.stats.per_second())
    }

    fn p50(&self, name: &str, callers: usize) -> Option<f64> {
        self.figure(name, callers, |row| row.stats.percentile(50.0))
    }

    fn throughput(&self, goals: &mut Vec<Goal>) {
        let bare = self.rate(BARE, 64);
        let two = self.rate("2 servers, direta", 64);
        for (what, goal, one, other) in [
            ("difusao, 64 callers, of bare round trips", 0.55, self.rate(DIFUSAO, 64), bare),
            (
                "direta, 256 callers, of bare round trips",
                1.0,
                self.rate("POST /reservar, direta", 256),
                bare,
            ),
            (
                "GET /postos of 100, 64 callers, of bare round trips",
                0.35,
                self.rate("GET /postos, 100", 64),
                bare,
            ),
            ("32 servers of 2, direta, all asked", 0.9, self.rate("32 servers, direta", 64), two),
            (
                "32 servers of 2, direta, 2 asked",
                0.9,
                self.rate("32 servers, 2 of them asked, direta", 64),
                two,
            ),
        ] {
            at_least(goals, what, goal, ratio(one, other));
        }
    }

    /// The medians of comparisons that were made in rounds.
    fn rounds(&self, goals: &mut Vec<Goal>) {
        let past = self.past_of_none(Stats::per_second);
        at_least(goals, "a million past reservas of none", 0.9, past);
        let p99 = self.past_of_none(|stats| stats.percentile(99.0));
        at_most(goals, "a million past reservas of none: p99", 1.1, p99);
        for ((name, _, callers), what) in COMPARED.into_iter().zip(OF_VERSION_BEFORE) {
            let rate =
                |version, round| self.rate(&format!("{name}, {version}, round {round}"), callers);
            let reached = median(|round| ratio(rate("after", round), rate("before", round)));
            at_least(goals, what, 0.95, reached);
        }
        for (case, goal, what) in [
            (TRACED[0], 0.95, "POST /reservar, 64 callers, a hundredth traced, of untraced"),
            (TRACED[1], 0.7, "POST /reservar, 64 callers, all traced, of untraced"),
            (TRACED[2], 0.7, "POST /reservar, 64 callers, collector away, of untraced"),
        ] {
            let rate = |case, round| self.rate(&traces::name(case, round), 64);
            let reached = median(|round| ratio(rate(case, round), rate(UNTRACED, round)));
            at_least(goals, what, goal, reached);
        }
        for ((entrega, callers), what) in wrk::CASES.into_iter().zip([
            "difusao, 64 callers: wrk of the own generator",
            "direta, 256 callers: wrk of the own generator",
        ]) {
            let rate = |by, round| self.rate(&wrk::name(by, entrega, round), callers);
            within_15_percent(
                goals,
                what,
                median(|round| ratio(rate(WRK, round), rate(OWN, round))),
            );
        }
    }

    fn latency(&self, goals: &mut Vec<Goal>) {
        let tail = self.figure(DIFUSAO, 64, |row| row.stats.percentile(99.0));
        let tail = ratio(tail, self.p50(DIFUSAO, 64));
        at_most(goals, "difusao, 64 callers: p99 of p50", 6.0, tail);
        let changes = self.0.rows.iter().filter(|row| row.name.starts_with(pages::CHANGE));
        let slowest = changes.map(|row| row.stats.percentile(100.0)).reduce(f64::max);
        at_most(goals, "a change reaches the last of 1,000 pages, in ms", 1_000.0, slowest);
        if let (Some(trip), Some(sync)) = (self.p50(BARE, 1), self.p50("fdatasync", 1)) {
            let what = "one caller, p50 in ms, of two bare round trips and one fdatasync";
            at_most(goals, what, 2.0 * trip + sync, self.p50(DIFUSAO, 1));
        }
    }

    fn resources(&self, goals: &mut Vec<Goal>) {
        let shared = |row: &Row| row.cpu_millis(&["gateway", "broker"]);
        let two = self.figure("2 servers, direta", 64, shared);
        // 32 callers for each servidor, as with two of them: as many commands can share a message.
        let all = self.figure("32 servers, direta", 1024, shared);
        let what = "32 servers of 2, direta, 32 callers each: processor time of gateway and broker";
        at_most(goals, what, 1.2, ratio(all, two));
        let crowded = self.figure("2 servers, direta", 1024, shared);
        let what = "32 servers of 2, direta, 1,024 callers: processor time of gateway and broker";
        at_most(goals, what, 1.2, ratio(all, crowded));
        let few = self.figure("32 servers, 2 of them asked, direta", 64, shared);
        let what = "32 servers of 2, direta, 2 asked: processor time of gateway and broker";
        at_most(goals, what, 1.2, ratio(few, two));
        let peak = |kind: &str| {
            let peak = |row: &Row| row.usage.get(kind).map(|usage| usage.peak_mib);
            let at_most_callers = self.0.rows.iter().filter(|row| row.callers == 1024);
            at_most_callers.filter_map(peak).reduce(f64::max)
        };
        at_most(goals, "peak MiB of the gateway at 1,024 callers", 64.0, peak("gateway"));
        at_most(goals, "peak MiB of a server at 1,024 callers", 64.0, peak("server"));
        at_most(goals, "idle MiB of the gateway", 20.0, self.0.idle.map(|idle| idle.0));
        at_most(goals, "idle MiB of a server", 20.0, self.0.idle.map(|idle| idle.1));
    }

    fn past_of_none(&self, figure: impl Fn(&Stats) -> f64) -> Option<f64> {
        let of = |name: &str, round| {
            self.figure(&format!("{name}, round {round}"), 64, |row| figure(&row.stats))
        };
        median(|round| ratio(of("a million past reservas", round), of("no past", round)))
    }

    /// Medians of rounds that have no goal of their own.
    fn ratios(&self) -> Vec<String> {
        let mut ratios = Vec::new();
        let mut add = |what: String, reached: Option<f64>| {
            ratios.extend(reached.map(|reached| format!("{what}: {reached:.2}")));
        };
        for entrega in ["difusao", "direta"] {
            for callers in [64, 256] {
                let rate = |which, round| self.rate(&gateways_name(entrega, which, round), callers);
                let reached =
                    median(|round| ratio(rate(GATEWAYS[1], round), rate(GATEWAYS[0], round)));
                add(format!("{entrega}, {callers} callers, two gateways of one"), reached);
            }
        }
        for (entrega, callers) in wrk::CASES {
            for by in [OWN, WRK] {
                let reached = median(|round| {
                    let rate = self.rate(&wrk::name(by, entrega, round), callers);
                    ratio(rate, self.rate(&wrk::bare_name(round), 64))
                });
                add(format!("{entrega}, {callers} callers, {by}, of bare round trips"), reached);
            }
        }
        let callers = plain::OUTSTANDING;
        for (version, _) in plain::VERSIONS {
            let reached = median(|round| {
                let rate = self.rate(&plain::name(version, round), callers);
                ratio(rate, self.rate(&plain::bare_name(version, round), callers))
            });
            add(format!("commands by {version}, of bare round trips by it"), reached);
        }
        let rate = |version, round| self.rate(&plain::name(version, round), callers);
        let [old, new] = plain::VERSIONS.map(|(name, _)| name);
        let reached = median(|round| ratio(rate(old, round), rate(new, round)));
        add(format!("commands by {old} of those by {new}"), reached);
        ratios
    }

    /// What each further servidor costs a request by `difusao`.
    fn further_servidor(&self) -> Option<String> {
        let cost = |programs: &[&str]| {
            let points = SERVERS.map(|servers| {
                let name = format!("{servers} servers, difusao");
                let millis = self.figure(&name, 64, |row| row.cpu_millis(programs))?;
                Some((servers as f64, millis))
            });
            points.into_iter().collect::<Option<Vec<_>>>().map(|points| slope(&points))
        };
        let all = cost(&PROGRAMS)?;
        let each = PROGRAMS.map(|program| Some(format!("{program} {:.4}", cost(&[program])?)));
        let each = each.into_iter().collect::<Option<Vec<_>>>()?.join(", ");
        Some(format!(
            "difusao, processor ms that each further servidor costs a request \
             (least squares over {SERVERS:?}): {all:.4} ({each})"
        ))
    }
}

fn at_least(goals: &mut Vec<Goal>, what: &'static str, goal: f64, reached: Option<f64>) {
    add_goal(goals, what, format!("at least {goal}"), reached, |reached| reached >= goal);
}

fn at_most(goals: &mut Vec<Goal>, what: &'static str, goal: f64, reached: Option<f64>) {
    add_goal(goals, what, format!("at most {goal:.2}"), reached, |reached| reached <= goal);
}

fn within_15_percent(goals: &mut Vec<Goal>, what: &'static str, reached: Option<f64>) {
    let range = 0.85..=1.15;
    add_goal(goals, what, "0.85 to 1.15".to_owned(), reached, |reached| range.contains(&reached));
}

fn add_goal(
    goals: &mut Vec<Goal>,
    what: &'static str,
    goal: String,
    reached: Option<f64>,
    is_met: impl Fn(f64) -> bool,
) {
    goals.extend(reached.map(|reached| Goal {
        what,
        goal,
        reached: format!("{reached:.2}"),
        met: is_met(reached),
    }));
}

/// The median of the rounds.
fn median(of_round: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let mut ratios: Vec<f64> = (1..=ROUNDS).filter_map(of_round).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied()
}

fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? / other?)
}

/// Of the line through these points with the least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x_sum, y_sum) = points.iter().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
    let (x_mean, y_mean) = (x_sum / count, y_sum / count);
    let products = points.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum::<f64>();
    products / points.iter().map(|(x, _)| (x - x_mean).powi(2)).sum::<f64>()
}
