//! Servidores, gateways and brokers that are killed, freeze and return.

use serde_json::{Value, json};

use crate::harness::{PlainClient, World, eventually, payload, seed_payload};

/// Where commands to reserve are published.
const COMMAND: &str = "server/postos/reserva";

#[tokio::test(flavor = "multi_thread")]
async fn a_sucesso_survives_kill_9() {
    let world = World::new().await;
    let (mut server, client) = world.pair().await;
    for posto_id in 1..=5 {
        let made = client.reservar(&payload(&format!("ABC123{posto_id}"), posto_id)).await;
        assert_eq!(made.status, 200, "{made:?}");
        server.kill().await;
        server = world.server("server1").await;
        let kept = server.get(&format!("/reservas/{}", made.json["reserva"]["id"])).await;
        assert_eq!(kept.json["request_id"], made.json["request_id"]);
        eventually("the gateway lists server1 again", async || {
            client.get("/postos?server_id=server1").await.status == 200
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_notices_at_once_that_a_servidor_is_gone_and_that_it_is_back() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    server.kill().await;
    client.sees("server1", "offline").await;
    let refused = client.reservar(&seed_payload()).await;
    assert_eq!(refused.verdict(), (503, "servidor_indisponivel"));
    let server = world.server("server1").await;
    client.sees("server1", "online").await;
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
    assert!(server.stop().await.success());
    client.sees("server1", "offline").await;
    let wal = world.database("server1").with_extension("db-wal");
    assert!(!wal.exists(), "a graceful stop leaves one file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_caller_has_gone_is_not_carried_out() {
    let world = World::new().await;
    let server = world.server("server1").await;
    let client = world.client_with("cliente1", &[("TEMPO_LIMITE_RESERVA", "2")]).await;
    client.sees("server1", "online").await;
    server.freeze();
    let open = client.reservar(&seed_payload()).await;
    assert_eq!(open.verdict(), (504, "tempo_esgotado"));
    assert!(open.json["mensagem"].as_str().is_some_and(|text| text.contains("GET /reservas/")));
    server.thaw();
    eventually("the servidor answers again", async || {
        client.get("/postos?server_id=server1").await.status == 200
    })
    .await;
    let settled = client.get(&format!("/reservas/{}?server_id=server1", open.request_id())).await;
    assert_eq!(settled.verdict(), (404, "reserva_inexistente"));
    assert_eq!(server.get("/reservas").await.json["reservas"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_tells_its_callers_what_to_ask_about() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let mut listener = PlainClient::subscribe(&world, "listener", &[COMMAND]).await;
    server.freeze();
    let body = seed_payload();
    let terminate = async {
        listener.next(COMMAND).await;
        client.signal("-TERM");
    };
    let (open, ()) = tokio::join!(client.reservar(&body), terminate);
    assert_eq!(open.verdict(), (504, "tempo_esgotado"));
    server.thaw();
    let other = world.client("cliente2").await;
    let path = format!("/reservas/{}?server_id=server1", open.request_id());
    eventually("another gateway knows what became of it", async || {
        let consulted = other.get(&path).await;
        assert_ne!(consulted.status, 404, "a denial came true: {consulted:?}");
        consulted.status == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_requests_fail_at_once_and_work_again_after_its_return() {
    let mut world = World::new().await;
    let (server, client) = world.pair().await;
    world.broker.kill().await;
    eventually("the gateway notices that the broker is gone", async || {
        client.reservar(&seed_payload()).await.verdict() == (503, "broker_indisponivel")
    })
    .await;
    assert_eq!(client.get("/readyz").await.verdict(), (503, "broker_indisponivel"));
    eventually("the servidor notices too", async || {
        server.get("/readyz").await.verdict() == (503, "broker_indisponivel")
    })
    .await;
    assert_eq!(server.get("/postos").await.status, 200, "the admin API needs no broker");
    world.broker.start_again().await;
    client.ready().await;
    client.sees("server1", "online").await;
    let made = client.reservar(&seed_payload()).await;
    assert_eq!(made.status, 200, "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_in_flight_survives_a_broker_restart() {
    let mut world = World::new().await;
    let (server, client) = world.pair().await;
    let mut listener = PlainClient::subscribe(&world, "listener", &[COMMAND]).await;
    server.freeze();
    let body = seed_payload();
    let restart = async {
        // The broker has the command, and loses it.
        listener.next(COMMAND).await;
        world.broker.kill().await;
        server.thaw();
        world.broker.start_again().await;
    };
    let (made, ()) = tokio::join!(client.reservar(&body), restart);
    assert_eq!(made.status, 200, "{made:?}");
    let reservas = server.get("/reservas").await.json;
    assert_eq!(reservas["reservas"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn unexpected_replies_and_presences_are_ignored() {
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    let intruder = PlainClient::subscribe(&world, "intruder", &[]).await;
    let topic = "client/cliente1/postos/reserva/response";
    for nonsense in
        ["", "{", "[]", "[1,2]", "null", r#"{"request_id":"never-asked","status":"sucesso"}"#]
    {
        intruder.publish(topic, nonsense).await;
    }
    intruder.publish("server/server7/status", "nonsense").await;
    let online = |server_id: &str| {
        json!({"server_id": server_id, "status": "online", "desde": "2026-01-01T00:00:00Z",
            "versao": "0", "entrega": []})
    };
    intruder.publish("server/server7/status", online("server8")).await;
    // The gateway has all of the above when it has this one, which is valid.
    intruder.publish("server/server6/status", online("server6")).await;
    client.sees("server6", "online").await;
    let seen = client.get("/servidores").await.json;
    let ids = |seen: &Value| -> Vec<Value> {
        let seen = seen["servidores"].as_array().expect("servidores");
        seen.iter().map(|servidor| servidor["server_id"].clone()).collect()
    };
    assert_eq!(ids(&seen), ["server1", "server6"], "{seen}");
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
}
