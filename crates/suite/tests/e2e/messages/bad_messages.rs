//! Messages that are refused as a whole: who is answered, and how.

use serde_json::{Value, json};

use crate::harness::{PlainClient, World, eventually, seed_payload};

const BROADCAST: &str = "server/postos/reserva";
const DIRECT: &str = "server/server1/postos/reserva";
const REPLY: &str = "client/app1/postos/reserva/response";

/// A command that lacks its carro and its posto.
fn command(request_id: &str) -> Value {
    json!({"request_id": request_id, "client_id": "app1", "server_id": "server1"})
}

fn with(mut command: Value, campo: &str, value: Value) -> Value {
    command[campo] = value;
    command
}

/// `count` commands with the ids that begin with `name`.
fn commands(name: &str, count: usize) -> Vec<Value> {
    (0..count).map(|index| command(&format!("{name}{index}"))).collect()
}

/// The ids that are answered to a payload, each with an error, and whether in arrays.
async fn answered(app: &mut PlainClient, topic: &str, payload: &str) -> (Vec<String>, bool) {
    app.publish(topic, payload).await;
    // Messages are handled in order of arrival, so the answer to this one is the last.
    app.publish(BROADCAST, command("last")).await;
    let (mut ids, mut in_arrays) = (Vec::new(), true);
    loop {
        let message = app.next(REPLY).await;
        in_arrays &= message.is_array() || message["request_id"] == "last";
        let replies = message.as_array().cloned().unwrap_or_else(|| vec![message]);
        for reply in replies {
            assert_eq!(reply["codigo"], "requisicao_invalida", "{reply}");
            let id = reply["request_id"].as_str().expect("an id").to_owned();
            if id == "last" {
                return (ids, in_arrays);
            }
            ids.push(id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sender_that_can_be_read_is_answered() {
    let world = World::new().await;
    let server = world.server("server1").await;
    server.ready().await;
    let mut app = PlainClient::subscribe(&world, "app1", &[REPLY]).await;
    let long = "x".repeat(129);
    let megabyte = "x".repeat(1 << 20);
    let expected = |name: &str, count: usize| -> Vec<String> {
        (0..count).map(|index| format!("{name}{index}")).collect()
    };
    let one = |id: &str| vec![id.to_owned()];
    let mut nameless = commands("n", 300);
    for command in &mut nameless[..10] {
        command["client_id"] = json!("a/b");
    }
    let mixed = json!([
        command("m0"),
        with(command("m1"), "server_id", json!("server2")),
        with(command("m2"), "server_id", json!(null)),
        with(command("m3"), "server_id", json!("a/b")),
        5,
        [command("m4")],
    ]);
    let broken_array = format!("[{}, {}, {{", command("b0"), command("b1"));
    let long_array = json!([
        with(command("l0"), "modelo", json!(megabyte)),
        with(command("l1"), "server_id", json!("server2")),
        command("l2"),
    ]);
    let digits = "9".repeat(100_000);
    let long_number = command("v").to_string().replace('}', &format!(r#","posto_id":{digits}}}"#));
    let broken = r#"{"request_id":"t","client_id":"app1","server_id":"server1","carro":{"#;
    for (shown, topic, payload, expected) in [
        ("257 commands", DIRECT, json!(commands("c", 257)).to_string(), expected("c", 256)),
        (
            "300, ten without a sender",
            DIRECT,
            json!(nameless).to_string(),
            expected("n", 256)[10..].to_vec(),
        ),
        ("300 on broadcast", BROADCAST, json!(commands("d", 300)).to_string(), expected("d", 256)),
        ("an empty array", DIRECT, "[]".to_owned(), vec![]),
        ("an empty array on broadcast", BROADCAST, "[ ]".to_owned(), vec![]),
        ("an array that breaks off", DIRECT, broken_array.clone(), expected("b", 2)),
        ("an array that breaks off, on broadcast", BROADCAST, broken_array, expected("b", 2)),
        ("an array on broadcast", BROADCAST, mixed.to_string(), one("m0")),
        (
            "an array of all kinds",
            DIRECT,
            mixed.to_string(),
            ["m0", "m2", "m3"].map(String::from).to_vec(),
        ),
        ("an object that breaks off", BROADCAST, broken.to_owned(), one("t")),
        ("an object that breaks off", DIRECT, broken.to_owned(), one("t")),
        ("a number of 100,000 digits", BROADCAST, long_number, one("v")),
        ("a long request_id", DIRECT, command(&long).to_string(), vec![]),
        (
            "a long client_id",
            DIRECT,
            with(command("r"), "client_id", json!(long)).to_string(),
            vec![],
        ),
        (
            "a long server_id",
            DIRECT,
            with(command("s"), "server_id", json!(long)).to_string(),
            one("s"),
        ),
        (
            "a long server_id on broadcast",
            BROADCAST,
            with(command("s"), "server_id", json!(long)).to_string(),
            vec![],
        ),
        (
            "a server_id that is none",
            DIRECT,
            with(command("s"), "server_id", json!(5)).to_string(),
            one("s"),
        ),
        (
            "another servidor",
            DIRECT,
            with(command("o"), "server_id", json!("server2")).to_string(),
            vec![],
        ),
        (
            "over 1 MiB",
            BROADCAST,
            with(command("g"), "modelo", json!(megabyte)).to_string(),
            one("g"),
        ),
        ("over 1 MiB", DIRECT, with(command("g"), "modelo", json!(megabyte)).to_string(), one("g")),
        (
            "an array over 1 MiB",
            DIRECT,
            long_array.to_string(),
            ["l0", "l2"].map(String::from).to_vec(),
        ),
        (
            "an array over 1 MiB on broadcast",
            BROADCAST,
            long_array.to_string(),
            ["l0", "l2"].map(String::from).to_vec(),
        ),
    ] {
        let (mut ids, in_arrays) = answered(&mut app, topic, &payload).await;
        let mut expected = expected;
        ids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(ids, expected, "{shown} on {topic}");
        let is_array = payload.starts_with('[');
        assert!(
            in_arrays == is_array || ids.is_empty(),
            "{shown} on {topic}: an array for an array"
        );
    }
    assert_eq!(server.get("/reservas").await.json["reservas"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_id_of_another_request_is_answered_on_the_topic_of_its_command() {
    let world = World::new().await;
    let server = world.server("server1").await;
    server.ready().await;
    for (command_path, topic) in [
        ("consulta", "client/app1/postos/reserva/consulta/response"),
        ("cancelamento", "client/app1/postos/reserva/cancelamento/response"),
    ] {
        let mut app = PlainClient::subscribe(&world, "app1", &[topic]).await;
        let asked = with(command("r1"), "reserva_request_id", json!("x".repeat(129)));
        app.publish(&format!("server/postos/reserva/{command_path}"), &asked).await;
        let refused = app.next(topic).await;
        assert_eq!(refused["campos"][0]["campo"], "reserva_request_id", "{refused}");
        app.publish(
            &format!("server/server1/postos/reserva/{command_path}"),
            json!(vec![asked; 300]),
        )
        .await;
        assert_eq!(app.next(topic).await[0]["request_id"], "r1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_that_is_refused_is_logged_once() {
    let world = World::new().await;
    let server = world.server("server1").await;
    server.ready().await;
    let app = PlainClient::subscribe(&world, "app1", &[]).await;
    // Of another servidor, and so not logged here.
    let others: Vec<_> = commands("o", 3);
    let others: Vec<_> =
        others.into_iter().map(|one| with(one, "server_id", json!("server2"))).collect();
    app.publish(BROADCAST, json!(others)).await;
    app.publish(DIRECT, json!(commands("c", 300))).await;
    app.publish(BROADCAST, "[]").await;
    let logged = || {
        let lines = server.log_lines().into_iter();
        let bad = lines.filter(|line| line["message"] == "bad message");
        bad.map(|line| line["topic"].clone()).collect::<Vec<_>>()
    };
    eventually("both bad messages are logged", async || logged().contains(&json!(BROADCAST))).await;
    assert_eq!(logged(), [DIRECT, BROADCAST]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_battery_that_holds_more_than_it_can_is_a_bad_message() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
    let carro = PlainClient::subscribe(&world, "app1", &[]).await;
    let status = json!({"placa": "ABC1234", "nivel_bateria": 500, "em_carregamento": true});
    carro.publish("carros/ABC1234/status", status).await;
    let logged = || {
        let lines = server.log_lines().into_iter();
        let bad = lines.filter(|line| line["message"] == "bad message");
        bad.map(|line| line["reason"].clone()).collect::<Vec<_>>()
    };
    eventually("it is logged", async || !logged().is_empty()).await;
    assert_eq!(logged(), ["nivel_bateria deve estar entre 0 e 44,5"]);
    let known = server.get("/carros/ABC1234").await.json;
    assert_eq!(known["nivel_bateria_atual"], seed_payload()["nivel_bateria_atual"]);
    assert_eq!(known["em_carregamento"], true, "it charges all the same");
}
