//! A run under faults, and its report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::checker::{self, Conditions, Kind, Violation};
use super::cluster::{Cluster, ClusterSpec};
use super::evidence::{Evidence, RowChange};
use super::faults::{ALL, Fault, FaultRecord};
use super::history::PrivateEvent;
use super::loaded_system::{COMMAND_LIMIT, LIMITS, Load, LoadedSystem, Outcomes};
use super::repeater::Repeater;
use crate::harness::{FAILPOINTS_SERVER, World};

const POSTOS: usize = 40;
/// The most resident memory a program may have at the end, in KiB.
const MAX_MEMORY: u64 = 64 * 1024;
/// How many more files a program may have open at the end than at the start: open connections.
const MAX_MORE_FILES: usize = 8;

/// Long enough for a carro to come, and shorter than most reservas.
pub(crate) const TOLERANCIA: Duration = Duration::from_millis(1_500);

/// Most requests of a run are archived before it ends.
pub(crate) const ARCHIVE_AGE: Duration = Duration::from_secs(1);

pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) length: Duration,
    pub(crate) drivers: usize,
    pub(crate) faults: &'static [Fault],
    /// The average time from one fault to the next.
    pub(crate) pause: Duration,
    /// Carros that come and go, beside the drivers.
    pub(crate) visitors: usize,
    /// How late a carro may come; zero: there is no limit, as is the default.
    pub(crate) tolerancia: Duration,
    /// After what ended leaves for the archive, if not after a month.
    pub(crate) archive_age: Option<Duration>,
    /// A bug the servidores have, by its name in `server/src/failpoints.rs`.
    pub(crate) seeded_bug: Option<&'static str>,
}

impl Plan {
    /// With `SOAK_SEED` and `SOAK_SECONDS` from the environment.
    pub(crate) fn from_environment(default_seconds: u64) -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>());
        let number = |name: &str, default| number(name).unwrap_or(Ok(default)).expect("a number");
        Self {
            seed: number("SOAK_SEED", u64::from(std::process::id())),
            length: Duration::from_secs(number("SOAK_SECONDS", default_seconds)),
            visitors: 12,
            tolerancia: Duration::ZERO,
            archive_age: None,
            drivers: 24,
            faults: &ALL,
            pause: Duration::from_millis(1_700),
            seeded_bug: None,
        }
    }
}

pub(crate) struct Report {
    seed: u64,
    pub(crate) length: Duration,
    pub(crate) operations: usize,
    pub(crate) outcomes: BTreeMap<String, usize>,
    /// How many reservas are on disk, by what became of them, and how many sessions.
    pub(crate) states: BTreeMap<String, usize>,
    /// How many private events were heard, by the state or the warning in them.
    pub(crate) published: BTreeMap<String, usize>,
    record: FaultRecord,
    pub(crate) violations: Vec<Violation>,
    pub(crate) problems: Vec<String>,
}

/// Starts the system, runs drivers and faults, waits until all is settled, and checks the result.
pub(crate) async fn run(plan: Plan) -> Report {
    let system = start(&plan).await;
    let before = resources(&system.cluster).await;
    let repeater = Repeater::start(&*system.cluster.world.read().await, plan.seed).await;
    let load = Load {
        seed: plan.seed,
        drivers: plan.drivers,
        visitors: plan.visitors,
        tolerancia: plan.tolerancia,
        faults: plan.faults,
        pause: plan.pause,
    };
    let length = tokio::time::sleep(plan.length);
    let ((), mut record, recovered) = system.run(&load, length).await;
    repeater.stop();
    system.settled().await;
    let mut problems: Vec<String> = recovered.err().into_iter().collect();
    problems.extend(compare(&before, &resources(&system.cluster).await));
    let ended = system.end().await;
    problems.extend(ended.problems);
    let Outcomes { evidence, history, heard, .. } = ended;
    record.silences.extend(heard.silences);
    let conditions = Conditions::of(&record, COMMAND_LIMIT, plan.tolerancia);
    let mut outcomes = BTreeMap::new();
    for call in &history {
        *outcomes.entry(call.outcome.kind()).or_default() += 1;
    }
    Report {
        seed: plan.seed,
        length: plan.length,
        operations: history.len(),
        outcomes,
        states: states(&evidence),
        published: published(&heard.published),
        record,
        violations: checker::check(&history, Some(&heard.published), &evidence, &conditions),
        problems,
    }
}

/// Starts the programs with the settings and the bug of the plan.
async fn start(plan: &Plan) -> LoadedSystem {
    let mut server_set = LIMITS.to_vec();
    server_set.extend(plan.seeded_bug.map(|bug| ("SEEDED_BUG", bug)));
    // An operator sets whole minutes, and under faults no servidor runs for a minute. Only the
    // program for tests has shorter ones.
    let (minute, has_tolerance) =
        (plan.tolerancia.as_millis().to_string(), !plan.tolerancia.is_zero());
    if has_tolerance {
        server_set.extend([("RESERVA_TOLERANCIA_MIN", "1"), ("MINUTE_MILLIS", &minute)]);
    }
    let archive_age = plan.archive_age.map(|age| age.as_millis().to_string());
    server_set.extend(archive_age.as_deref().map(|millis| ("ARCHIVE_AGE_MILLIS", millis)));
    let for_tests = plan.seeded_bug.is_some() || has_tolerance || archive_age.is_some();
    let spec = ClusterSpec {
        servers: &["server1", "server2"],
        gateways: &["cliente1", "cliente2", "cliente3"],
        postos: POSTOS,
        server_program: if for_tests { FAILPOINTS_SERVER } else { "server" },
        server_set: &server_set,
        gateway_set: &LIMITS,
        disks: plan.faults.iter().any(|fault| fault.is_of_disk()),
    };
    let looks_back = plan.archive_age.is_some();
    LoadedSystem::start(World::on_mosquitto().await, &spec, plan.seed, looks_back).await
}

fn states(evidence: &Evidence) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    let mut count = |what: String, by: usize| *states.entry(what).or_default() += by;
    for database in evidence.values() {
        for row in &database.reservas {
            count(format!("reservas {}", row.status), 1);
            let is_move = |change: &&RowChange| change.change_id.is_none();
            let moves = row.changes.iter().filter(is_move).count();
            count("moves".to_owned(), moves);
            count("changes".to_owned(), row.changes.len() - moves);
        }
        count("sessions".to_owned(), database.sessions.len());
        count("archived rows".to_owned(), database.archived);
    }
    states
}

fn published(events: &[PrivateEvent]) -> BTreeMap<String, usize> {
    let mut published = BTreeMap::new();
    for event in events {
        let PrivateEvent { reserva, .. } = event;
        let what = reserva.aviso.as_ref().unwrap_or(&reserva.status);
        *published.entry(what.clone()).or_default() += 1;
    }
    published
}

/// Memory in KiB and open files of each program.
async fn resources(cluster: &Cluster) -> Vec<(String, u64, usize)> {
    let mut found = Vec::new();
    for node in cluster.nodes() {
        let running = node.running.lock().await;
        let pid = running.as_ref().expect("it runs").pid();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process").count();
        found.push((node.id.clone(), memory.expect("its memory"), files));
    }
    found
}

fn compare(before: &[(String, u64, usize)], after: &[(String, u64, usize)]) -> Vec<String> {
    let mut problems = Vec::new();
    for ((id, _, files_before), (_, memory, files)) in before.iter().zip(after) {
        if *memory > MAX_MEMORY {
            problems.push(format!("{id} has {memory} KiB at the end"));
        }
        if *files > files_before + MAX_MORE_FILES {
            problems.push(format!("{id} had {files_before} open files, and has {files}"));
        }
    }
    problems
}

impl Report {
    /// The number of violations of each kind.
    pub(crate) fn kinds(&self) -> BTreeMap<Kind, usize> {
        let mut kinds = BTreeMap::new();
        for violation in &self.violations {
            *kinds.entry(violation.kind).or_default() += 1;
        }
        kinds
    }

    pub(crate) fn faults(&self) -> usize {
        self.record.faults.values().sum()
    }

    /// The faults of which the run had none.
    pub(crate) fn missing_faults(&self) -> Vec<Fault> {
        let was_injected = |fault: &Fault| self.record.faults.contains_key(&format!("{fault:?}"));
        ALL.into_iter().filter(|fault| !was_injected(fault)).collect()
    }

    /// A Markdown table, for the docs.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::new();
        let mut line = |what: &str, count: String| {
            writeln!(text, "| {what} | {count} |").expect("a string takes all");
        };
        line("figure", "value".to_owned());
        line("---", "---:".to_owned());
        line("seed", self.seed.to_string());
        line("length", format!("{} s", self.length.as_secs()));
        line("operations", self.operations.to_string());
        for (outcome, count) in &self.outcomes {
            line(&format!("… {outcome}"), count.to_string());
        }
        for (state, count) in &self.states {
            line(&format!("on disk: {state}"), count.to_string());
        }
        for (what, count) in &self.published {
            line(&format!("event: {what}"), count.to_string());
        }
        line("faults", self.faults().to_string());
        for (fault, count) in &self.record.faults {
            line(&format!("… {fault}"), count.to_string());
        }
        for (fault, took) in &self.record.recovery {
            let mut took = took.clone();
            took.sort();
            let (median, longest) =
                (took[took.len() / 2].as_millis(), took[took.len() - 1].as_millis());
            line(
                &format!("ready again after {fault}: median, longest"),
                format!("{median} ms, {longest} ms"),
            );
        }
        line("violations", self.violations.len().to_string());
        for (kind, count) in self.kinds() {
            line(&format!("… {kind:?}"), count.to_string());
        }
        line("programs that did not end well", self.problems.len().to_string());
        text
    }

    /// Prints the report, and the first violations of each kind in full.
    #[expect(clippy::print_stdout, reason = "the report is the result of a run")]
    pub(crate) fn print(&self) {
        println!("{}", self.to_markdown());
        let mut shown: BTreeMap<Kind, usize> = BTreeMap::new();
        for violation in &self.violations {
            let count = shown.entry(violation.kind).or_default();
            *count += 1;
            if *count <= 3 {
                println!("{:?}: {}\n", violation.kind, violation.what);
            }
        }
        for complaint in &self.problems {
            println!("{complaint}");
        }
    }
}
