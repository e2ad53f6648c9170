//! What traces cost a reservation: without them, with a trace of each hundredth, with one of each, and
//! with a collector that is away, in turns, so that all meet the same load of the machine.

use std::net::Ipv4Addr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::bench::{Bench, Pace};
use super::load::CALLERS;
use super::report::Report;
use super::scenarios::ROUNDS;
use super::workload::Mix;
use super::world::{Setup, World};

/// What is compared with programs that trace nothing, and how.
pub(crate) const TRACED: [&str; 3] = ["a hundredth traced", "all traced", "collector away"];
pub(crate) const UNTRACED: &str = "not traced";

/// What a measurement is called.
pub(crate) fn name(case: &str, round: usize) -> String {
    format!("POST /reservar, {case}, round {round}")
}

/// Takes spans and forgets them.
struct Collector {
    endpoint: String,
    _serving: AbortOnDropHandle<()>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let router = Router::new().route("/v1/traces", post(async |_: Bytes| ()));
        let router = router.layer(DefaultBodyLimit::disable());
        let serving = async { axum::serve(listener, router).await.expect("it serves") };
        let serving = AbortOnDropHandle::new(CALLERS.spawn(serving));
        Self { endpoint, _serving: serving }
    }
}

pub(crate) async fn compare(pace: Pace, report: &mut Report) {
    let setup = Setup::usual(2, "difusao");
    let collector = Collector::start().await;
    let endpoint = |url: &str| ("OTEL_EXPORTER_OTLP_ENDPOINT", url.to_owned());
    let hundredth = [
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio".to_owned()),
        ("OTEL_TRACES_SAMPLER_ARG", "0.01".to_owned()),
    ];
    let [hundredth_name, all_name, away_name] = TRACED;
    let cases = [
        (UNTRACED, Vec::new()),
        (hundredth_name, [&[endpoint(&collector.endpoint)], &hundredth[..]].concat()),
        (all_name, vec![endpoint(&collector.endpoint)]),
        // The discard service, which nobody runs.
        (away_name, vec![endpoint("http://127.0.0.1:9")]),
    ];
    let mut reports = [(); 4].map(|()| Report::default());
    let mut benches: Vec<_> = cases
        .into_iter()
        .zip(&mut reports)
        .map(|((case, environment), report)| {
            let world = World::with_environment(&setup, environment);
            (case, Bench::of(world, &setup, pace, report))
        })
        .collect();
    for round in 1..=ROUNDS {
        for (case, bench) in &mut benches {
            for callers in [1, 64] {
                bench.closed(&name(case, round), Mix::Reserve, callers).await;
            }
        }
    }
    for (_, bench) in benches {
        bench.finish().await;
    }
    report.rows.extend(reports.into_iter().flat_map(|apart| apart.rows));
}
