//! What an app has of its own at a gateway with tokens: its reservas, and its keys.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::access::app_tokens::{make, with_tokens};
use crate::harness::{Answer, PlainClient, Program, World, payload, seed_payload};

/// An answer to the last byte, but for what differs in each: when, and which exchange.
#[derive(Debug, PartialEq)]
struct Whole {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

async fn call(client: &Program, token: &str, method: Method, path: &str, id: &str) -> Whole {
    let mut request = client.request(method.clone(), &path.replace("{id}", id));
    if method == Method::PATCH {
        request = request.json(&json!({"posto_id": 9}));
    }
    let answer = request.header("Authorization", token).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}"))).collect();
    let mut body = answer.text().await.expect("a body").replace(id, "{id}");
    // Each cancelamento, consulta and alteracao has an id of its own.
    let own = serde_json::from_str::<Value>(&body).ok();
    if let Some(own) = own.as_ref().and_then(|json| json["request_id"].as_str()) {
        body = body.replace(own, "{own}");
    }
    Whole { status, headers, body }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserva_of_another_app_is_answered_like_one_that_does_not_exist() {
    let world = World::new().await;
    let (one, two) = (make(&world, "app1").await, make(&world, "app2").await);
    let server = world.server("server1").await;
    let client = with_tokens(&world, &[&one.line, &two.line], &[]).await;
    let open = world.client("cliente2").await;
    client.sees("server1", "online").await;
    open.sees("server1", "online").await;
    let reserve = async |token: &str, body: &Value| {
        let request = client.request(Method::POST, "/reservar").header("Authorization", token);
        Answer::of(request.json(body)).await
    };
    let made = reserve(&one.token, &seed_payload()).await;
    assert_eq!(made.status, 200, "{made:?}");
    let refused = reserve(&one.token, &payload("XYZ9876", 5)).await;
    assert_eq!(refused.verdict(), (409, "posto_reservado"));
    let never = "0198c0de-7a1b-7000-8000-000000000001";
    for (method, path) in [
        (Method::GET, "/reservas/{id}?server_id=server1"),
        (Method::HEAD, "/reservas/{id}?server_id=server1"),
        (Method::PATCH, "/reservas/{id}?server_id=server1"),
        (Method::POST, "/reservas/{id}/cancelar?server_id=server1"),
    ] {
        for id in [made.request_id(), refused.request_id()] {
            assert_eq!(id.len(), never.len(), "else the lengths differ");
            for (gateway, token) in [(&client, two.token.as_str()), (&open, "")] {
                let expected = call(gateway, token, method.clone(), path, never).await;
                assert_eq!(expected.status, 404, "{method} {path}: {expected:?}");
                let answer = call(gateway, token, method.clone(), path, &id).await;
                assert_eq!(answer, expected, "{method} {path}");
            }
        }
    }
    let path = "/reservas/{id}?server_id=server1";
    let seen = call(&client, &one.token, Method::GET, path, &made.request_id()).await;
    assert!(seen.status == 200 && seen.body.contains(r#""status":"ativa""#), "{seen:?}");
    let seen = call(&client, &one.token, Method::GET, path, &refused.request_id()).await;
    assert!(seen.status == 409 && seen.body.contains("posto_reservado"), "{seen:?}");
    let changed = call(&client, &one.token, Method::PATCH, path, &made.request_id()).await;
    assert!(changed.status == 200 && changed.body.contains(r#""posto_id":9"#), "{changed:?}");
    // The operator may do everything.
    assert_eq!(server.post("/reservas/1/cancelar", &json!({})).await.status, 200);
    let seen = call(&client, &one.token, Method::GET, path, &made.request_id()).await;
    assert!(seen.body.contains(r#""status":"cancelada""#), "{seen:?}");
    // And one that was made without a token is that of everybody who knows its id, as before.
    let free = open.reservar(&payload("QQQ0A00", 6)).await;
    let seen = call(&client, &two.token, Method::GET, path, &free.request_id()).await;
    assert_eq!(seen.status, 200, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_named_in_commands_and_has_keys_of_its_own() {
    let world = World::new().await;
    let (one, two) = (make(&world, "app1").await, make(&world, "app2").await);
    let _server = world.server("server1").await;
    let client = with_tokens(&world, &[&one.line, &two.line], &[]).await;
    client.sees("server1", "online").await;
    let mut listener = PlainClient::subscribe(&world, "listener", &["server/postos/#"]).await;
    let reserve = async |token: &str, placa: &str, posto_id: i64| {
        let request = client.request(Method::POST, "/reservar");
        let request = request.header("Idempotency-Key", "the same key of both");
        let request = request.header("Authorization", token).json(&payload(placa, posto_id));
        Answer::of(request).await
    };
    let made = reserve(&one.token, "AAA0001", 1).await;
    let other = reserve(&two.token, "BBB0002", 2).await;
    assert_eq!((made.status, other.status), (200, 200), "{made:?} {other:?}");
    assert_ne!(made.request_id(), other.request_id());
    let again = reserve(&one.token, "AAA0001", 1).await;
    assert_eq!(again.json, made.json, "the repeat of its own");
    let path = format!("/reservas/{}?server_id=server1", made.request_id());
    let cancel = path.replace('?', "/cancelar?");
    for (method, path) in [(Method::GET, &path), (Method::PATCH, &path), (Method::POST, &cancel)] {
        assert_eq!(call(&client, &one.token, method, path, "").await.status, 200, "{path}");
    }
    for (topic, app) in [
        ("server/postos/reserva", "app1"),
        ("server/postos/reserva", "app2"),
        ("server/postos/reserva", "app1"),
        ("server/postos/reserva/consulta", "app1"),
        ("server/postos/reserva/alteracao", "app1"),
        ("server/postos/reserva/cancelamento", "app1"),
    ] {
        let command = listener.next(topic).await;
        assert_eq!(command["app"], app, "{topic}: {command}");
    }
}
