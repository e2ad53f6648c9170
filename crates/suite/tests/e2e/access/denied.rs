//! Programs whose rights at the broker do not suffice.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, BrokerAccess, Program, World, eventually, payload, seed_payload};

/// The time limits of the callers, in seconds.
const LIMIT: &str = "60";
/// Far shorter than the time limits.
const AT_ONCE: Duration = Duration::from_secs(30);
/// Callers that ask at the same time, so that `direta` joins their commands.
const CALLERS: i64 = 50;

/// Every call that is a command to a servidor.
async fn commands(client: &Program, request_id: &str, posto_id: i64) -> Vec<Answer> {
    let body = payload("AAA1111", posto_id);
    let reserva = format!("/reservas/{request_id}?server_id=server1");
    let cancelar = format!("/reservas/{request_id}/cancelar?server_id=server1");
    let another = json!({"posto_id": 8});
    let (made, estimated, listed, seen, changed, cancelled) = tokio::join!(
        client.reservar(&body),
        client.post("/estimativa", &body),
        client.get("/postos?server_id=server1"),
        client.get(&reserva),
        client.patch(&reserva, &another),
        client.post(&cancelar, &Value::Null),
    );
    vec![made, estimated, listed, seen, changed, cancelled]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_command_that_the_broker_denies_is_answered_at_once() {
    for entrega in ["difusao", "direta"] {
        let world = World::on_mosquitto_with_access(BrokerAccess::Logins, "").await;
        let server = world.server("server1").await;
        let set = [
            ("MQTT_ENTREGA", entrega),
            ("TEMPO_LIMITE_RESERVA", LIMIT),
            ("TEMPO_LIMITE_POSTOS", LIMIT),
        ];
        let client = world.client_with("cliente1", &set).await;
        client.sees("server1", "online").await;
        let made = client.reservar(&seed_payload()).await;
        let request_id = made.request_id();
        world.logins().forbid("gateway.cliente1", "server/");
        eventually("the broker denies", async || {
            client.get("/postos?server_id=server1").await.status == 503
        })
        .await;
        for answer in commands(&client, &request_id, 7).await {
            assert_eq!(answer.verdict(), (503, "broker_indisponivel"), "{entrega}: {answer:?}");
            let mensagem = answer.json["mensagem"].as_str().unwrap_or_default();
            assert!(mensagem.contains("não dá a este cliente o direito"), "{mensagem}");
        }
        let begun = Instant::now();
        let answers = join_all((1..=CALLERS).map(|posto| commands(&client, &request_id, posto)));
        for answer in answers.await.into_iter().flatten() {
            assert_eq!(answer.verdict(), (503, "broker_indisponivel"), "{entrega}: {answer:?}");
        }
        assert!(begun.elapsed() < AT_ONCE, "{entrega}: {:?}", begun.elapsed());
        assert_eq!(client.get("/readyz").await.status, 200, "the connection stays");
        let kept = server.get("/reservas").await.json;
        assert_eq!(kept["reservas"].as_array().map(Vec::len), Some(1), "nothing was done");
        assert_eq!(kept["reservas"][0]["status"], "ativa");
        world.logins().allow("gateway.cliente1");
        eventually("the rights hold again", async || {
            client.reservar(&payload("BBB2222", 9)).await.status == 200
        })
        .await;
    }
}

/// Lines of messages that were given up.
fn given_up(program: &Program) -> usize {
    let lines = program.log_lines().into_iter();
    lines.filter(|line| line["message"] == "message given up").count()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_servidor_whose_replies_are_denied_goes_on_and_does_not_loop() {
    let world = World::on_mosquitto_with_access(BrokerAccess::Logins, "").await;
    let server = world.server("server1").await;
    let limits = [("TEMPO_LIMITE_RESERVA", "2"), ("TEMPO_LIMITE_POSTOS", "2")];
    let client = world.client_with("cliente1", &limits).await;
    client.sees("server1", "online").await;
    world.logins().forbid("servidor.server1", "client/");
    eventually("the broker denies", async || {
        client.get("/postos?server_id=server1").await.status == 504
    })
    .await;
    let unanswered = client.reservar(&seed_payload()).await;
    assert_eq!(unanswered.verdict(), (504, "tempo_esgotado"));
    // What is tried again and again soon exceeds this.
    loop {
        let before = given_up(&server);
        assert!((2..40).contains(&before), "{before} for a handful of replies and their repeats");
        tokio::time::sleep(Duration::from_secs(2)).await;
        if given_up(&server) == before {
            break;
        }
    }
    assert_eq!(server.get("/readyz").await.status, 200);
    world.logins().allow("servidor.server1");
    let settle = format!("/reservas/{}?server_id=server1", unanswered.request_id());
    eventually("the rights hold again", async || client.get(&settle).await.status == 200).await;
    assert_eq!(client.get(&settle).await.json["reserva"]["status"], json!("ativa"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_servidor_whose_birth_is_denied_is_not_ready_until_it_may_publish_it() {
    let mut world = World::on_mosquitto_with_access(BrokerAccess::Logins, "").await;
    let (server, client) = world.pair().await;
    world.logins().forbid("servidor.server1", "server/server1/status");
    world.broker.kill().await;
    world.broker.start_again().await;
    client.ready().await;
    eventually("it says why", async || {
        let answer = server.get("/readyz").await;
        let mensagem = answer.json["mensagem"].as_str().unwrap_or_default();
        answer.verdict() == (503, "broker_indisponivel")
            && mensagem.contains("publish its presence on server/server1/status")
            && mensagem.contains("its Last Will would not be believed either")
    })
    .await;
    let refused = client.reservar(&seed_payload()).await;
    assert_eq!(refused.verdict(), (503, "servidor_indisponivel"));
    let says = |line: &Value| line.to_string().contains("Last Will would not");
    let said = || server.log_lines().iter().filter(|line| says(line)).count();
    eventually("it is logged", async || said() >= 1).await;
    assert_eq!(said(), 1);
    world.logins().allow("servidor.server1");
    server.ready().await;
    client.sees("server1", "online").await;
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
}
