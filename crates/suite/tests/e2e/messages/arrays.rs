//! Arrays on topics that several programs receive: commands to all servidores, and the events of one
//! client.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::harness::{MARKER, PlainClient, World, eventually, payload};

const RESERVE: &str = "server/postos/reserva";
const REPLY: &str = "client/app1/postos/reserva/response";
const CALLERS: usize = 48;

fn command(request_id: &str, server_id: &str, posto_id: i64) -> Value {
    let mut carro = payload("AAA1111", 1);
    for other in ["posto_id", "server_id"] {
        carro.as_object_mut().expect("an object").remove(other);
    }
    json!({"request_id": request_id, "client_id": "app1", "server_id": server_id, "carro": carro,
        "posto_id": posto_id})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_servidor_picks_its_own_out_of_an_array() {
    let world = World::new().await;
    let servers = [world.server("server1").await, world.server("server2").await];
    for server in &servers {
        server.ready().await;
    }
    let mut app = PlainClient::subscribe(&world, "app1", &[REPLY, MARKER]).await;
    let mut unaddressed = command("nobody", "server1", 3);
    unaddressed["server_id"] = json!(null);
    let wrong = json!({"request_id": "wrong", "client_id": "app1", "server_id": "server2"});
    let array = json!([
        command("a", "server1", 1),
        command("b", "server2", 2),
        wrong,
        command("c", "server9", 3),
        unaddressed,
        5,
        command("d", "server1", 99)
    ]);
    app.publish(RESERVE, array).await;
    app.publish(RESERVE, json!([command("late", "server9", 1)])).await;
    // Each servidor handles messages in order of arrival, so these answers are its last.
    for server_id in ["server1", "server2"] {
        app.publish(RESERVE, json!([command(&format!("last-{server_id}"), server_id, 5)])).await;
    }
    let mut answers = Vec::new();
    while answers.len() < 6 {
        answers.extend(app.next(REPLY).await.as_array().expect("an array").clone());
    }
    let mut verdicts: Vec<_> = answers
        .iter()
        .map(|answer| {
            let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
            (text("request_id"), text("codigo"))
        })
        .collect();
    verdicts.sort();
    let expected = [
        ("a", ""),
        ("b", ""),
        ("d", "posto_inexistente"),
        ("last-server1", ""),
        ("last-server2", ""),
        ("wrong", "requisicao_invalida"),
    ];
    assert_eq!(verdicts, expected.map(|(id, codigo)| (id.to_owned(), codigo.to_owned())));
    app.catch_up().await;
    assert_eq!(app.received(REPLY), Vec::<Value>::new(), "nobody answers for another");
    for server in &servers {
        let made = server.get("/reservas").await.json["reservas"].as_array().map(Vec::len);
        assert_eq!(made, Some(2));
    }
}

/// Reserves as fast as it is answered; every answer must be a success.
async fn load(url: String, next: Arc<AtomicI64>, stop: CancellationToken) {
    let http = reqwest::Client::new();
    while !stop.is_cancelled() {
        let number = next.fetch_add(1, Relaxed);
        // 20 postos, and an hour of its own for each reserva of one.
        let begin = service::now().as_millis() + 86_400_000 + number / 20 % 2_000 * 3_600_000;
        let mut body = payload(&format!("C{number:07}"), number % 20 + 1);
        body["inicio"] = json!(protocol::Timestamp::clamped(begin));
        body["fim"] = json!(protocol::Timestamp::clamped(begin + 60_000));
        let answer = http.post(&url).json(&body).send().await.expect("an answer");
        let status = answer.status();
        assert_eq!(status, 200, "{:?}", answer.text().await);
    }
}

/// The commands that the observer hears within a second, and how many of them are arrays.
async fn heard(observer: &mut PlainClient) -> (usize, usize) {
    let before = observer.received(RESERVE).len();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let heard = observer.received(RESERVE).split_off(before);
    (heard.len(), heard.iter().filter(|one| one.is_array()).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servidor_that_takes_no_arrays_appears_and_goes_under_load() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let topics = [RESERVE, "client/cliente1/postos/reserva/response"];
    let mut observer = PlainClient::subscribe(&world, "observer", &topics).await;
    let (stop, next) = (CancellationToken::new(), Arc::new(AtomicI64::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(load(client.url("/reservar"), Arc::clone(&next), stop.clone()));
    }
    eventually("commands are joined", async || heard(&mut observer).await.1 > 0).await;
    let presence = |status: &str, entrega: Value| {
        json!({"server_id": "server9", "status": status, "desde": "2026-01-01T00:00:00Z",
            "versao": "0.1.0", "entrega": entrega})
    };
    const PRESENCE: &str = "server/server9/status";
    let old = json!(["difusao", "direta"]);
    for (shown, status, entrega, joins) in [
        ("it appears", Some("online"), old.clone(), false),
        ("it is away", Some("offline"), old.clone(), false),
        ("it is forgotten", None, Value::Null, true),
        ("it is back", Some("online"), old, false),
        ("it is upgraded", Some("online"), json!(["difusao", "listas_em_difusao"]), true),
    ] {
        let published = status.map_or_else(String::new, |one| presence(one, entrega).to_string());
        observer.publish_retained(PRESENCE, published).await;
        match status {
            Some(status) => client.sees("server9", status).await,
            None => client.lacks("server9").await,
        }
        if joins {
            eventually(shown, async || heard(&mut observer).await.1 > 0).await;
            continue;
        }
        // What is on its way arrives first.
        eventually(shown, async || {
            let (commands, arrays) = heard(&mut observer).await;
            commands > 0 && arrays == 0
        })
        .await;
        let (commands, arrays) = heard(&mut observer).await;
        assert!(commands > 0 && arrays == 0, "{shown}: {arrays} of {commands}");
    }
    stop.cancel();
    while let Some(ended) = callers.join_next().await {
        ended.expect("every command was carried out");
    }
    let is_bad = |line: &Value| line["level"] == "WARN" || line["level"] == "ERROR";
    let refused: Vec<_> = server.log_lines().into_iter().filter(is_bad).collect();
    assert_eq!(refused, Vec::<Value>::new());
    let answers = observer.received(topics[1]);
    assert!(answers.iter().any(Value::is_array), "answers are joined, too");
}

/// Makes reservas of one posto, has the operator remove it, and returns in how many messages the
/// cancellations came.
async fn cancelled_in(
    app: &mut PlainClient,
    server: &crate::harness::Program,
    of: &[Value],
) -> usize {
    const EVENTS: &str = "client/app1/reservas/status";
    for command in of {
        app.publish(RESERVE, command).await;
        let answer = app.next(REPLY).await;
        assert_eq!(answer["status"], "sucesso", "{answer}");
    }
    let posto = &of[0]["posto_id"];
    let removed = server.delete(&format!("/postos/{posto}?reservas=cancelar")).await;
    assert_eq!(removed.status, 200, "{removed:?}");
    let (mut messages, mut cancelled) = (0, Vec::new());
    while cancelled.len() < of.len() {
        let message = app.next(EVENTS).await;
        messages += 1;
        cancelled.extend(message.as_array().cloned().unwrap_or_else(|| vec![message]));
    }
    let ids = |events: &[Value]| -> Vec<_> {
        events.iter().map(|event| event["request_id"].clone()).collect()
    };
    assert_eq!(ids(&cancelled), ids(of));
    assert!(cancelled.iter().all(|event| event["status"] == "cancelada"), "{cancelled:?}");
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_commit_are_joined_for_a_client_that_takes_arrays() {
    const COUNT: i64 = 12;
    let world = World::new().await;
    let server = world.server_with("server1", &[("RESERVAS_POR_CARRO", "0")]).await;
    server.ready().await;
    let topics = [REPLY, "client/app1/reservas/status"];
    let mut app = PlainClient::subscribe(&world, "app1", &topics).await;
    // What the last command says counts.
    for (posto, says, joins) in [
        (1, json!(null), false),
        (2, json!(true), true),
        (3, json!(false), false),
        (4, json!(true), true),
        (5, json!(null), false),
    ] {
        let begin = service::now().as_millis() + 3_600_000;
        let commands: Vec<_> = (0..COUNT)
            .map(|number| {
                let at = |hours| protocol::Timestamp::clamped(begin + hours * 3_600_000);
                let mut command = command(&format!("p{posto}r{number}"), "server1", posto);
                command["listas"] = says.clone();
                command["inicio"] = json!(at(number + posto * COUNT));
                command["fim"] = json!(at(number + posto * COUNT + 1));
                command
            })
            .collect();
        let messages = cancelled_in(&mut app, &server, &commands).await;
        assert_eq!(messages < commands.len(), joins, "listas: {says}, {messages} messages");
    }
}
