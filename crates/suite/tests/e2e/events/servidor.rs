//! Events over HTTP, with a real servidor.

use serde_json::{Value, json};

use crate::access::app_tokens::make;
use crate::harness::{EventStream, Program, World, payload, seed_payload};

/// Of the events of a reserva.
pub(crate) fn path_of(request_id: &str) -> String {
    format!("/reservas/{request_id}/eventos?server_id=server1")
}

pub(crate) async fn reserve(client: &Program) -> String {
    let made = client.reservar(&seed_payload()).await;
    assert_eq!(made.status, 200, "{made:?}");
    made.request_id()
}

async fn cancel(client: &Program, request_id: &str) {
    let path = format!("/reservas/{request_id}/cancelar?server_id=server1");
    let cancelled = client.post(&path, &json!({})).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserva_is_followed_at_any_gateway_until_it_ends() {
    let world = World::new().await;
    let (_server, first) = world.pair().await;
    let second = world.client("cliente2").await;
    second.sees("server1", "online").await;
    let request_id = reserve(&first).await;
    let path = path_of(&request_id);
    let mut streams = vec![first.listen(&path).await, second.listen(&path).await];
    for stream in &mut streams {
        let event = stream.next().await.expect("its state");
        assert_eq!(event.summary(), ("reserva", Some("1"), "ativa"));
        let expected = [("server_id", json!("server1")), ("request_id", json!(request_id))];
        for (field, value) in expected.into_iter().chain([("placa", json!("ABC1234"))]) {
            assert_eq!(event.data[field], value, "{}", event.data);
        }
        assert!(stream.text.starts_with("retry: 2000\n\n"), "{}", stream.text);
        assert_eq!(stream.header("cache-control"), "no-store");
        assert_eq!(stream.header("x-accel-buffering"), "no");
        assert_eq!(stream.header("x-content-type-options"), "nosniff");
        assert_eq!(stream.header("content-encoding"), "");
        assert!(stream.is_silent().await, "{}", stream.text);
    }
    cancel(&first, &request_id).await;
    for stream in &mut streams {
        let event = stream.next().await.expect("a change");
        assert_eq!(event.summary(), ("reserva", Some("2"), "cancelada"));
        assert_eq!(event.data["motivo"], "pedido");
        assert_eq!(stream.next().await, None, "nothing comes after the end");
    }
    let mut late = second.listen(&path).await;
    assert_eq!(late.next().await.expect("its state").summary().2, "cancelada");
    assert_eq!(late.next().await, None);
    // As browsers come back: after an older one, and after the last.
    let mut resumed = second.listen_after("1", &path).await.expect("a stream");
    assert_eq!(resumed.next().await.expect("its state").summary().1, Some("2"));
    assert_eq!(resumed.next().await, None);
    let done = second.listen_after("2", &path).await.err().expect("no stream");
    assert_eq!((done.status, done.json), (204, Value::Null));
    // As libraries do that cannot send a header; one that is there counts more.
    let [before, last] = ["1", "2"].map(|id| format!("{path}&lastEventId={id}"));
    let mut resumed = second.listen(&before).await;
    assert_eq!(resumed.next().await.expect("its state").summary().1, Some("2"));
    assert_eq!(second.get(&last).await.status, 204);
    for id in ["1", "none"] {
        let mut resumed = second.listen_after(id, &last).await.expect("a stream");
        assert_eq!(resumed.next().await.expect("its state").summary().1, Some("2"), "{id}");
    }
    let wrong = second.get(&format!("{path}&lastEventId=x")).await;
    assert_eq!((wrong.status, &wrong.json["campos"][0]["campo"]), (422, &json!("lastEventId")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_is_refused_before_the_stream() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let request_id = reserve(&client).await;
    let refused = client.reservar(&payload("DEF5678", 5)).await;
    let refused_id = refused.request_id();
    for (path, verdict) in [
        (path_of("none"), (404, "reserva_inexistente")),
        (path_of(&refused_id), (409, "posto_reservado")),
        (format!("/reservas/{request_id}/eventos"), (422, "requisicao_invalida")),
        (path_of(&request_id).replace("server1", "ghost"), (503, "servidor_indisponivel")),
        ("/eventos?x=1".to_owned(), (422, "requisicao_invalida")),
    ] {
        assert_eq!(client.get(&path).await.verdict(), verdict, "{path}");
    }
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_follows_its_own_reservas_while_its_token_is_valid() {
    let world = World::new().await;
    let _server = world.server("server1").await;
    let (one, two) = (make(&world, "app1").await, make(&world, "app2").await);
    let file = world.folder().join("tokens");
    std::fs::write(&file, format!("{}\n{}\n", one.line, two.line)).expect("a file");
    let client = world.client_with("cliente1", &[("API_TOKENS_FILE", "tokens")]).await;
    client.sees("server1", "online").await;
    let request = |method, path: &str, token: &str| {
        client.request(method, path).header("Authorization", token)
    };
    let made = request(reqwest::Method::POST, "/reservar", &one.token).json(&seed_payload());
    let made: Value = made.send().await.expect("an answer").json().await.expect("JSON");
    let path = path_of(made["request_id"].as_str().expect("an id"));
    let open = |token: &str| EventStream::open(request(reqwest::Method::GET, &path, token));
    let mut own = open(&one.token).await.unwrap_or_else(|answer| panic!("{answer:?}"));
    assert_eq!(own.next().await.expect("its state").summary().2, "ativa");
    let others = open(&two.token).await.err().expect("no stream");
    assert_eq!(others.verdict(), (404, "reserva_inexistente"));
    assert_eq!(client.get(&path).await.verdict(), (401, "nao_autenticado"));
    // What names nobody needs none.
    let mut all = client.listen("/eventos").await;
    assert_eq!(all.next().await.expect("a servidor").name, "estado");
    std::fs::write(&file, &two.line).expect("a file");
    assert_eq!(own.next().await, None, "the token is revoked");
    assert!(all.is_silent().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn postos_and_servidores_are_shown_as_they_change() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let mut stream = client.listen("/eventos").await;
    let estado = stream.next().await.expect("a state");
    assert_eq!(estado.summary(), ("estado", None, "online"));
    let listed = client.get("/postos?server_id=server1").await.json;
    assert_eq!(estado.data["postos"], listed["postos"]);
    let request_id = reserve(&client).await;
    let posto = stream.next().await.expect("a change");
    let shown = |posto: &Value| (posto["posto_id"].clone(), posto["disponivel"].clone());
    assert_eq!((&*posto.name, shown(&posto.data)), ("posto", (json!(5), json!(false))));
    let mut late = client.listen("/eventos").await;
    assert_eq!(late.next().await.expect("a state").name, "estado");
    assert_eq!(late.next().await.expect("a change").data, posto.data, "what changed since");
    cancel(&client, &request_id).await;
    for stream in [&mut stream, &mut late] {
        let posto = stream.next().await.expect("a change");
        assert_eq!((&*posto.name, shown(&posto.data)), ("posto", (json!(5), json!(true))));
    }
    let new = json!({"nome": "Ponto 21", "localizacao": "-23.5,-46.6"});
    assert_eq!(server.post("/postos", &new).await.status, 201);
    let estado = stream.next().await.expect("a state");
    assert_eq!(
        (&*estado.name, estado.data["postos"].as_array().map(Vec::len)),
        ("estado", Some(21))
    );
    server.kill().await;
    assert_eq!(stream.next().await.expect("it goes").summary(), ("servidor", None, "offline"));
    let _server = world.server("server1").await;
    assert_eq!(stream.next().await.expect("it returns").summary(), ("servidor", None, "online"));
    let estado = stream.next().await.expect("a state");
    assert_eq!(
        (estado.summary().0, estado.data["postos"].as_array().map(Vec::len)),
        ("estado", Some(21))
    );
    for private in ["ABC1234", &request_id, "placa"] {
        assert!(!stream.text.contains(private), "{private}: {}", stream.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_state_arrives_whatever_ends_and_returns() {
    let mut world = World::new().await;
    let (server, first) = world.pair().await;
    let second = world.client("cliente2").await;
    second.sees("server1", "online").await;
    let request_id = reserve(&first).await;
    let path = path_of(&request_id);
    let mut stream = second.listen(&path).await;
    assert_eq!(stream.next().await.expect("its state").summary().1, Some("1"));
    let mut all = second.listen("/eventos").await;
    all.next_named("estado").await;

    server.kill().await;
    assert_eq!(stream.next_named("servidor").await.summary().2, "offline");
    let server = world.server("server1").await;
    assert_eq!(stream.next_named("servidor").await.summary().2, "online");
    all.next_named("estado").await;

    world.broker.kill().await;
    assert_eq!(stream.next_named("servidor").await.summary().2, "offline");
    world.broker.start_again().await;
    assert_eq!(stream.next_named("servidor").await.summary().2, "online");
    all.next_named("estado").await;
    // An operator cancels while the gateway is gone.
    second.kill().await;
    assert_eq!(stream.next().await, None);
    let listed = server.get("/reservas").await.json;
    let id = listed["reservas"][0]["id"].as_i64().expect("a reserva");
    let cancelled = server.post(&format!("/reservas/{id}/cancelar"), &json!({})).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let second = world.client("cliente2").await;
    second.sees("server1", "online").await;
    let mut stream = second.listen_after("1", &path).await.expect("a stream");
    let event = stream.next().await.expect("its state");
    assert_eq!(event.summary(), ("reserva", Some("2"), "cancelada"));
    assert_eq!(stream.next().await, None);
}
