//! The throughput of the system against the limits of its parts, in one run, with the real programs
//! and a real Mosquitto on loopback.
//!
//! `cargo bench -p suite --bench system -- --help`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark reports")]

mod bench;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../../bus/tests/it/certificates.rs"]
mod certificates;
mod goals;
mod http;
mod limits;
mod listeners;
mod load;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/harness/logins.rs"]
mod logins;
mod lone;
mod mqtt;
mod pages;
mod past;
mod placas;
mod plain;
mod report;
#[path = "../samples.rs"]
mod samples;
mod scenarios;
mod stats;
mod traces;
mod wakes;
mod workload;
mod world;
mod wrk;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use bench::Pace;
use clap::Parser;
use report::Report;

/// The measurement that all others are compared with.
const BARE: &str = "bare broker round trips";
/// How long a login at the broker may take to be known there.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);
const BEGIN: &str = "<!-- the last run: begin -->\n";
const END: &str = "<!-- the last run: end -->";

/// Measures the whole system; needs Debian's mosquitto.
#[derive(Parser)]
struct Options {
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Only these groups: limits, difusao, direta, listings, servers, gateways, plain,
    /// wrk, history, logging, doors, events, pages, traces, versions; or wakes, which runs
    /// only if it is here, and alone.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// A folder with the programs `server` and `client` of another version, for the group versions.
    #[arg(long)]
    before: Option<PathBuf>,
    /// Write the tables into docs/performance.md and the plot into docs/performance.svg.
    #[arg(long)]
    docs: bool,
    /// Cargo passes this to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if Command::new("mosquitto").arg("-h").output().is_err()
        && !Path::new("/usr/sbin/mosquitto").exists()
    {
        eprintln!("mosquitto is not installed (Debian: apt-get install mosquitto)");
        return ExitCode::FAILURE;
    }
    if !build_programs() {
        eprintln!("the programs cannot be built");
        return ExitCode::FAILURE;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let report = runtime.block_on(measure(&options));
    let text = report.to_markdown();
    println!("\n{text}");
    for row in report.rows.iter().filter(|row| row.stats.errors > 0) {
        println!("{}: {}", row.name, row.stats.example.as_deref().unwrap_or_default());
    }
    write(&report, &text, options.docs).expect("the results are written");
    if report.errors() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn build_programs() -> bool {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--quiet", "--package", "server", "--package", "client"]);
    // cargo sets these for this benchmark. The build of ring depends on them, and would begin anew.
    let of_this_benchmark =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| of_this_benchmark(name)) {
        build.env_remove(name);
    }
    build.status().is_ok_and(|status| status.success())
}

async fn measure(options: &Options) -> Report {
    let pace = Pace {
        length: Duration::from_secs_f64(options.seconds),
        warm_up: Duration::from_secs_f64(options.seconds / 4.0),
    };
    let wanted =
        |group: &str| options.only.is_empty() || options.only.iter().any(|only| only == group);
    let mut report = Report::default();
    if options.only.iter().any(|only| only == "wakes") {
        report = lone::measure(pace, report).await;
        goals::add(&mut report);
        return report;
    }
    if wanted("limits") {
        scenarios::limits(pace, &mut report).await;
    }
    for entrega in ["difusao", "direta"] {
        if wanted(entrega) {
            scenarios::reservations(entrega, pace, &mut report).await;
        }
    }
    if wanted("listings") {
        scenarios::listings(pace, &mut report).await;
    }
    if wanted("servers") {
        scenarios::servers(pace, &mut report).await;
    }
    if wanted("gateways") {
        scenarios::gateways(pace, &mut report).await;
    }
    if wanted("plain") {
        plain::compare(pace, &mut report).await;
    }
    if wanted("wrk") {
        wrk::compare(pace, &mut report).await;
    }
    if wanted("history") {
        scenarios::history(pace, &mut report).await;
    }
    if wanted("logging") {
        scenarios::logging(pace, &mut report).await;
    }
    if wanted("doors") {
        scenarios::doors(pace, &mut report).await;
    }
    if wanted("events") {
        scenarios::events(pace, &mut report).await;
    }
    if wanted("pages") {
        pages::pages(pace, &mut report).await;
    }
    if wanted("traces") {
        traces::compare(pace, &mut report).await;
    }
    if wanted("versions")
        && let Some(before) = &options.before
    {
        scenarios::versions(before, pace, &mut report).await;
    }
    goals::add(&mut report);
    report
}

fn write(report: &Report, text: &str, docs: bool) -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let results = root.join("target/bench");
    std::fs::create_dir_all(&results)?;
    std::fs::write(results.join("system.json"), format!("{:#}\n", report.to_json()))?;
    std::fs::write(results.join("system.svg"), report.to_svg())?;
    if docs {
        std::fs::write(root.join("docs/performance.svg"), report.to_svg())?;
        let page = root.join("docs/performance.md");
        let old = std::fs::read_to_string(&page)?;
        let (before, rest) = old.split_once(BEGIN).ok_or(std::io::ErrorKind::InvalidData)?;
        let (_, after) = rest.split_once(END).ok_or(std::io::ErrorKind::InvalidData)?;
        std::fs::write(page, format!("{before}{BEGIN}{text}{END}{after}"))?;
    }
    Ok(())
}
