//! Carros that reserve, come, charge and leave: what their gateways and others see of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use serde_json::{Value, json};

use crate::harness::{PlainClient, Program, World, payload};

/// What is published to the gateway `cliente1` of its reservas.
const PRIVATE: &str = "client/cliente1/reservas/status";

fn from_now(millis: i64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let now = i64::try_from(now.as_millis()).expect("a clock of this age");
    Timestamp::clamped(now + millis).to_string().into()
}

/// Starts a session at posto 5; the path at which it ends.
async fn starts(server: &Program, placa: &str) -> String {
    let started = server.post("/postos/5/carregamentos", &json!({"placa": placa})).await;
    assert_eq!(started.status, 201, "{started:?}");
    format!("/postos/5/carregamentos/{}", started.json["id"])
}

async fn ends(server: &Program, path: &str) {
    let ended = server.put(path, &json!({"energia_fornecida": 10.0, "confirmado": true})).await;
    assert_eq!(ended.status, 200, "{ended:?}");
}

/// The next change of this reserva: what became of it, its version, and what it warns of.
async fn change(listener: &mut PlainClient, id: &Value) -> (String, i64, Value) {
    let event = listener.next(PRIVATE).await;
    assert_eq!(&event["id"], id, "{event}");
    let status = event["status"].as_str().expect("a word").to_owned();
    let versao = event["versao"].as_i64().expect("a number");
    (status, versao, event.get("aviso").cloned().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carro_that_leaves_frees_its_posto_for_the_next_at_once() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let mut listener = PlainClient::subscribe(&world, "listener", &[PRIVATE]).await;
    let first = payload("ABC1234", 5);
    let key = "5c0a7d4e-1b7f-4b43-9a2e-1f6f3b0d9b12";
    let made = client.reservar_once(key, &first).await;
    assert_eq!(made.status, 200, "{made:?}");
    let path = format!("/reservas/{}?server_id=server1", made.request_id());
    let session = starts(&server, "ABC1234").await;
    let id = &made.json["reserva"]["id"];
    assert_eq!(change(&mut listener, id).await, ("cumprida".to_owned(), 2, Value::Null));
    let charging = client.get(&path).await.json;
    assert_eq!(charging["reserva"]["status"], "cumprida");
    assert_eq!(charging["reserva"].get("livre_desde"), None);
    let cancel = path.replace('?', "/cancelar?");
    assert_eq!(client.post(&cancel, &json!({})).await.verdict(), (409, "reserva_em_uso"));
    assert_eq!(client.reservar(&payload("XYZ9876", 5)).await.verdict(), (409, "posto_reservado"));
    ends(&server, &session).await;
    let next = client.reservar(&payload("XYZ9876", 5)).await;
    assert_eq!(next.status, 200, "{next:?}");
    assert_eq!(change(&mut listener, id).await, ("cumprida".to_owned(), 3, Value::Null));
    let left = client.get(&path).await.json;
    assert!(left["reserva"]["livre_desde"].is_string(), "{left}");
    assert_eq!(left["reserva"]["fim"], made.json["reserva"]["fim"], "as it was agreed");
    let repeated = client.reservar_once(key, &first).await;
    assert_eq!((repeated.status, &repeated.json), (200, &made.json), "the first answer again");
    assert_eq!(starts(&server, "XYZ9876").await, "/postos/5/carregamentos/2");
    let next = &next.json["reserva"]["id"];
    assert_eq!(change(&mut listener, next).await, ("cumprida".to_owned(), 2, Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_client_is_told_that_a_carro_overstays_and_that_it_has_left() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let mut listener = PlainClient::subscribe(&world, "listener", &[PRIVATE]).await;
    let boundary = from_now(6_000);
    let (mut first, mut second) = (payload("ABC1234", 5), payload("XYZ9876", 5));
    first["fim"] = boundary.clone();
    second["inicio"] = boundary;
    second["fim"] = from_now(3_600_000);
    let (first, second) = (client.reservar(&first).await, client.reservar(&second).await);
    assert_eq!((first.status, second.status), (200, 200), "{first:?} {second:?}");
    let session = starts(&server, "ABC1234").await;
    let (first, second) = (&first.json["reserva"]["id"], &second.json["reserva"]["id"]);
    assert_eq!(change(&mut listener, first).await, ("cumprida".to_owned(), 2, Value::Null));
    let ativa = |versao, aviso: &str| ("ativa".to_owned(), versao, json!(aviso));
    assert_eq!(change(&mut listener, second).await, ativa(2, "posto_ocupado"));
    let listed = client.get("/postos?server_id=server1&disponivel=false").await.json;
    assert_eq!(listed["postos"][0]["id"], 5, "{listed}");
    let waits = server.post("/postos/5/carregamentos", &json!({"placa": "XYZ9876"})).await;
    assert_eq!(waits.verdict(), (409, "posto_reservado"));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(listener.received(PRIVATE), Vec::<Value>::new(), "it is published once");
    ends(&server, &session).await;
    assert_eq!(change(&mut listener, second).await, ativa(3, "posto_livre"));
    starts(&server, "XYZ9876").await;
    assert_eq!(change(&mut listener, second).await, ("cumprida".to_owned(), 4, Value::Null));
}
