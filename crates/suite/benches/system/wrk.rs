//! Another load generator beside our own, in turn: Debian's `wrk`, with the requests of `wrk.lua`.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::bench::{Bench, Pace};
use super::mqtt::{self, Version};
use super::report::{Report, Row};
use super::scenarios::ROUNDS;
use super::stats::Stats;
use super::workload::{Mix, Numbers};
use super::world::Setup;

/// By `entrega`, the callers of the goals.
pub(crate) const CASES: [(&str, usize); 2] = [("difusao", 64), ("direta", 256)];
/// What sends the requests.
pub(crate) const OWN: &str = "own generator";
pub(crate) const WRK: &str = "wrk";

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/system/wrk.lua");
/// As many as wrk has by default.
const THREADS: usize = 2;

pub(crate) fn name(generator: &str, entrega: &str, round: usize) -> String {
    format!("POST /reservar, {entrega}, {generator}, round {round}")
}

pub(crate) fn bare_name(round: usize) -> String {
    format!("bare broker round trips beside wrk, round {round}")
}

pub(crate) async fn compare(pace: Pace, report: &mut Report) {
    if Command::new("wrk").arg("-v").stdout(Stdio::null()).status().await.is_err() {
        let text = "not measured: another load generator, because wrk is not installed (Debian: apt-get install wrk)";
        return report.note(text.to_owned());
    }
    let mut reports = CASES.map(|_| Report::default());
    let mut benches: Vec<_> = CASES
        .into_iter()
        .zip(&mut reports)
        .map(|(case, apart)| (case, Bench::new(&Setup::usual(2, case.0), pace, apart)))
        .collect();
    for round in 1..=ROUNDS {
        let world = &benches[0].1.world;
        let stats = mqtt::round_trips(world, Version::V3, 64, pace.length).await;
        let (name_of_bare, stats) = (bare_name(round), stats.expect("a broker"));
        report.add(Row { name: name_of_bare, callers: 64, stats, usage: Default::default() });
        for ((entrega, callers), bench) in &mut benches {
            bench.closed(&name(OWN, entrega, round), Mix::Reserve, *callers).await;
            by_wrk(bench, &name(WRK, entrega, round), *callers, pace.length).await;
        }
    }
    for (_, bench) in benches {
        bench.finish().await;
    }
    report.rows.extend(reports.into_iter().flat_map(|apart| apart.rows));
}

async fn by_wrk(bench: &mut Bench<'_>, name: &str, callers: usize, length: Duration) {
    let Numbers { servers, postos, begin, first } = bench.workload.take_numbers();
    let mut command = Command::new("wrk");
    command.arg(format!("-t{THREADS}")).arg(format!("-c{callers}"));
    // It takes whole seconds.
    command.arg(format!("-d{}s", length.as_secs_f64().ceil()));
    command.args(["-s", SCRIPT]).arg(format!("http://{}/reservar", bench.addr())).arg("--");
    let numbers = [THREADS as u64, servers, postos, begin, first];
    command.args(numbers.map(|number| number.to_string()));
    let before = bench.world.usage();
    let output = command.stderr(Stdio::inherit()).output().await.expect("wrk runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "wrk failed: {text}");
    let stats = read(&text).unwrap_or_else(|| panic!("not what wrk.lua prints: {text}"));
    bench.made_elsewhere(stats.count(), callers);
    bench.add_row(name, callers, stats, &before);
}

/// The figures that `wrk.lua` prints.
fn read(text: &str) -> Option<Stats> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("figures "));
    let figures = lines.next()?.split(' ').skip(1).map(str::parse::<u64>);
    let [requests, micros, refused, failed] = figures.collect::<Result<Vec<_>, _>>().ok()?[..]
    else {
        return None;
    };
    let mut latencies = Vec::new();
    for line in lines {
        let (micros, count) = line.strip_prefix("latency ")?.split_once(' ')?;
        latencies.push((micros.parse().ok()?, count.parse().ok()?));
    }
    let successes = requests.checked_sub(refused)?;
    let mut stats = Stats::counted(successes, Duration::from_micros(micros), &latencies);
    stats.errors = refused + failed;
    if stats.errors > 0 {
        stats.example =
            Some(format!("{refused} answers of 400 or more, {failed} failed connections"));
    }
    Some(stats)
}
