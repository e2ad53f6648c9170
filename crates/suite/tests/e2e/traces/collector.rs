//! A collector that is away or ill costs the suite nothing, and is logged when that changes.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Collector, Health, Program, World, eventually, free_port, payload};
use crate::operation::stops::stops;

/// A stop of a program that has nothing to wait for, on a busy machine.
const QUICK_STOP: Duration = Duration::from_secs(4);

async fn pair(world: &World, endpoint: &str) -> (Program, Program) {
    let traced = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
    world.pair_with(&traced, &traced).await
}

async fn reserve(client: &Program, postos: std::ops::RangeInclusive<i64>) {
    for posto_id in postos {
        let answer = client.reservar(&payload(&format!("AAA{posto_id:04}"), posto_id)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        // A batch of its own.
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

/// The lines about the collector, with their reasons.
fn lines(program: &Program) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = program.log_lines().into_iter();
    let of_collector = lines.filter(|line| text(&line["message"]).contains("collector"));
    of_collector.map(|line| (text(&line["message"]), text(&line["reason"]))).collect()
}

async fn stop_quickly(programs: [Program; 2]) {
    for program in programs {
        let started = Instant::now();
        assert!(stops(program, "-TERM").await.success());
        assert!(started.elapsed() < QUICK_STOP, "the stop took {:?}", started.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_absent_is_logged_once() {
    let world = World::new().await;
    let endpoint = format!("http://127.0.0.1:{}", free_port());
    let (server, client) = pair(&world, &endpoint).await;
    reserve(&client, 1..=8).await;
    for program in [&server, &client] {
        eventually("it is logged", async || !lines(program).is_empty()).await;
        let lines = lines(program);
        let [(message, reason)] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(message, "traces are lost: the collector takes none");
        assert!(reason.contains("refused"), "{reason}");
    }
    stop_quickly([client, server]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_fails_is_logged_when_it_begins_and_when_it_ends() {
    let world = World::new().await;
    let collector = Collector::start(Health::Failing).await;
    let (server, client) = pair(&world, &collector.endpoint()).await;
    reserve(&client, 1..=8).await;
    eventually("several batches are refused", async || collector.requests() > 6).await;
    collector.become_(Health::Well);
    reserve(&client, 9..=12).await;
    for program in [&server, &client] {
        eventually("its recovery is logged", async || lines(program).len() > 1).await;
        let lines = lines(program);
        let [(lost, reason), (again, _)] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(lost, "traces are lost: the collector takes none");
        assert!(reason.contains("500"), "{reason}");
        assert_eq!(again, "the collector takes traces again");
    }
    stop_quickly([client, server]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_spans_with_success_is_logged_and_does_not_fill_the_log() {
    let world = World::new().await;
    let collector = Collector::start(Health::Refusing).await;
    let (server, client) = pair(&world, &collector.endpoint()).await;
    for postos in [1..=4, 5..=8, 9..=12] {
        let before = collector.requests();
        reserve(&client, postos).await;
        eventually("batches arrive", async || collector.requests() > before + 1).await;
    }
    for program in [&server, &client] {
        eventually("it is logged", async || !lines(program).is_empty()).await;
        let lines = lines(program);
        let [(first, reason), ..] = &lines[..] else { panic!("nothing is logged") };
        assert_eq!(first, "traces are lost: the collector refuses spans");
        assert_eq!(reason, "too many spans");
        assert!(lines.iter().all(|line| line == &lines[0]), "{lines:?}");
        let most = collector.requests().ilog2() as usize + 1;
        assert!(lines.len() <= most, "{} lines for {} batches", lines.len(), collector.requests());
    }
    stop_quickly([client, server]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_holds_up_no_request_and_no_stop() {
    let world = World::new().await;
    let collector = Collector::start(Health::Silent).await;
    let (server, client) = pair(&world, &collector.endpoint()).await;
    reserve(&client, 1..=8).await;
    eventually("it is asked", async || collector.requests() > 0).await;
    stop_quickly([client, server]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_exports_the_last_spans_and_a_kill_harms_nothing() {
    let world = World::new().await;
    let collector = Collector::start(Health::Well).await;
    let endpoint = collector.endpoint();
    // So that nothing is exported before the stop.
    let traced =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "3600000")];
    let server = world.server_with("server1", &traced).await;
    let client = world.client_with("cliente1", &traced).await;
    client.sees("server1", "online").await;
    reserve(&client, 1..=1).await;
    assert_eq!(collector.requests(), 0);
    stop_quickly([client, server]).await;
    let has = |name: &str| collector.spans().iter().any(|span| span.name == name);
    assert!(has("POST /reservar") && has("commit") && has("publish postos/reserva/response"));

    let server = world.server_with("server1", &traced).await;
    let client = world.client_with("cliente1", &traced).await;
    client.sees("server1", "online").await;
    reserve(&client, 2..=2).await;
    server.kill().await;
    let server = world.server_with("server1", &traced).await;
    eventually("it has what was answered", async || {
        let kept = server.get("/reservas").await.json;
        kept["reservas"].as_array().is_some_and(|kept| kept.len() == 2)
    })
    .await;
}
