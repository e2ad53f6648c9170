//! Which servidores a gateway knows, and who may say that they are online.

use protocol::Timestamp;
use serde_json::{Value, json};

use crate::harness::{PlainClient, Program, World, eventually};

const TOPIC: &str = "server/server1/status";

fn presence(server_id: &str, status: &str) -> Value {
    json!({"server_id": server_id, "status": status, "desde": "2026-01-01T00:00:00.000Z",
        "versao": "0", "entrega": ["difusao"]})
}

async fn knows(client: &Program, server_id: &str) -> bool {
    let seen = client.get("/servidores").await.json;
    let servers = seen["servidores"].as_array().cloned().unwrap_or_default();
    servers.iter().any(|one| one["server_id"] == server_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servidor_whose_presence_is_cleared_is_forgotten() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let operator = PlainClient::subscribe(&world, "operator", &[]).await;
    for status in ["online", "offline"] {
        operator.publish_retained("server/ghost/status", presence("ghost", status)).await;
        client.sees("ghost", status).await;
        operator.publish_retained("server/ghost/status", "").await;
        eventually("the ghost is forgotten", async || !knows(&client, "ghost").await).await;
        let refused = client.get("/postos?server_id=ghost").await;
        assert_eq!(refused.verdict(), (503, "servidor_indisponivel"));
    }
    operator.publish_retained("server/ghost/status", presence("ghost", "online")).await;
    client.sees("ghost", "online").await;
    assert!(client.stop().await.success());
    operator.publish_retained("server/ghost/status", "").await;
    let client = world.client("cliente1").await;
    client.sees("server1", "online").await;
    eventually("what was cleared meanwhile is forgotten", async || !knows(&client, "ghost").await)
        .await;
    // A servidor that runs says so again.
    operator.publish_retained(TOPIC, "").await;
    eventually("it contradicts", async || contradictions(&server) == 1).await;
    client.sees("server1", "online").await;
}

/// Warnings that somebody else publishes this servidor's presence.
fn contradictions(server: &Program) -> usize {
    let lines = server.log_lines().into_iter();
    let lines = lines.filter(|line| line["level"] == "WARN");
    lines.filter(|line| line["message"].as_str().is_some_and(|m| m.contains("contradicts"))).count()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn only_another_program_is_reported_to_contradict_a_presence() {
    let mut world = World::on_mosquitto().await;
    let (server, client) = world.pair().await;
    for _ in 0..3 {
        world.broker.terminate().await;
        eventually("the broker is missed", async || server.get("/readyz").await.status == 503)
            .await;
        world.broker.start_again().await;
        client.ready().await;
        client.sees("server1", "online").await;
    }
    assert_eq!(contradictions(&server), 0, "it is its own Last Will");
    let other = PlainClient::subscribe(&world, "other", &[]).await;
    for status in ["online", "offline", "online"] {
        other.publish_retained(TOPIC, presence("server1", status)).await;
    }
    eventually("it is reported", async || contradictions(&server) > 0).await;
    client.sees("server1", "online").await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(contradictions(&server), 1, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servidor_that_was_stopped_is_offline_since_then() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let desde = async |client: &Program| {
        let seen = client.get("/servidores").await.json;
        let desde = seen["servidores"][0]["desde"].as_str().expect("a time");
        desde.parse::<Timestamp>().expect("a time")
    };
    let online_since = desde(&client).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let stopping = service::now();
    assert!(server.stop().await.success());
    // One that did not see it, too.
    let other = world.client("cliente2").await;
    other.sees("server1", "offline").await;
    client.sees("server1", "offline").await;
    for seen in [desde(&client).await, desde(&other).await] {
        assert!(seen >= stopping && seen > online_since, "{seen} after {stopping}");
    }
}
