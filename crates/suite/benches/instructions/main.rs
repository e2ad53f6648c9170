//! How many instructions a request costs on its way through protocol, domain and store: a check
//! that no clock and no neighbour disturbs. Counted by callgrind (Debian's valgrind).
//!
//! `cargo bench -p suite --bench instructions` fails where a path costs a tenth more than was
//! recorded; `-- --record` records what it costs now, for a change that is worth it.

#![allow(clippy::print_stdout, clippy::print_stderr)] // It talks to whoever runs it.

mod paths;
#[path = "../samples.rs"]
mod samples;

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};

use clap::Parser;
use paths::{PATHS, Path};

/// More than this is a regression; the store's threads meet in another order each time.
const TOLERANCE: f64 = 1.10;

#[derive(Parser)]
#[command(about = "Counts the instructions of a request; needs Debian's valgrind")]
struct Options {
    /// Record what is counted as what is expected from now on.
    #[arg(long)]
    record: bool,
    /// Goes one path so many times, to be counted.
    #[arg(long, hide = true, num_args = 2, value_names = ["PATH", "TIMES"])]
    go: Option<Vec<String>>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    #[allow(dead_code)]
    bench: bool,
}

type Record = BTreeMap<String, u64>;

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some([name, times]) = options.go.as_deref() {
        let path = PATHS.iter().find(|path| path.name == name).expect("a path of ours");
        (path.go)(times.parse().expect("a number"));
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

/// Instructions of one request: what going the path more often adds.
fn count(path: &Path) -> u64 {
    let (few, many) = (run(path, path.times), run(path, 2 * path.times));
    (many - few) / (path.times * path.requests)
}

fn run(path: &Path, times: u64) -> u64 {
    let own = std::env::current_exe().expect("the path of this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["--go", path.name, &times.to_string()])
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", path.name);
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
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
            eprintln!("{name} costs {ratio:.2} times what was recorded");
            regressed = true;
        }
    }
    if regressed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
