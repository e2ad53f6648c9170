//! A run under faults, and its report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::checker::{self, Kind, Terms, Violation};
use super::drivers::{Depot, drive};
use super::faults::{ALL, Fault, SLOWEST, Tally, plague};
use super::parrot::Parrot;
use super::scene::{Cast, Scene};
use crate::harness::{FAILPOINTS_SERVER, World};

/// The time limits of the programs of a run, shorter than in the field so that more happens.
const COMMAND_LIMIT: Duration = Duration::from_secs(4);
const LIMITS: [(&str, &str); 2] = [("TEMPO_LIMITE_RESERVA", "4"), ("TEMPO_LIMITE_POSTOS", "3")];
const POSTOS: usize = 40;
/// The most memory a program of a run may have at its end, in KiB.
const MOST_MEMORY: u64 = 64 * 1024;
/// Open files that come and go with connections.
const FILES_OF_THE_MOMENT: usize = 8;

pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) length: Duration,
    pub(crate) drivers: usize,
    pub(crate) faults: &'static [Fault],
    /// About how long from one fault to the next.
    pub(crate) pause: Duration,
    /// A bug the servidores have, by its name in `server/src/failpoints.rs`.
    pub(crate) seeded_bug: Option<&'static str>,
}

impl Plan {
    /// As the environment says: `SOAK_SEED`, `SOAK_SECONDS`.
    pub(crate) fn from_environment(default_seconds: u64) -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>());
        let number = |name: &str, default| number(name).unwrap_or(Ok(default)).expect("a number");
        Self {
            seed: number("SOAK_SEED", u64::from(std::process::id())),
            length: Duration::from_secs(number("SOAK_SECONDS", default_seconds)),
            drivers: 24,
            faults: &ALL,
            pause: Duration::from_millis(1_700),
            seeded_bug: None,
        }
    }
}

pub(crate) struct Report {
    seed: u64,
    length: Duration,
    pub(crate) operations: usize,
    pub(crate) outcomes: BTreeMap<String, usize>,
    reservas: usize,
    tally: Tally,
    pub(crate) violations: Vec<Violation>,
    pub(crate) complaints: Vec<String>,
}

/// Sets the scene, lets drivers and faults loose, waits for quiet, and checks what is left.
pub(crate) async fn run(plan: Plan) -> Report {
    let world = World::on_mosquitto().await;
    let broker_port = world.broker.port();
    let mut server_set = LIMITS.to_vec();
    server_set.extend(plan.seeded_bug.map(|bug| ("SEEDED_BUG", bug)));
    let cast = Cast {
        servers: &["server1", "server2"],
        gateways: &["cliente1", "cliente2", "cliente3"],
        postos: POSTOS,
        server_program: if plan.seeded_bug.is_some() { FAILPOINTS_SERVER } else { "server" },
        server_set: &server_set,
        gateway_set: &LIMITS,
        disks: plan.faults.contains(&Fault::DiskFull),
    };
    let scene = Arc::new(Scene::set(world, &cast).await);
    let before = resources(&scene).await;
    let gateways = scene.gateways.iter().map(|seat| seat.url.clone()).collect();
    let depot = Arc::new(Depot::new(plan.seed, gateways, cast.servers, POSTOS as i64));
    let parrot = Parrot::start(broker_port, plan.seed);

    let (stop_faults, stop_drivers) = (CancellationToken::new(), CancellationToken::new());
    let director = async {
        tokio::time::sleep(plan.length).await;
        stop_faults.cancel();
    };
    let hurting = async {
        let tally = plague(&scene, plan.faults, plan.seed, plan.pause, &stop_faults).await;
        let recovered = scene.recovered(Duration::from_secs(30)).await;
        stop_drivers.cancel();
        (tally, recovered)
    };
    let (_, (tally, recovered), ()) =
        tokio::join!(director, hurting, drive(&depot, plan.drivers, &stop_drivers));
    parrot.stop();
    // Whatever is still under way has expired by then, and what has ended is marked.
    tokio::time::sleep(COMMAND_LIMIT + Duration::from_secs(2)).await;

    let mut complaints: Vec<String> = recovered.err().into_iter().collect();
    complaints.extend(compare(&before, &resources(&scene).await));
    let scene = Arc::try_unwrap(scene).unwrap_or_else(|_| panic!("the scene is still in use"));
    let (evidence, untidy) = scene.end().await;
    complaints.extend(untidy);
    let depot = Arc::try_unwrap(depot).unwrap_or_else(|_| panic!("the depot is still in use"));
    let history = depot.into_history();
    let slack = 2 * SLOWEST + Duration::from_millis(150);
    let terms = Terms {
        command_limit: COMMAND_LIMIT.as_millis() as i64,
        slack: slack.as_millis() as i64,
        sweep: 5_000,
        kills: tally.kills.clone(),
    };
    let mut outcomes = BTreeMap::new();
    for call in &history {
        *outcomes.entry(call.outcome.kind()).or_default() += 1;
    }
    Report {
        seed: plan.seed,
        length: plan.length,
        operations: history.len(),
        outcomes,
        reservas: evidence.values().map(|database| database.reservas.len()).sum(),
        tally,
        violations: checker::check(&history, &evidence, &terms),
        complaints,
    }
}

/// Memory in KiB and open files of each program.
async fn resources(scene: &Scene) -> Vec<(String, u64, usize)> {
    let mut found = Vec::new();
    for seat in scene.seats() {
        let running = seat.running.lock().await;
        let pid = running.as_ref().expect("it runs").pid();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process").count();
        found.push((seat.id.clone(), memory.expect("its memory"), files));
    }
    found
}

fn compare(before: &[(String, u64, usize)], after: &[(String, u64, usize)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for ((id, _, files_before), (_, memory, files)) in before.iter().zip(after) {
        if *memory > MOST_MEMORY {
            complaints.push(format!("{id} has {memory} KiB at the end"));
        }
        if *files > files_before + FILES_OF_THE_MOMENT {
            complaints.push(format!("{id} had {files_before} open files, and has {files}"));
        }
    }
    complaints
}

impl Report {
    /// How many violations there are of each kind.
    pub(crate) fn kinds(&self) -> BTreeMap<Kind, usize> {
        let mut kinds = BTreeMap::new();
        for violation in &self.violations {
            *kinds.entry(violation.kind).or_default() += 1;
        }
        kinds
    }

    pub(crate) fn faults(&self) -> usize {
        self.tally.faults.values().sum()
    }

    /// As Markdown, for the docs.
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
        line("reservas on disk", self.reservas.to_string());
        line("faults", self.faults().to_string());
        for (fault, count) in &self.tally.faults {
            line(&format!("… {fault}"), count.to_string());
        }
        for (fault, took) in &self.tally.recovery {
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
        line("programs that did not end well", self.complaints.len().to_string());
        text
    }

    /// Prints the report, and some of what is wrong in full.
    #[expect(clippy::print_stdout, reason = "the report is what a run is for")]
    pub(crate) fn tell(&self) {
        println!("{}", self.to_markdown());
        let mut shown: BTreeMap<Kind, usize> = BTreeMap::new();
        for violation in &self.violations {
            let count = shown.entry(violation.kind).or_default();
            *count += 1;
            if *count <= 3 {
                println!("{:?}: {}\n", violation.kind, violation.what);
            }
        }
        for complaint in &self.complaints {
            println!("{complaint}");
        }
    }
}
