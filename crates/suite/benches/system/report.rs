//! The results of a run as a table, as JSON and as a plot.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::stats::Stats;
use super::world::Usage;

/// One measurement.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) callers: usize,
    pub(crate) stats: Stats,
    /// By kind of program: CPU seconds of this measurement, and memory until its end.
    pub(crate) usage: BTreeMap<&'static str, Usage>,
}

pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) goal: String,
    pub(crate) reached: String,
    pub(crate) met: bool,
}

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) goals: Vec<Goal>,
    /// Memory of gateway and server before any request, in MiB.
    pub(crate) idle: Option<(f64, f64)>,
    /// What is no rate and no latency.
    pub(crate) notes: Vec<String>,
    /// In Markdown.
    pub(crate) tables: Vec<String>,
}

impl Report {
    /// Adds a measurement and prints it at once.
    pub(crate) fn add(&mut self, row: Row) {
        let Row { name, callers, stats, .. } = &row;
        println!(
            "{name} ({callers}): {:.0}/s, p50 {:.2} ms",
            stats.per_second(),
            stats.percentile(50.0)
        );
        self.rows.push(row);
    }

    /// Adds a line and prints it at once.
    pub(crate) fn note(&mut self, text: String) {
        println!("{text}");
        self.notes.push(text);
    }

    pub(crate) fn find(&self, name: &str, callers: usize) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name && row.callers == callers)
    }

    pub(crate) fn errors(&self) -> u64 {
        self.rows.iter().map(|row| row.stats.errors).sum()
    }

    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::from(
            "| measurement | callers | per second | of bare round trips | p50 ms | p99 ms | p99.9 ms | errors | CPU s per 1,000: gateway, broker, servers | peak MiB: gateway, server |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |\n",
        );
        let bare = self.find(super::BARE, 64).map(|row| row.stats.per_second());
        for row in &self.rows {
            let stats = &row.stats;
            let ratio =
                bare.map_or(String::new(), |bare| format!("{:.2}", stats.per_second() / bare));
            let (cpu, peak) = (row.cpu_per_thousand(), row.peak());
            writeln!(
                text,
                "| {} | {} | {:.0} | {ratio} | {:.2} | {:.2} | {:.2} | {} | {cpu} | {peak} |",
                row.name,
                row.callers,
                stats.per_second(),
                stats.percentile(50.0),
                stats.percentile(99.0),
                stats.percentile(99.9),
                stats.errors
            )
            .expect("a string takes all");
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            writeln!(text, "- {note}").expect("a string takes all");
        }
        for table in &self.tables {
            write!(text, "\n{table}").expect("a string takes all");
        }
        if !self.goals.is_empty() {
            text.push_str("\n| goal | asked | reached | met |\n| --- | ---: | ---: | --- |\n");
            for Goal { what, goal, reached, met } in &self.goals {
                let met = if *met { "yes" } else { "no" };
                writeln!(text, "| {what} | {goal} | {reached} | {met} |")
                    .expect("a string takes all");
            }
        }
        text
    }

    pub(crate) fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "name": row.name, "callers": row.callers, "count": row.stats.count(),
                "per_second": row.stats.per_second(), "errors": row.stats.errors,
                "p50_ms": row.stats.percentile(50.0), "p99_ms": row.stats.percentile(99.0),
                "p999_ms": row.stats.percentile(99.9),
                "usage": row.usage.iter().map(|(kind, usage)| ((*kind).to_owned(), json!({
                    "cpu_seconds": usage.cpu_seconds, "peak_mib": usage.peak_mib,
                    "resident_mib": usage.resident_mib,
                }))).collect::<serde_json::Map<_, _>>(),
            })
        });
        let goals = self.goals.iter().map(|goal| {
            json!({"what": goal.what, "goal": goal.goal, "reached": goal.reached, "met": goal.met})
        });
        let (rows, goals): (Vec<_>, Vec<_>) = (rows.collect(), goals.collect());
        json!({"rows": rows, "notes": self.notes, "goals": goals})
    }

    /// Throughput of every measurement as horizontal bars.
    pub(crate) fn to_svg(&self) -> String {
        const LINE: usize = 18;
        let most = self.rows.iter().map(|row| row.stats.per_second()).fold(1.0, f64::max);
        let height = (self.rows.len() + 1) * LINE;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        );
        for (place, row) in self.rows.iter().enumerate() {
            let rate = row.stats.per_second();
            let (y, width) = (place * LINE + 6, (rate / most * 480.0).max(1.0));
            let colour = if row.usage.is_empty() { "#9aa5b1" } else { "#2b7a78" };
            writeln!(
                svg,
                "<text x=\"330\" y=\"{}\" text-anchor=\"end\">{} ({})</text>\
                 <rect x=\"336\" y=\"{y}\" width=\"{width:.1}\" height=\"12\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{rate:.0}/s</text>",
                y + 10,
                row.name,
                row.callers,
                342.0 + width,
                y + 10
            )
            .expect("a string takes all");
        }
        svg.push_str("</svg>\n");
        svg
    }
}

impl Row {
    /// Processor time of these programs for each request, in milliseconds.
    pub(crate) fn cpu_millis(&self, programs: &[&str]) -> f64 {
        let usages = programs.iter().filter_map(|kind| self.usage.get(kind));
        let seconds: f64 = usages.map(|usage| usage.cpu_seconds).sum();
        seconds * 1000.0 / self.stats.count().max(1) as f64
    }

    /// Seconds for each thousand requests are milliseconds for each.
    fn cpu_per_thousand(&self) -> String {
        if self.usage.is_empty() {
            return String::new();
        }
        ["gateway", "broker", "server"]
            .map(|program| format!("{:.3}", self.cpu_millis(&[program])))
            .join(", ")
    }

    fn peak(&self) -> String {
        if self.usage.is_empty() {
            return String::new();
        }
        let of = |kind| self.usage.get(kind).map_or(0.0, |usage: &Usage| usage.peak_mib);
        format!("{:.0}, {:.0}", of("gateway"), of("server"))
    }
}
