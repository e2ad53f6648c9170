//! Where the time of one lone `POST /reservar` goes, by the spans of its trace, beside the least that
//! it can take: the wakes on its way, one sync, and the work in between.
//!
//! Wakes are counted for programs with one worker thread each, as on two processors: their tasks wake
//! each other without a second thread. The work includes what tracing costs. The work of the broker
//! is in no span, so that the least has none of it, nor of SQLite's in a commit beyond the sync.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use collector::{Collector, Health, Span};

use super::BARE;
use super::bench::{Bench, Pace};
use super::http::Connection;
use super::limits;
use super::load::CALLERS;
use super::mqtt::{self, Version};
use super::report::{Report, Row};
use super::wakes::{self, Costs};
use super::workload::Mix;
use super::world::{Setup, World};

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/harness/collector.rs"]
mod collector;

/// Longer than the programs keep a span before they export it.
const EXPORT_LIMIT: Duration = Duration::from_secs(20);

const HTTP: &str = "POST /reservar";
const COMMAND: &str = "publish postos/reserva";
const PROCESS: &str = "process postos/reserva";
const QUEUE: &str = "queue";
const TRANSACTION: &str = "transaction";
const COMMIT: &str = "commit";
const ANSWER: &str = "publish postos/reserva/response";
const RECEIVE: &str = "receive postos/reserva/response";
const SPANS: [&str; 9] =
    [HTTP, "call postos/reserva", COMMAND, PROCESS, QUEUE, TRANSACTION, COMMIT, ANSWER, RECEIVE];

/// A moment in a trace.
#[derive(Clone, Copy)]
enum At {
    Start(&'static str),
    /// A packet with the message is about to be written.
    Sent(&'static str),
    End(&'static str),
}

/// What a step takes at least.
#[derive(Clone, Copy)]
enum Least {
    /// All that it takes.
    Work,
    Sockets(u32),
    Channels(u32),
    Sync,
}

struct Step {
    what: &'static str,
    until: At,
    least: Least,
}

const fn step(what: &'static str, until: At, least: Least) -> Step {
    Step { what, until, least }
}

/// Each begins where the one before ends, the first with the span of the HTTP request.
const STEPS: [Step; 11] = [
    step("gateway, before it publishes", At::Start(COMMAND), Least::Work),
    step("gateway, until the command is written", At::Sent(COMMAND), Least::Work),
    step("through the broker, to the servidor", At::Start(PROCESS), Least::Sockets(2)),
    step("servidor, before its queue", At::Start(QUEUE), Least::Work),
    step("in the queue, until the writer takes it", At::Start(TRANSACTION), Least::Channels(1)),
    step("statements", At::Start(COMMIT), Least::Work),
    step("commit", At::End(COMMIT), Least::Sync),
    step("servidor, until it publishes the answer", At::Start(ANSWER), Least::Channels(1)),
    step("servidor, until the answer is written", At::Sent(ANSWER), Least::Work),
    step("through the broker, to the gateway", At::Start(RECEIVE), Least::Sockets(2)),
    step("gateway, until it answers", At::End(HTTP), Least::Work),
];
/// What no span covers.
const HOPS: (&str, Least) = ("from the caller and back to it", Least::Sockets(2));

/// The spans of a request by their names.
type Trip = HashMap<String, Span>;

pub(crate) async fn measure(pace: Pace, mut report: Report) -> Report {
    // It blocks on runtimes of its own, which a thread of another runtime must not.
    let measuring = tokio::task::spawn_blocking(move || {
        let costs = wakes::measure(&mut report);
        (report, costs)
    });
    let (mut report, costs) = measuring.await.expect("no panic");
    trace_lone_requests(pace, &costs, &mut report).await;
    report
}

async fn trace_lone_requests(pace: Pace, costs: &Costs, report: &mut Report) {
    let goal = goal(pace, report).await;
    for entrega in ["direta", "difusao"] {
        let setup = Setup::usual(2, entrega);
        let name = format!("POST /reservar, {entrega}");
        let mut bench = Bench::new(&setup, pace, report);
        bench.closed(&name, Mix::Reserve, 1).await;
        bench.finish().await;
        let untraced = report.find(&name, 1).map_or(0.0, |row| row.stats.percentile(50.0) * 1e3);
        let trips = traced(&setup, pace, report).await;
        let (table, least) = table(entrega, &trips, costs);
        print!("\n{table}");
        report.tables.push(table);
        report.note(format!(
            "one caller, {entrega}: at least {least:.0} µs, p50 without traces {untraced:.0} µs, \
             two bare round trips and one fdatasync {goal:.0} µs"
        ));
    }
}

/// Two bare round trips and one sync, in microseconds.
async fn goal(pace: Pace, report: &mut Report) -> f64 {
    let world = World::with_broker();
    let trips = mqtt::round_trips(&world, Version::V3, 1, pace.length).await.expect("a broker");
    let sync = limits::fdatasync(world.folder(), pace.length);
    let goal = 2.0 * trips.percentile(50.0) + sync.percentile(50.0);
    for (name, stats) in [(BARE, trips), ("fdatasync", sync)] {
        report.add(Row { name: name.to_owned(), callers: 1, stats, usage: Default::default() });
    }
    goal * 1e3
}

/// What one caller's requests took, all traced, and their spans.
async fn traced(setup: &Setup, pace: Pace, report: &mut Report) -> Vec<(Duration, Trip)> {
    let collector = Collector::start(Health::Well).await;
    let environment = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())];
    let world = World::with_environment(setup, environment);
    let bench = Bench::of(world, setup, pace, report);
    call(&bench, pace.warm_up).await;
    let whole = call(&bench, pace.length).await;
    eventually("the spans of all requests", async || {
        trips(collector.spans(), &whole).len() == whole.len()
    })
    .await;
    bench.finish().await;
    trips(collector.spans(), &whole)
}

/// What the caller waited for each request.
async fn call(bench: &Bench<'_>, length: Duration) -> HashMap<String, Duration> {
    let (workload, addr) = (Arc::clone(&bench.workload), bench.addr());
    let calling = async move {
        let mut connection = Connection::open(&addr).await.expect("a connection");
        let mut whole = HashMap::new();
        let end = Instant::now() + length;
        while Instant::now() < end {
            let begun = Instant::now();
            let (_, request_id) = workload.make(&mut connection).await.expect("a reserva");
            whole.insert(request_id, begun.elapsed());
        }
        whole
    };
    CALLERS.spawn(calling).await.expect("no panic")
}

/// The complete ones of these requests.
fn trips(spans: Vec<Span>, whole: &HashMap<String, Duration>) -> Vec<(Duration, Trip)> {
    let mut traces: HashMap<String, Trip> = HashMap::new();
    for span in spans {
        traces.entry(span.trace_id.clone()).or_default().insert(span.name.clone(), span);
    }
    let complete = traces
        .into_values()
        .filter(|trip| SPANS.iter().all(|name| trip.contains_key(*name)))
        .filter_map(|trip| {
            let request_id = trip[HTTP].attributes.get("request_id")?;
            Some((*whole.get(request_id)?, trip))
        });
    complete.collect()
}

/// As Markdown, and the sum of what the steps take at least, in microseconds.
fn table(entrega: &str, trips: &[(Duration, Trip)], costs: &Costs) -> (String, f64) {
    let whole = median(trips.iter().map(|(whole, _)| micros(*whole)));
    let hops = median(
        trips
            .iter()
            .map(|(whole, trip)| micros(*whole) - between(At::Start(HTTP), At::End(HTTP), trip)),
    );
    let begins = std::iter::once(At::Start(HTTP)).chain(STEPS.iter().map(|step| step.until));
    let steps = begins.zip(&STEPS).map(|(begin, Step { what, until, least })| {
        (*what, median(trips.iter().map(|(_, trip)| between(begin, *until, trip))), *least)
    });
    let mut text = format!(
        "| {entrega}, one caller, {} requests traced | p50 µs | wakes | at least µs |\n\
         | --- | ---: | --- | ---: |\n",
        trips.len()
    );
    let (mut sum, mut all, mut wakes) = (0.0, 0.0, 0);
    for (what, took, least) in steps.chain([(HOPS.0, hops, HOPS.1)]) {
        let (count, waits, at_least) = match least {
            Least::Work => (0, String::new(), took),
            Least::Sockets(count) => {
                (count, format!("{count}, socket"), f64::from(count) * costs.socket)
            }
            Least::Channels(count) => {
                (count, format!("{count}, channel"), f64::from(count) * costs.channel)
            }
            Least::Sync => (0, "one sync".to_owned(), costs.sync),
        };
        (sum, all, wakes) = (sum + took, all + at_least, wakes + count);
        writeln!(text, "| {what} | {took:.0} | {waits} | {at_least:.0} |")
            .expect("a string takes all");
    }
    writeln!(text, "| sum | {sum:.0} | {wakes}, one sync | {all:.0} |")
        .expect("a string takes all");
    writeln!(text, "| whole, by the caller | {whole:.0} | | |").expect("a string takes all");
    (text, all)
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// In microseconds. Negative if the clock was set back in between.
fn between(begin: At, end: At, trip: &Trip) -> f64 {
    let nanos = |at| match at {
        At::Start(name) => trip[name].start,
        At::Sent(name) => trip[name].events[0].1,
        At::End(name) => trip[name].end,
    };
    (nanos(end).cast_signed() - nanos(begin).cast_signed()) as f64 / 1e3
}

fn median(samples: impl Iterator<Item = f64>) -> f64 {
    let mut samples: Vec<f64> = samples.collect();
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}

async fn eventually<F: AsyncFnMut() -> bool>(what: &str, mut holds: F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let waited = tokio::time::timeout(EXPORT_LIMIT, waiting).await;
    assert!(waited.is_ok(), "timed out waiting for: {what}");
}
