//! One day at the site, from the begin to what was found wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use tokio_util::sync::CancellationToken;

use super::checks::{Checked, Consulted, Evidence, check};
use super::clock::Clock;
use super::database;
use super::plan::Day;
use super::players::{play_at_once, play_in_order};
use super::site::{Call, Request, SERVER, Site, What};
use crate::cluster::Cluster;
use crate::faults::{Fault, FaultRecord, inject_faults};

/// The faults of the promises' runs that a site of one servidor meets.
pub(crate) const FAULTS: [Fault; 6] = [
    Fault::KillServer,
    Fault::KillGateway,
    Fault::KillBroker,
    Fault::LinkSlow,
    Fault::LinkReset,
    Fault::FreezeServer,
];
/// Before a connection was seen to be lost, and after it was there again, something may have been
/// lost with it: the broker saves its state every two seconds, and dead links are noticed late.
const LOST_WITH_BROKER: (i64, i64) = (800_000, 200_000);
/// What a servidor that was killed had recorded and not sent.
const LOST_WITH_SERVIDOR: (i64, i64) = (150_000, 50_000);

/// How a day is played.
pub(crate) struct Conditions<'a> {
    pub(crate) tolerance: i64,
    pub(crate) gateways: &'a [&'a str],
    pub(crate) faults: &'a [Fault],
    /// Of real time, from one fault to the next.
    pub(crate) pause: Duration,
    /// One step after the other, so that the same plan has the same outcome.
    pub(crate) in_order: bool,
    pub(crate) seeded_bug: Option<&'a str>,
}

pub(crate) struct Played {
    pub(crate) day: Arc<Day>,
    pub(crate) tolerance: i64,
    pub(crate) begin: i64,
    pub(crate) evidence: Evidence,
    pub(crate) checked: Checked,
    pub(crate) faults: FaultRecord,
    pub(crate) problems: Vec<String>,
}

pub(crate) async fn play(day: &Arc<Day>, conditions: &Conditions<'_>) -> Played {
    let Conditions { tolerance, gateways, .. } = *conditions;
    let site = Site::open(day, tolerance, gateways, conditions.seeded_bug).await;
    let site = Arc::new(site);
    let stop = CancellationToken::new();
    let playing = async {
        if conditions.in_order {
            play_in_order(&site, day).await;
        } else {
            play_at_once(&site, day).await;
        }
        stop.cancel();
    };
    let injecting = async {
        if conditions.faults.is_empty() {
            return FaultRecord::default();
        }
        let seed = day.seed.wrapping_add(tolerance.unsigned_abs());
        inject_faults(&site.cluster, conditions.faults, seed, conditions.pause, &stop).await
    };
    let ((), faults) = tokio::join!(playing, injecting);
    let mut problems: Vec<String> =
        site.cluster.recovered(Duration::from_secs(30)).await.err().into_iter().collect();
    // The sweep records what has ended, and the last events arrive.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let history = site.take_history();
    let consulted = consult_all(&site, &history).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (published, gaps) = site.listener.end();
    let (begin, clock) = (site.begin, site.clock);
    let Site { cluster, .. } =
        Arc::try_unwrap(site).unwrap_or_else(|_| panic!("the site is still in use"));
    let (database, ended) = end(cluster).await;
    problems.extend(ended);
    let losses = losses(&gaps, &faults, clock);
    let evidence = Evidence { history, database, published, consulted, losses };
    let checked = check(day, &evidence);
    Played { day: Arc::clone(day), tolerance, begin, evidence, checked, faults, problems }
}

/// What each reserva that was made is now.
async fn consult_all(site: &Site, history: &[Call]) -> Vec<Consulted> {
    let made = history
        .iter()
        .filter(|call| matches!(call.what, What::Reserve { .. }) && call.answer.status == 200);
    let ids: BTreeSet<&str> =
        made.filter_map(|call| call.answer.json["request_id"].as_str()).collect();
    let mut consulted = Vec::new();
    for (number, id) in ids.into_iter().enumerate() {
        let request = Request {
            placa: "",
            trip: Some(number),
            what: What::Consult,
            method: Method::GET,
            path: format!("/reservas/{id}?server_id={SERVER}"),
            body: None,
            key: None,
            admin: false,
        };
        let started = site.clock.now();
        let answer = site.settle(request).await;
        let during = (started, site.clock.now());
        consulted.push(Consulted { request_id: id.to_owned(), during, answer });
    }
    consulted
}

async fn end(cluster: Arc<Cluster>) -> (database::Database, Vec<String>) {
    let cluster =
        Arc::try_unwrap(cluster).unwrap_or_else(|_| panic!("the cluster is still in use"));
    let mut problems = Vec::new();
    for node in cluster.nodes() {
        let Some(program) = node.running.lock().await.take() else { continue };
        let status = program.stop().await;
        if !status.success() {
            problems.push(format!("{} ended with {status}", node.id));
        }
    }
    let world = cluster.world.read().await;
    let path = cluster.servers[0].database(world.folder());
    (database::read(&path), problems)
}

/// When a change may have been recorded and not published: the servidor was killed before its event was
/// with the broker, or the broker before it was with the listener.
fn losses(gaps: &[(i64, i64)], faults: &FaultRecord, clock: Clock) -> Vec<(i64, i64)> {
    let kills = faults.kills.get(SERVER).into_iter().flatten();
    let kills = kills.map(|kill| clock.of_real(*kill)).map(|kill| (kill, kill));
    let gaps = gaps.iter().map(|gap| (*gap, LOST_WITH_BROKER));
    let moments = gaps.chain(kills.map(|kill| (kill, LOST_WITH_SERVIDOR)));
    moments.map(|((from, to), (before, after))| (from - before, to + after)).collect()
}
