//! The instructions of a request in protocol, domain and store, counted by callgrind (Debian's
//! valgrind): a measure that does not depend on the load of the machine.
//!
//! `cargo bench -p suite --bench instructions` fails if a path takes a tenth more than recorded;
//! `-- --record` records the present counts, for a change that is worth them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark reports")]

mod paths;
#[path = "../samples.rs"]
mod samples;

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};

use clap::Parser;
use paths::{PATHS, Path};

/// A higher ratio is a regression. The store's threads interleave differently in each run.
const TOLERANCE: f64 = 1.10;

#[derive(Parser)]
#[command(about = "Counts the instructions of a request; needs Debian's valgrind")]
struct Options {
    /// Record the counts as the new reference.
    #[arg(long)]
    record: bool,
    /// Run one path this many times, under valgrind.
    #[arg(long, hide = true, num_args = 2, value_names = ["PATH", "TIMES"])]
    run: Option<Vec<String>>,
    /// Cargo passes this to every benchmark.
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

type Record = BTreeMap<String, u64>;

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some([name, times]) = options.run.as_deref() {
        let path = PATHS.iter().find(|path| path.name == name).expect("a known path");
        (path.run)(times.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("valgrind is not installed (Debian: apt-get install valgrind)");
        return ExitCode::FAILURE;
    }
    let counted: Record = PATHS.iter().map(|path| (path.name.to_owned(), count(path))).collect();
    if options.record {
        let text = serde_json::to_string_pretty(&counted).expect("JSON");
        std::fs::write(file(), text + "\n").expect("the record is written");
    }
    let text = std::fs::read_to_string(file()).expect("the record");
    report(&counted, &serde_json::from_str(&text).expect("a record"))
}

fn file() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions/recorded.json")
}

/// Instructions of one request: the difference between two runs of different length.
fn count(path: &Path) -> u64 {
    let (few, many) = (run(path, path.times), run(path, 2 * path.times));
    (many - few) / (path.times * path.requests)
}

fn run(path: &Path, times: u64) -> u64 {
    let own = std::env::current_exe().expect("the path of this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["--run", path.name, &times.to_string()])
        .output()
        .expect("valgrind runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", path.name);
    let collected = stderr.lines().find_map(|line| line.split_once("Collected :"));
    collected.and_then(|(_, count)| count.trim().parse().ok()).expect("a count")
}

fn report(counted: &Record, recorded: &Record) -> ExitCode {
    println!("| path | instructions | recorded | ratio |");
    println!("| --- | ---: | ---: | ---: |");
    let mut regressed = false;
    for (name, count) in counted {
        let Some(expected) = recorded.get(name) else {
            eprintln!("{name} is not recorded; record it with --record");
            regressed = true;
            continue;
        };
        let ratio = *count as f64 / *expected as f64;
        println!("| {name} | {count} | {expected} | {ratio:.2} |");
        if ratio > TOLERANCE {
            eprintln!("{name} takes {ratio:.2} times what was recorded");
            regressed = true;
        }
    }
    if regressed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
