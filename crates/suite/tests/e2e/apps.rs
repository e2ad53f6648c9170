//! A reserva of an app does not exist for another, at a gateway with tokens of apps.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::callers::{make, with_tokens};
use crate::harness::{Program, World, payload, seed_payload};

/// An answer to the last byte, but for what differs in each: when, and which exchange.
#[derive(Debug, PartialEq)]
struct Whole {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

async fn call(client: &Program, token: &str, method: Method, path: &str, id: &str) -> Whole {
    let request = client.request(method, &path.replace("{id}", id));
    let answer = request.header("Authorization", token).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}"))).collect();
    let mut body = answer.text().await.expect("a body").replace(id, "{id}");
    // Each cancelamento and consulta has an id of its own.
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
        crate::harness::Answer::of(request.json(body)).await
    };
    let made = reserve(&one.token, &seed_payload()).await;
    assert_eq!(made.status, 200, "{made:?}");
    let refused = reserve(&one.token, &payload("XYZ9876", 5)).await;
    assert_eq!(refused.verdict(), (409, "posto_reservado"));
    let never = "0198c0de-7a1b-7000-8000-000000000001";
    for (method, path) in [
        (Method::GET, "/reservas/{id}?server_id=server1"),
        (Method::HEAD, "/reservas/{id}?server_id=server1"),
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
    // The operator may do everything.
    assert_eq!(server.post("/reservas/1/cancelar", &json!({})).await.status, 200);
    let seen = call(&client, &one.token, Method::GET, path, &made.request_id()).await;
    assert!(seen.body.contains(r#""status":"cancelada""#), "{seen:?}");
    // And one that was made without a token is that of everybody who knows its id, as before.
    let free = open.reservar(&payload("QQQ0A00", 6)).await;
    let seen = call(&client, &two.token, Method::GET, path, &free.request_id()).await;
    assert_eq!(seen.status, 200, "{seen:?}");
}
