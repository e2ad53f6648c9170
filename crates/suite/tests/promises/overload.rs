//! Overload: the system serves what it can, refuses the rest, and loses nothing that it accepted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::history::now;
use super::proxy::{Behaviour, Proxy};
use crate::harness::{PlainClient, Program, World, payload};

/// The gateway's limit of concurrent requests; five times as many callers send without a pause.
const IN_FLIGHT: usize = 64;
const CALLERS: usize = 5 * IN_FLIGHT;
const LENGTH: Duration = Duration::from_secs(5);
/// Commands published without waiting for any answer; the broker queues them all.
const FLOOD: usize = 15_000;
/// How much memory an overload may add to a program, in KiB. The flood bounds it: 15,000 messages of
/// about a kilobyte, in an unoptimised program.
const MAX_GROWTH: u64 = 64 * 1024;

fn memory(program: &Program) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", program.pid())).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// A reservation without conflicts: its own second of one posto, from an hour after `start` on.
fn reservation(start: i64, number: usize) -> serde_json::Value {
    let mut body = payload(&format!("C{number:06}"), (number % 20 + 1) as i64);
    let inicio = start + 3_600_000 + (number / 20) as i64 * 1_000;
    body["inicio"] = json!(protocol::Timestamp::clamped(inicio));
    body["fim"] = json!(protocol::Timestamp::clamped(inicio + 900));
    body
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn at_five_times_the_limit_some_requests_are_served_and_the_rest_refused() {
    let world = World::on_mosquitto().await;
    let limit = IN_FLIGHT.to_string();
    let server = world.server("server1").await;
    let client = Arc::new(world.client_with("cliente1", &[("MAX_REQUISICOES", &limit)]).await);
    client.sees("server1", "online").await;
    let idle = [memory(&server), memory(&client)];
    let http = reqwest::Client::new();
    let start = now();
    let end = Instant::now() + LENGTH;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (http, url) = (http.clone(), client.url("/reservar"));
        callers.spawn(async move {
            let mut answers = BTreeMap::new();
            let mut number = caller;
            while Instant::now() < end {
                let answer = http
                    .post(&url)
                    .json(&reservation(start, number))
                    .send()
                    .await
                    .expect("an answer");
                let has_retry_after = answer.headers().contains_key("retry-after");
                let (status, json) =
                    (answer.status().as_u16(), answer.json::<serde_json::Value>().await);
                let codigo = json.expect("JSON")["codigo"].as_str().unwrap_or_default().to_owned();
                *answers.entry((status, codigo, has_retry_after)).or_insert(0) += 1;
                number += CALLERS;
            }
            answers
        });
    }
    let mut answers: BTreeMap<(u16, String, bool), usize> = BTreeMap::new();
    while let Some(own) = callers.join_next().await {
        for (answer, count) in own.expect("no caller panicked") {
            *answers.entry(answer).or_default() += count;
        }
    }
    let end_of_overload = Instant::now();
    let made = client.reservar(&reservation(start, CALLERS * 10_000)).await;
    assert_eq!(made.status, 200, "requests succeed after the overload: {made:?}");
    assert!(end_of_overload.elapsed() < Duration::from_secs(2), "within two seconds");

    let served = answers.remove(&(200, String::new(), false)).unwrap_or(0);
    let refused = answers.remove(&(503, "sobrecarregado".to_owned(), true)).unwrap_or(0);
    assert_eq!(answers, BTreeMap::new(), "other answers than served or refused with Retry-After");
    assert!(served > 100 && refused > 100, "served {served}, refused {refused}");
    let after = [memory(&server), memory(&client)];
    for (before, after) in idle.iter().zip(after) {
        assert!(after < before + MAX_GROWTH, "from {idle:?} to {after} KiB");
    }
    assert!(server.stop().await.success());
    let database = super::evidence::read(&world.database("server1")).await;
    assert_eq!(
        database.reservas.len(),
        served + 1,
        "the database holds what was served, and nothing else"
    );
}

/// A program that publishes directly to the broker, without waiting for any answer.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_servidor_survives_a_flood_of_commands() {
    let world = World::on_mosquitto().await;
    let (server, client) = world.pair().await;
    let idle = memory(&server);
    let start = now();
    let topic = "client/flood/postos/reserva/response";
    let mut flood = PlainClient::subscribe(&world, "flood", &[topic]).await;
    for number in 0..FLOOD {
        let mut command = reservation(start, number);
        let carro = json!({"placa": command["placa"], "modelo": "BYD Dolphin",
            "capacidade_bateria": 44.5, "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19});
        command["carro"] = carro;
        command["request_id"] = json!(format!("flood-{number}"));
        command["client_id"] = json!("flood");
        flood.publish("server/postos/reserva", command).await;
    }
    let made = client.reservar(&reservation(start, CALLERS * 10_000)).await;
    assert_eq!(made.status, 200, "{made:?}");
    let after = memory(&server);
    assert!(after < idle + MAX_GROWTH, "from {idle} to {after} KiB");
    assert!(server.stop().await.success());
    let database = super::evidence::read(&world.database("server1")).await;
    let made = database.reservas.len() - 1;
    assert!(made > 100, "{made} were made");
    let mut confirmed = 0;
    while confirmed < made {
        let answer = flood.next(topic).await;
        match (answer["status"].as_str(), answer["codigo"].as_str()) {
            (Some("sucesso"), _) => confirmed += 1,
            (_, Some("tempo_esgotado" | "sobrecarregado")) => {}
            _ => panic!("{answer}"),
        }
    }
    let more = flood.received(topic).into_iter().filter(|answer| answer["status"] == "sucesso");
    assert_eq!(more.count(), 0, "more successes than the {made} reservas on disk");
}

/// Lists of 3,000 postos, half a megabyte each, are asked for faster than the servidor's link to the
/// broker takes them, by a program that sets no expiry.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_servidor_on_a_slow_link_survives_a_flood_of_listings() {
    let world = World::on_mosquitto().await;
    world.seed_postos("server1", 3_000);
    let link = Proxy::to(world.broker.port()).await;
    let port = link.port().to_string();
    let server = world.server_with("server1", &[("MQTT_PORT", &port)]).await;
    let client = world.client("cliente1").await;
    client.sees("server1", "online").await;
    let idle = memory(&server);
    link.set(Behaviour::Slow(Duration::from_millis(30)));
    let flood = PlainClient::subscribe(&world, "flood", &[]).await;
    let list = json!({"request_id": "r", "client_id": "nobody", "server_id": "server1"});
    let lists = json!(vec![list; protocol::MAX_ARRAY]);
    for number in 1..=10 {
        flood.publish("server/server1/postos/request", &lists).await;
        let made = client.reservar(&payload(&format!("F{number:06}"), number)).await;
        assert_eq!(made.status, 200, "{made:?}");
    }
    let after = memory(&server);
    assert!(after < idle + 3 * MAX_GROWTH, "from {idle} to {after} KiB");
    link.set(Behaviour::Normal);
    assert_eq!(client.get("/postos?server_id=server1").await.status, 200);
}
