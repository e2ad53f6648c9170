//! Programs that join a running system, and programs that share one.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{PlainClient, Program, World, eventually, payload, seed_payload};

#[tokio::test(flavor = "multi_thread")]
async fn a_third_servidor_and_a_third_gateway_join_a_running_system() {
    let world = World::new().await;
    let (_server, first) = world.pair().await;
    let third = world.server("server3").await;
    let gateway = world.client("cliente3").await;
    first.sees("server3", "online").await;
    gateway.sees("server1", "online").await;
    gateway.sees("server3", "online").await;
    for (client, server_id, placa) in [
        (&gateway, "server1", "AAA1111"),
        (&gateway, "server3", "BBB2222"),
        (&first, "server3", "CCC3333"),
    ] {
        let mut body = payload(placa, 5);
        body["server_id"] = json!(server_id);
        let answer = client.reservar(&body).await;
        let expected = if placa == "CCC3333" { 409 } else { 200 };
        assert_eq!(answer.status, expected, "{answer:?}");
    }
    assert!(third.stop().await.success());
    first.sees("server3", "offline").await;
    let mut body = seed_payload();
    body["server_id"] = json!("server3");
    assert_eq!(first.reservar(&body).await.verdict(), (503, "servidor_indisponivel"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_racing_for_one_posto_have_one_winner() {
    let world = World::new().await;
    let (_server, first) = world.pair().await;
    let second = world.client("cliente2").await;
    second.sees("server1", "online").await;
    for posto_id in 1..=20 {
        let body = |letters| payload(&format!("{letters}{posto_id:04}"), posto_id);
        let (first_body, second_body) = (body("AAA"), body("BBB"));
        let (one, other) = tokio::join!(first.reservar(&first_body), second.reservar(&second_body));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one:?} {other:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_direta_commands_go_to_one_servidor() {
    let world = World::new().await;
    let _server = world.server("server1").await;
    let client = world.client_with("cliente1", &[("MQTT_ENTREGA", "direta")]).await;
    client.sees("server1", "online").await;
    let topics = ["server/server1/postos/reserva", "server/postos/reserva"];
    let mut listener = PlainClient::subscribe(&world, "listener", &topics).await;
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
    let command = listener.next("server/server1/postos/reserva").await;
    assert_eq!(command["server_id"], "server1");
    let listed = client.get("/postos?server_id=server1&tipo_conector=ccs").await;
    assert_eq!(listed.json["postos"].as_array().map(Vec::len), Some(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserva_ends_by_itself_with_one_event() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let mut listener = PlainClient::subscribe(&world, "listener", &["reservas/1/status"]).await;
    let now = server.get("/status").await.json["timestamp"].clone();
    let mut body = seed_payload();
    body["inicio"] = now.clone();
    body["fim"] = json!(later(now.as_str().expect("a timestamp"), 6));
    assert_eq!(client.reservar(&body).await.status, 200);
    assert_eq!(client.reservar(&payload("XYZ9876", 5)).await.status, 409);
    assert_eq!(listener.next("reservas/1/status").await["status"], "ativa");
    assert_eq!(listener.next("reservas/1/status").await["status"], "encerrada");
    assert_eq!(client.reservar(&payload("XYZ9876", 5)).await.status, 200);
    assert_eq!(server.get("/reservas/1").await.json["status"], "encerrada");
    let late = server.post("/reservas/1/cancelar", &json!(null)).await;
    assert_eq!(late.verdict(), (409, "reserva_encerrada"));
}

/// `seconds` after an RFC 3339 timestamp.
fn later(timestamp: &str, seconds: i64) -> String {
    let timestamp: protocol::Timestamp = timestamp.parse().expect("a timestamp");
    protocol::Timestamp::clamped(timestamp.as_millis() + seconds * 1000).to_string()
}

/// Mosquitto does not say why it ends a connection, as in `two_programs_with_one_id`: the program
/// that recognises it first waits, and then the other does.
const BOTH_HAVE_SAID_SO: Duration = Duration::from_secs(60);

fn errors_about_ids(program: &Program) -> usize {
    let lines = program.log_lines().into_iter();
    lines
        .filter(|line| line["level"] == "ERROR" && line.to_string().contains("an id of its own"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_with_one_id_log_an_error() {
    let world = World::new().await;
    let first = world.client("cliente1").await;
    let second = world.client("cliente1").await;
    eventually("an error in the log names the id", async || {
        errors_about_ids(&first) + errors_about_ids(&second) > 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn both_of_two_programs_with_one_id_log_one_error() {
    let world = World::on_mosquitto().await;
    let (server, client) = world.pair().await;
    let other_data = [("DATABASE_URL", "sqlite://other.db")];
    let other_server = world.server_with("server1", &other_data).await;
    let other_client = world.client("cliente1").await;
    let all = [&server, &other_server, &client, &other_client];
    let start = Instant::now();
    while all.iter().any(|program| errors_about_ids(program) == 0) {
        let counts = all.map(errors_about_ids);
        assert!(start.elapsed() < BOTH_HAVE_SAID_SO, "not all have said so: {counts:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(all.map(errors_about_ids), [1; 4], "each says so once");
}
