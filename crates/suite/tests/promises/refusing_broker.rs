//! Brokers that do not take everything.

use serde_json::json;

use crate::harness::{PlainClient, World, eventually, seed_payload};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_listing_that_the_broker_does_not_take_is_asked_for_in_shorter_pages() {
    let world = World::on_mosquitto_with("message_size_limit 4000\n").await;
    world.seed_postos("server1", 100);
    let (server, client) = world.pair().await;
    let listed = client.get("/postos?server_id=server1").await;
    assert_eq!(listed.status, 200, "{listed:?}");
    assert_eq!(listed.json["postos"].as_array().map(Vec::len), Some(100));
    // Who asks for a page gets what is wrong with it.
    let refused = client.get("/postos?server_id=server1&limite=100&apos=1").await;
    let shown = refused.json["postos"].as_array().map_or(0, Vec::len);
    assert!((1..100).contains(&shown), "the servidor has learnt the limit: {refused:?}");
    client.sees("server1", "online").await;
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 200);
}

/// A question of a plain client has no expiry: unacknowledged it would come for ever.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_broker_that_closes_on_an_answer_loses_no_servidor() {
    // With this queue limit, Mosquitto 2.0.11 closes after it has refused a message.
    let world = World::on_mosquitto_with("message_size_limit 4000\nmax_queued_messages 0\n").await;
    world.seed_postos("server1", 100);
    let (server, client) = world.pair().await;
    let topic = "client/plain/postos/response";
    let mut plain = PlainClient::subscribe(&world, "plain", &[topic]).await;
    let question = json!({"request_id": "r-1", "client_id": "plain", "server_id": "server1"});
    plain.publish("server/postos/request", question).await;
    let answer = plain.next(topic).await;
    assert_eq!(
        (&answer["request_id"], &answer["codigo"]),
        (&json!("r-1"), &json!("requisicao_invalida"))
    );
    client.sees("server1", "online").await;
    eventually("a reservation works", async || {
        client.reservar(&seed_payload()).await.status == 200
    })
    .await;
    server.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_servidor_whose_presence_is_refused_is_not_ready_and_says_why() {
    let rights = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&rights, "topic read #\ntopic write client/#\n").expect("a list of rights");
    let acl = format!("acl_file {}\n", rights.path().display());
    let world = World::on_mosquitto_with(&acl).await;
    let server = world.server_with("server1", &[]).await;
    eventually("it says why", async || {
        let answer = server.get("/readyz").await;
        let mensagem = answer.json["mensagem"].as_str().unwrap_or_default();
        answer.verdict() == (503, "broker_indisponivel")
            && mensagem.contains("publish its presence on server/server1/status")
    })
    .await;
    let says = |line: &serde_json::Value| line.to_string().contains("publish its presence");
    let said = || server.log_lines().iter().filter(|line| says(line)).count();
    eventually("it is logged", async || said() >= 1).await;
    assert_eq!(said(), 1);
}
