//! Clients that send commands themselves, as the seed's gateway does: MQTT 3.1.1 beside MQTT 5, one
//! message for each command on the topics that all servidores read. They never say `"listas":true`, so
//! each answer must be one message too.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::bench::{Bench, Pace};
use super::logins::Role;
use super::mqtt::{self, Client, Version};
use super::report::{Report, Row};
use super::scenarios::ROUNDS;
use super::stats::Stats;
use super::workload::{Request, Workload};
use super::world::Setup;

pub(crate) const OUTSTANDING: usize = 64;
pub(crate) const VERSIONS: [(&str, Version); 2] =
    [("MQTT 3.1.1", Version::V3), ("MQTT 5", Version::V5)];
const ID: &str = "app1";
const COMMANDS: &str = "server/postos/reserva";
const ANSWERS: &str = "client/app1/postos/reserva/response";
/// How long the last answers may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

pub(crate) fn name(version: &str, round: usize) -> String {
    format!("commands by {version}, round {round}")
}

pub(crate) fn bare_name(version: &str, round: usize) -> String {
    format!("bare broker round trips by {version}, round {round}")
}

pub(crate) async fn compare(pace: Pace, report: &mut Report) {
    let setup = Setup { gateways: 0, ..Setup::usual(2, "difusao") };
    let mut bench = Bench::new(&setup, pace, report);
    for round in 1..=ROUNDS {
        for (version_name, version) in VERSIONS {
            let bare = mqtt::round_trips(&bench.world, version, OUTSTANDING, pace.length).await;
            bench.report.add(Row {
                name: bare_name(version_name, round),
                callers: OUTSTANDING,
                stats: bare.expect("a broker"),
                usage: Default::default(),
            });
            let user = (Role::App, ID);
            let client = Client::connect(&bench.world, version, user, ANSWERS).await;
            let mut app = App::new(client.expect("a broker"));
            app.reserve(&bench.workload, pace.warm_up).await.expect("a broker");
            let before = bench.world.usage();
            let stats = app.reserve(&bench.workload, pace.length).await.expect("a broker");
            bench.add_row(&name(version_name, round), OUTSTANDING, stats, &before);
        }
    }
    bench.finish().await;
}

/// A client with commands that are not answered yet.
struct App {
    client: Client,
    waiting: HashMap<String, (Request, Instant)>,
}

impl App {
    fn new(client: Client) -> Self {
        Self { client, waiting: HashMap::with_capacity(OUTSTANDING) }
    }

    /// Reservations, as many outstanding as [`OUTSTANDING`] until the end; then waits for the last.
    async fn reserve(&mut self, workload: &Workload, length: Duration) -> std::io::Result<Stats> {
        let mut stats = Stats::start();
        let end = Instant::now() + length;
        for _ in 0..OUTSTANDING {
            self.ask(workload);
        }
        while !self.waiting.is_empty() {
            match timeout(ANSWER_LIMIT, self.client.exchange()).await {
                Ok(exchanged) => exchanged?,
                Err(_) => {
                    stats.add_error(format!("{} commands without an answer", self.waiting.len()));
                    self.waiting.clear();
                }
            }
            while let Some(answer) = self.client.next_payload() {
                self.take(&answer, workload, &mut stats);
                if Instant::now() < end {
                    self.ask(workload);
                }
            }
        }
        stats.end();
        Ok(stats)
    }

    fn ask(&mut self, workload: &Workload) {
        let request = workload.next_request();
        self.client.put_publish(COMMANDS, request.command(ID).as_bytes());
        self.waiting.insert(request.request_id(), (request, Instant::now()));
    }

    /// Each answer must be one success, for a command that was not answered before.
    fn take(&mut self, answer: &[u8], workload: &Workload, stats: &mut Stats) {
        let request_id = serde_json::from_slice::<Answered>(answer).map(|it| it.request_id);
        let waiting = request_id.ok().and_then(|request_id| self.waiting.remove(request_id));
        match waiting {
            Some((request, begun)) if workload.check(&request, answer).is_some() => {
                stats.add_latency(begun.elapsed());
            }
            _ => stats.add_error(format!("answer: {}", String::from_utf8_lossy(answer))),
        }
    }
}

#[derive(serde::Deserialize)]
struct Answered<'a> {
    request_id: &'a str,
}
