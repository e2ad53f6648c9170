//! Programs of others (cars, chargers, the seed's gateway) over plain MQTT 3.1.1.

use serde_json::{Value, json};

use crate::harness::{PlainClient, World, eventually, seed_payload};

const REPLY: &str = "client/app1/postos/reserva/response";

fn command(request_id: &str, placa: &str, posto_id: i64) -> Value {
    json!({"request_id": request_id, "client_id": "app1", "server_id": "server1",
        "carro": {"placa": placa, "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
            "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19},
        "posto_id": posto_id})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_gateway_is_served() {
    let world = World::new().await;
    let server = world.server("server1").await;
    server.ready().await;
    let topics = [REPLY, "client/app1/postos/response", "reservas/+/status", "pontos/+/status"];
    let mut app = PlainClient::subscribe(&world, "app1", &topics).await;
    let list = json!({"request_id": "q1", "client_id": "app1", "server_id": "server1"});
    app.publish("server/postos/request", list).await;
    let listed = app.next("client/app1/postos/response").await;
    assert_eq!(listed["request_id"], "q1");
    assert_eq!(listed["postos"].as_array().map(Vec::len), Some(20));
    app.publish("server/postos/reserva", command("r1", "abc-1234", 5)).await;
    let made = app.next(REPLY).await;
    assert_eq!(
        (&made["status"], &made["reserva"]["placa"]),
        (&json!("sucesso"), &json!("ABC1234"))
    );
    let event = app.next("reservas/1/status").await;
    assert_eq!((&event["server_id"], &event["status"]), (&json!("server1"), &json!("ativa")));
    assert!(!event.to_string().contains("ABC1234") && event.get("request_id").is_none());
    let event = app.next("pontos/5/status").await;
    assert_eq!((&event["server_id"], &event["disponivel"]), (&json!("server1"), &json!(false)));
    // A repeated message has no second effect and gets the same answer.
    app.publish("server/postos/reserva", command("r1", "abc-1234", 5)).await;
    assert_eq!(app.next(REPLY).await, made);
    let reservas = server.get("/reservas").await.json;
    assert_eq!(reservas["reservas"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_for_another_servidor_is_ignored() {
    let world = World::new().await;
    let server = world.server("server1").await;
    server.ready().await;
    let mut app = PlainClient::subscribe(&world, "app1", &[REPLY]).await;
    let mut other = command("r1", "AAA1111", 5);
    other["server_id"] = json!("server2");
    app.publish("server/postos/reserva", &other).await;
    app.publish("server/server1/postos/reserva", &other).await;
    app.publish("server/postos/reserva", command("r2", "BBB2222", 5)).await;
    let answer = app.next(REPLY).await;
    assert_eq!((&answer["request_id"], &answer["status"]), (&json!("r2"), &json!("sucesso")));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_messages_are_answered_where_possible_and_change_nothing() {
    let world = World::new().await;
    let server = world.server("server1").await;
    server.ready().await;
    let mut app = PlainClient::subscribe(&world, "app1", &[REPLY]).await;
    for nonsense in ["", "[", "null", "5", "{}", "\u{1F697}", r#"{"server_id":5}"#] {
        app.publish("server/postos/reserva", nonsense).await;
        app.publish("server/server1/postos/reserva", nonsense).await;
        app.publish("pontos/5/disponibilidade", nonsense).await;
        app.publish("carros/ABC1234/status", nonsense).await;
    }
    let mut bad_client = command("r0", "AAA1111", 5);
    bad_client["client_id"] = json!("a/#");
    app.publish("server/postos/reserva", bad_client).await;
    let wrong = json!({"request_id": "r1", "client_id": "app1", "server_id": "server1",
        "carro": {"placa": 5}, "posto_id": "x"});
    app.publish("server/postos/reserva", wrong).await;
    let answer = app.next(REPLY).await;
    assert_eq!(
        (&answer["request_id"], &answer["codigo"]),
        (&json!("r1"), &json!("requisicao_invalida"))
    );
    let campos = answer["campos"].as_array().expect("the wrong fields");
    assert_eq!(campos.len(), 6, "{campos:?}");
    assert_eq!(server.get("/reservas").await.json["reservas"], json!([]));
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_answered_with_arrays_and_each_item_is_independent() {
    let world = World::new().await;
    let server = world.server("server1").await;
    server.ready().await;
    let mut app = PlainClient::subscribe(&world, "app1", &[REPLY]).await;
    let array = json!([command("r1", "AAA1111", 1), command("r2", "BBB2222", 1), {"request_id": "r3",
        "client_id": "app1", "server_id": "server1"}, command("r4", "CCC3333", 2)]);
    app.publish("server/server1/postos/reserva", array).await;
    let mut answers = Vec::new();
    while answers.len() < 4 {
        let message = app.next(REPLY).await;
        answers.extend(message.as_array().expect("an array").clone());
    }
    answers.sort_by_key(|answer| answer["request_id"].to_string());
    let statuses: Vec<_> = answers.iter().map(|answer| answer["status"].clone()).collect();
    assert_eq!(statuses, ["sucesso", "erro", "erro", "sucesso"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_chargers_and_cars_are_applied() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let mut charger = PlainClient::subscribe(&world, "charger", &["pontos/+/status"]).await;
    charger.publish("pontos/7/disponibilidade", json!({"ponto_id": 7, "disponivel": false})).await;
    let message =
        json!({"server_id": "server1", "ponto_id": 5, "disponivel": false, "em_manutencao": true});
    charger.publish("pontos/5/disponibilidade", message).await;
    let event = charger.next("pontos/5/status").await;
    assert_eq!((&event["disponivel"], &event["em_manutencao"]), (&json!(false), &json!(true)));
    let refused = client.reservar(&seed_payload()).await;
    assert_eq!(refused.verdict(), (409, "posto_em_manutencao"));
    let out = server.get("/postos?disponivel=false").await.json;
    assert_eq!(
        out["postos"].as_array().map(Vec::len),
        Some(1),
        "a message without server_id had an effect"
    );
    let message =
        json!({"server_id": "server1", "ponto_id": 5, "disponivel": true, "em_manutencao": false});
    charger.publish("pontos/5/disponibilidade", message).await;
    assert_eq!(charger.next("pontos/5/status").await["disponivel"], true);
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
    let message = json!({"placa": "ABC1234", "nivel_bateria": 40.5, "em_carregamento": true});
    charger.publish("carros/ABC1234/status", message).await;
    eventually("the carro charges", async || {
        let carro = server.get("/carros/ABC1234").await.json;
        carro["nivel_bateria_atual"] == 40.5 && carro["em_carregamento"] == true
    })
    .await;
    // Of an unknown carro; it was received when what follows it is stored.
    let message = json!({"placa": "ZZZ9999", "nivel_bateria": 1.0});
    charger.publish("carros/ZZZ9999/bateria", message).await;
    // What names another servidor is for that one.
    let message = json!({"server_id": "server2", "placa": "ABC1234", "nivel_bateria": 10.0,
        "taxa_descarga": 9.0});
    charger.publish("carros/ABC1234/bateria", message).await;
    // As programs write it that begin each text with a byte order mark.
    let message = json!({"placa": "ABC1234", "nivel_bateria": 41.0});
    charger.publish("carros/ABC1234/bateria", format!("\u{feff}{message}")).await;
    eventually("the carro's battery level is stored", async || {
        let carro = server.get("/carros/ABC1234").await.json;
        carro["nivel_bateria_atual"] == 41.0 && carro["em_carregamento"] == true
    })
    .await;
    assert_eq!(server.get("/carros/ABC1234").await.json["taxa_descarga"], 0.19);
    assert_eq!(server.get("/carros/ZZZ9999").await.verdict(), (404, "carro_inexistente"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charging_session_publishes_events_and_frees_its_posto_at_the_end() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let mut listener = PlainClient::subscribe(&world, "listener", &["pontos/3/status"]).await;
    let started = server.post("/postos/3/carregamentos", &json!({"placa": "ABC1234"})).await;
    assert_eq!(started.status, 201, "{started:?}");
    assert_eq!(listener.next("pontos/3/status").await["disponivel"], false);
    let listed = client.get("/postos?server_id=server1&disponivel=false").await;
    assert_eq!(listed.json["postos"][0]["id"], 3);
    let id = started.json["id"].as_i64().expect("an id");
    let path = format!("/postos/3/carregamentos/{id}");
    let ended = server.put(&path, &json!({"energia_fornecida": 10.0, "confirmado": true})).await;
    assert_eq!((ended.status, &ended.json["custo"]), (200, &json!(25.0)));
    assert_eq!(listener.next("pontos/3/status").await["disponivel"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_client_that_made_a_reserva_is_told_of_its_changes() {
    const PRIVATE: &str = "client/app1/reservas/status";
    let world = World::new().await;
    let server = world.server("server1").await;
    server.ready().await;
    let topics = [REPLY, PRIVATE, "client/app2/#", "reservas/+/status"];
    let mut app = PlainClient::subscribe(&world, "app1", &topics).await;
    app.publish("server/postos/reserva", command("r1", "AAA1111", 5)).await;
    assert_eq!(app.next(REPLY).await["status"], "sucesso");
    assert_eq!(app.next("reservas/1/status").await["status"], "ativa");
    assert!(app.received(PRIVATE).is_empty(), "it has the answer to its own command");
    assert_eq!(server.post("/reservas/1/cancelar", &json!({})).await.status, 200);
    let published = app.next(PRIVATE).await;
    let named =
        ["server_id", "request_id", "placa", "status"].map(|field| published[field].clone());
    assert_eq!(named, ["server1", "r1", "AAA1111", "cancelada"]);
    assert_eq!((&published["id"], &published["posto_id"]), (&json!(1), &json!(5)));
    let public = app.next("reservas/1/status").await;
    let mut fields: Vec<_> = public.as_object().expect("an object").keys().collect();
    fields.sort();
    assert_eq!(fields, ["posto_id", "reserva_id", "server_id", "status", "timestamp"]);
    // Who cancels makes no difference, and it ends by itself.
    app.publish("server/postos/reserva", command("r2", "AAA1111", 5)).await;
    assert_eq!(app.next(REPLY).await["status"], "sucesso");
    let cancel = json!({"request_id": "q", "client_id": "app2", "server_id": "server1",
        "reserva_request_id": "r2"});
    app.publish("server/postos/reserva/cancelamento", &cancel).await;
    assert_eq!(app.next(PRIVATE).await["request_id"], "r2");
    app.publish("server/postos/reserva/cancelamento", &cancel).await;
    let mut short = command("r3", "AAA1111", 5);
    short["fim"] = json!(protocol::Timestamp::clamped(service::now().as_millis() + 6_000));
    app.publish("server/postos/reserva", short).await;
    assert_eq!(app.next(REPLY).await["status"], "sucesso");
    let ended = app.next(PRIVATE).await;
    let named = ["request_id", "status"].map(|field| ended[field].clone());
    assert_eq!(named, ["r3", "encerrada"]);
    assert!(app.received(PRIVATE).is_empty(), "each change is published once");
    let answers = app.received("client/app2/postos/reserva/cancelamento/response");
    assert_eq!(answers.len(), 2, "the second one changed nothing");
    assert!(app.received("client/app2/reservas/status").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserva_of_an_app_does_not_exist_for_others() {
    const CANCELLED: &str = "client/app1/postos/reserva/cancelamento/response";
    const FOUND: &str = "client/app1/postos/reserva/consulta/response";
    let world = World::new().await;
    let server = world.server("server1").await;
    server.ready().await;
    let mut client = PlainClient::subscribe(&world, "app1", &[REPLY, CANCELLED, FOUND]).await;
    let mut made = command("r1", "AAA1111", 5);
    made["app"] = json!("loja");
    client.publish("server/postos/reserva", made).await;
    assert_eq!(client.next(REPLY).await["status"], "sucesso");
    for (call, answers) in [("consulta", FOUND), ("cancelamento", CANCELLED)] {
        let topic = format!("server/postos/reserva/{call}");
        let ask = |of: &str, app: Option<&str>| {
            let mut asked = json!({"request_id": "q", "client_id": "app1", "server_id": "server1",
                "reserva_request_id": of});
            if let Some(app) = app {
                asked["app"] = json!(app);
            }
            asked
        };
        client.publish(&topic, ask("r0", None)).await;
        let never = client.next(answers).await.to_string();
        for other in [None, Some("outra")] {
            client.publish(&topic, ask("r1", other)).await;
            let answer = client.next(answers).await.to_string();
            assert_eq!(answer.replace("reserva r1", "reserva r0"), never, "{other:?}");
        }
        client.publish(&topic, ask("r1", Some("loja"))).await;
        assert_eq!(client.next(answers).await["status"], "sucesso", "{call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_report_to_one_servidor_on_topics_that_name_it() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
    let mut device = PlainClient::subscribe(&world, "device", &["pontos/+/status"]).await;
    let charger = "server/server1/pontos/7/disponibilidade";
    // Each says something that its topic does not.
    for wrong in [
        json!({"server_id": "server2", "ponto_id": 7, "disponivel": false}),
        json!({"ponto_id": 8, "disponivel": false}),
    ] {
        device.publish(charger, wrong).await;
    }
    let other = json!({"ponto_id": 7, "disponivel": false});
    device.publish("server/server2/pontos/7/disponibilidade", other.clone()).await;
    let battery = "server/server1/carros/ABC1234/bateria";
    let level = |placa: &str, level: f64| json!({"placa": placa, "nivel_bateria": level});
    device.publish(battery, level("ZZZ9999", 1.0)).await;
    let mut elsewhere = level("ABC1234", 2.0);
    elsewhere["server_id"] = json!("server2");
    device.publish(battery, elsewhere).await;
    device.publish(battery, level("ABC1234", 40.5)).await;
    eventually("the level is stored", async || {
        server.get("/carros/ABC1234").await.json["nivel_bateria_atual"] == 40.5
    })
    .await;
    let status = json!({"placa": "ABC1234", "nivel_bateria": 40.5, "em_carregamento": true});
    device.publish("server/server1/carros/ABC1234/status", status).await;
    let out = server.get("/postos?disponivel=false").await.json;
    assert_eq!(out["postos"].as_array().map(Vec::len), Some(1), "only what the reserva holds");
    device.publish(charger, other).await;
    assert_eq!(device.next("pontos/7/status").await["disponivel"], false);
    eventually("it charges", async || {
        server.get("/carros/ABC1234").await.json["em_carregamento"] == true
    })
    .await;
}
