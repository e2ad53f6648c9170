//! The report of two days that differ in the tolerance alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::checks::{Kind, Violation};
use super::clock::SPEED;
use super::plan::HOUR;
use super::plot::{Plotted, svg};
use super::run::Played;
use super::totals::{Occupancy, Totals, totals};

pub(crate) struct Report {
    hours: i64,
    seed: u64,
    days: [(Played, Totals, Occupancy); 2],
}

impl Report {
    pub(crate) fn of(days: [Played; 2]) -> Self {
        let (hours, seed) = (days[0].day.length / HOUR, days[0].day.seed);
        let days = days.map(|played| {
            let (totals, occupancy) = (totals(&played), Occupancy::of(&played));
            (played, totals, occupancy)
        });
        Self { hours, seed, days }
    }

    pub(crate) fn totals(&self) -> [&Totals; 2] {
        [&self.days[0].1, &self.days[1].1]
    }

    /// The number of violations of each kind, of both days.
    pub(crate) fn kinds(&self) -> BTreeMap<Kind, usize> {
        let mut kinds = BTreeMap::new();
        for violation in self.violations() {
            *kinds.entry(violation.kind).or_default() += 1;
        }
        kinds
    }

    pub(crate) fn problems(&self) -> Vec<String> {
        self.days.iter().flat_map(|(played, ..)| played.problems.clone()).collect()
    }

    pub(crate) fn faults(&self) -> usize {
        self.days.iter().map(|(played, ..)| count(played.faults.faults.values())).sum()
    }

    fn violations(&self) -> impl Iterator<Item = &Violation> {
        self.days.iter().flat_map(|(played, ..)| &played.checked.violations)
    }

    pub(crate) fn plot(&self) -> String {
        let [left, right] = self.days.each_ref().map(|(played, totals, occupancy)| Plotted {
            name: format!("{} min", played.tolerance),
            occupancy,
            totals,
        });
        svg(&[left, right], self.hours).expect("a plot")
    }

    /// Figures as a Markdown table, a column for each day.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let mut line = |what: &str, of: &dyn Fn(&(Played, Totals, Occupancy)) -> String| {
            let [left, right] = self.days.each_ref().map(of);
            writeln!(text, "| {what} | {left} | {right} |").expect("a string takes all");
        };
        line("tolerance", &|(played, ..)| format!("{} min", played.tolerance));
        line("---", &|_| "---:".to_owned());
        line("visits planned", &|(_, totals, _)| totals.trips.to_string());
        line("… with a reservation", &|(_, totals, _)| totals.asked.to_string());
        line("reservas made", &|(_, totals, _)| count(totals.reservas.values()).to_string());
        for state in keys(&self.days, |totals| &totals.reservas) {
            line(&format!("… {state}"), &|(_, totals, _)| of(&totals.reservas, &state));
        }
        line("refusals", &|(_, totals, _)| count(totals.refusals.values()).to_string());
        for code in keys(&self.days, |totals| &totals.refusals) {
            line(&format!("… {code}"), &|(_, totals, _)| of(&totals.refusals, &code));
        }
        line("reservas of postos that failed", &|(_, totals, _)| {
            count(totals.handled.values()).to_string()
        });
        for resultado in keys(&self.days, |totals| &totals.handled) {
            line(&format!("… {resultado}"), &|(_, totals, _)| of(&totals.handled, &resultado));
        }
        line("sessions", &|(_, totals, _)| totals.sessions.to_string());
        line("… without a reserva", &|(_, totals, _)| totals.walk_ins.to_string());
        line("energy, kWh", &|(_, totals, _)| totals.energy.to_string());
        line("cost of the sessions, R$", &|(_, totals, _)| totals.brl.to_string());
        line("hours that postos were held", &|(played, _, occupancy)| {
            format!("{:.1}", Occupancy::sum(&occupancy.held, played.day.length))
        });
        line("hours that a carro charged", &|(played, _, occupancy)| {
            format!("{:.1}", Occupancy::sum(&occupancy.charging, played.day.length))
        });
        line("calls", &|(played, ..)| played.evidence.history.len().to_string());
        line("faults", &|(played, ..)| count(played.faults.faults.values()).to_string());
        let faults: BTreeSet<&String> =
            self.days.iter().flat_map(|(played, ..)| played.faults.faults.keys()).collect();
        for fault in faults {
            line(&format!("… {fault}"), &|(played, ..)| of(&played.faults.faults, fault));
        }
        line("changes of reservas", &|(played, ..)| changes(played).to_string());
        line("… published as an event", &|(played, ..)| {
            (changes(played) - unpublished(played)).to_string()
        });
        line("… lost in a fault, shown when asked for", &|(played, ..)| {
            unpublished(played).to_string()
        });
        line("violations", &|(played, ..)| played.checked.violations.len().to_string());
        text
    }

    /// How each call was answered, every attempt counted.
    pub(crate) fn answers(&self) -> String {
        let mut text = String::new();
        for name in keys(&self.days, |totals| &totals.answers) {
            let [left, right] = self.totals().map(|totals| of(&totals.answers, &name));
            writeln!(text, "| {name} | {left} | {right} |").expect("a string takes all");
        }
        text
    }

    /// What the tolerance changes.
    fn summary(&self) -> String {
        let hours = |series: fn(&Occupancy) -> &[(f64, f64)]| {
            self.days.each_ref().map(|(played, _, occupancy)| {
                format!("{:.0}", Occupancy::sum(series(occupancy), played.day.length))
            })
        };
        let [held, held_with] = hours(|occupancy| &occupancy.held);
        let [charging, charging_with] = hours(|occupancy| &occupancy.charging);
        let [made, made_with] =
            self.totals().map(|totals| count(totals.reservas.values()).to_string());
        format!(
            "With it, postos were held for {held_with} h in place of {held}, carros charged for \
             {charging_with} h in place of {charging}, and {made_with} reservas were made in \
             place of {made}."
        )
    }

    /// A whole page for the docs, with the plot in `day.svg` beside it.
    pub(crate) fn page(&self, date: &str, command: &str) -> String {
        let page = include_str!("page.md");
        let minutes = self.hours * 60 / SPEED;
        page.replace("{date}", date)
            .replace("{command}", command)
            .replace("{seed}", &self.seed.to_string())
            .replace("{hours}", &self.hours.to_string())
            .replace("{minutes}", &minutes.to_string())
            .replace("{summary}", &self.summary())
            .replace("{without}", &self.days[0].0.tolerance.to_string())
            .replace("{with}", &self.days[1].0.tolerance.to_string())
            .replace("{table}", self.table().trim_end())
            .replace("{answers}", self.answers().trim_end())
    }

    /// Prints the figures, and the first violations of each kind in full.
    #[expect(clippy::print_stdout, reason = "the report is the result of a run")]
    pub(crate) fn print(&self) {
        println!("seed {}, {} h\n{}\n{}", self.seed, self.hours, self.table(), self.answers());
        let mut shown: BTreeMap<Kind, usize> = BTreeMap::new();
        for violation in self.violations() {
            let shown = shown.entry(violation.kind).or_default();
            *shown += 1;
            if *shown <= 4 {
                println!("{:?}: {}\n", violation.kind, violation.what);
            }
        }
        for problem in self.problems() {
            println!("{problem}");
        }
    }
}

fn count<'a>(counts: impl Iterator<Item = &'a usize>) -> usize {
    counts.sum()
}

fn of(counts: &BTreeMap<String, usize>, name: &str) -> String {
    counts.get(name).copied().unwrap_or(0).to_string()
}

fn keys(
    days: &[(Played, Totals, Occupancy); 2],
    counts: fn(&Totals) -> &BTreeMap<String, usize>,
) -> BTreeSet<String> {
    days.iter().flat_map(|(_, totals, _)| counts(totals).keys().cloned()).collect()
}

fn changes(played: &Played) -> i64 {
    played.checked.timelines.iter().map(|timeline| timeline.row.versao - 1).sum()
}

fn unpublished(played: &Played) -> i64 {
    let unpublished = played.checked.timelines.iter().map(|timeline| timeline.unpublished.len());
    i64::try_from(unpublished.sum::<usize>()).expect("a small number")
}
