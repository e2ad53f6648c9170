//! The HTTP API without a broker: calls that need one are refused, the others work.

use protocol::{KeyedCall, RequestId, Timestamp};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::running::{Running, SEED_BODY};

const RESERVA: &str = "/reservas/r1?server_id=server1";

#[tokio::test]
async fn without_a_broker_a_gateway_is_alive_and_not_ready() {
    let gateway = Running::start().await;
    let mut status = gateway.get("/status").await.json;
    let timestamp = status["timestamp"].take();
    let timestamp: Timestamp = timestamp.as_str().expect("a text").parse().expect("a time");
    let age = service::now().as_millis() - timestamp.as_millis();
    assert!((0..60_000).contains(&age), "{timestamp}");
    assert_eq!(
        status,
        json!({"cliente": "cliente1", "status": "offline", "mqtt_conectado": false, "timestamp": null})
    );
    let alive = gateway.get("/healthz").await;
    assert_eq!((alive.status, alive.json), (200, json!({"status": "ok"})));
    gateway.get("/readyz").await.assert_refused((503, "broker_indisponivel"), "/readyz");
    gateway.stop().await;
}

#[tokio::test]
async fn no_servidor_was_seen() {
    let gateway = Running::start().await;
    let answer = gateway.get("/servidores").await;
    assert_eq!((answer.status, answer.json), (200, json!({"servidores": []})));
    gateway.stop().await;
}

#[tokio::test]
async fn the_documentation_is_there() {
    let gateway = Running::start().await;
    let redirect = gateway.get("/docs").await;
    assert_eq!((redirect.status, redirect.header("location")), (303, "docs/"));
    let page = gateway.get("/docs/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
    let document = gateway.get("/openapi.json").await;
    let expected = serde_json::to_value(client::openapi()).expect("a document");
    assert_eq!((document.status, document.json), (200, expected));
    gateway.stop().await;
}

#[tokio::test]
async fn calls_that_need_the_broker_are_refused_without_one() {
    let gateway = Running::start().await;
    for answer in [
        gateway.get("/postos?server_id=server1").await,
        gateway.get("/postos?server_id=server1&disponivel=true&tipo_conector=CCS").await,
        gateway.get("/reservas/r1?server_id=server1").await,
        gateway.post("/reservas/r1/cancelar?server_id=server1").await,
        gateway.send(gateway.reservar(SEED_BODY)).await,
        gateway.send(gateway.json(Method::POST, "/estimativa", SEED_BODY)).await,
        gateway.send(gateway.json(Method::PATCH, RESERVA, r#"{"posto_id": 6}"#)).await,
    ] {
        answer.assert_refused((503, "broker_indisponivel"), &answer.text);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn unknown_calls_are_refused_in_the_one_shape() {
    let gateway = Running::start().await;
    for (method, path, verdict) in [
        (Method::GET, "/nope", (404, "rota_inexistente")),
        (Method::GET, "/docs/nope", (404, "rota_inexistente")),
        (Method::POST, "/reservas/r1/nope", (404, "rota_inexistente")),
        (Method::GET, "/postos/5", (404, "rota_inexistente")),
        (Method::GET, "/reservar", (405, "metodo_nao_permitido")),
        (Method::POST, "/postos", (405, "metodo_nao_permitido")),
        (Method::DELETE, "/reservas/r1", (405, "metodo_nao_permitido")),
        (Method::GET, "/reservas/r1/cancelar", (405, "metodo_nao_permitido")),
    ] {
        let answer = gateway.send(gateway.request(method.clone(), path)).await;
        answer.assert_refused(verdict, &format!("{method} {path}"));
        assert_eq!(answer.headers.contains_key("allow"), verdict.0 == 405, "{method} {path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_is_json_by_declaration_and_not_too_long() {
    let gateway = Running::start().await;
    let request = || gateway.request(Method::POST, "/reservar");
    for (request, shown) in [
        (request(), "no body at all"),
        (request().body(SEED_BODY), "a body that is not declared"),
        (request().header(CONTENT_TYPE, "text/plain").body(SEED_BODY), "text/plain"),
    ] {
        gateway.send(request).await.assert_refused((415, "tipo_nao_suportado"), shown);
    }
    let over = " ".repeat(64 * 1024) + "x";
    let answer = gateway.send(gateway.reservar(over)).await;
    answer.assert_refused((413, "corpo_grande_demais"), "64 KiB and one byte");
    let at_the_limit = SEED_BODY.to_owned() + &" ".repeat(64 * 1024 - SEED_BODY.len());
    let answer = gateway.send(gateway.reservar(at_the_limit)).await;
    answer.assert_refused((503, "broker_indisponivel"), "64 KiB");
    gateway.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_makes_the_same_request_id_every_time() {
    let gateway = Running::start().await;
    let longest = "k".repeat(255);
    let server1 = "server1".parse().expect("an id");
    for key in
        ["16_characters_it", "5c0a7d4e-1b7f-4b43-9a2e-1f6f3b0d9b11", "words with blanks", &longest]
    {
        for _ in 0..2 {
            let request = gateway.reservar(SEED_BODY).header("Idempotency-Key", key);
            let answer = gateway.send(request).await;
            answer.assert_refused((503, "broker_indisponivel"), key);
            let call = KeyedCall::Reservar;
            let request_id = RequestId::from_idempotency_key(None, call, &server1, key);
            assert_eq!(answer.json["request_id"], request_id.as_str(), "{key}");
        }
    }
    let key = "16_characters_it";
    let change = gateway.json(Method::PATCH, RESERVA, r#"{"posto_id": 6}"#);
    let answer = gateway.send(change.header("Idempotency-Key", key)).await;
    let request_id = RequestId::from_idempotency_key(None, KeyedCall::Alteracao, &server1, key);
    assert_eq!(answer.json["request_id"], request_id.as_str(), "a change has ids of its own");
    let [one, other] = [
        gateway.send(gateway.reservar(SEED_BODY)).await,
        gateway.send(gateway.reservar(SEED_BODY)).await,
    ];
    assert_ne!(one.json["request_id"], other.json["request_id"]);
    gateway.stop().await;
}

#[tokio::test]
async fn an_invalid_key_is_refused() {
    let gateway = Running::start().await;
    let too_long = "k".repeat(256);
    for key in [
        "",
        "   ",
        "pedido-1",
        "15_characters__",
        "  15_characters__  ",
        "uma chave com é e mais",
        "a tab\tin a long key",
        &too_long,
    ] {
        let answer = gateway.send(gateway.reservar(SEED_BODY).header("Idempotency-Key", key)).await;
        answer.assert_refused((422, "requisicao_invalida"), key);
        assert_eq!(answer.campos(), ["Idempotency-Key"], "{key:?}");
    }
    let change = gateway.json(Method::PATCH, RESERVA, r#"{"posto_id": 6}"#);
    let answer = gateway.send(change.header("Idempotency-Key", "pedido-1")).await;
    answer.assert_refused((422, "requisicao_invalida"), "a short key of a change");
    assert_eq!(answer.campos(), ["Idempotency-Key"]);
    // What is wrong in the path, the query, the header and the body is named together.
    let body = r#"{"fim": null, "x": 1}"#;
    let change = gateway.json(Method::PATCH, "/reservas/r1?server=server1", body);
    let answer = gateway.send(change.header("Idempotency-Key", "pedido-1")).await;
    assert_eq!(answer.campos(), ["server_id", "server", "Idempotency-Key", "fim", "x"]);
    let reserve = gateway.reservar(r#"{"posto_id": 0}"#).header("Idempotency-Key", "pedido-1");
    let answer = gateway.send(reserve).await;
    assert_eq!(answer.campos()[0], "Idempotency-Key");
    assert!(answer.campos().contains(&"posto_id"), "{:?}", answer.campos());
    // Also where the body cannot be read at all.
    let damaged = |request: reqwest::RequestBuilder| {
        request.header("Idempotency-Key", "pedido-1").header("Content-Encoding", "gzip")
    };
    let answer = gateway.send(damaged(gateway.reservar(SEED_BODY))).await;
    assert_eq!(answer.campos(), ["Idempotency-Key", "corpo"]);
    let change = gateway.json(Method::PATCH, "/reservas/r1?server=server1", body);
    let answer = gateway.send(damaged(change)).await;
    assert_eq!(answer.campos(), ["server_id", "server", "Idempotency-Key", "corpo"]);
    let twice = gateway.reservar(SEED_BODY).header("Idempotency-Key", "16_characters_it");
    let answer = gateway.send(twice.header("Idempotency-Key", "16_characters_it")).await;
    answer.assert_refused((422, "requisicao_invalida"), "two keys");
    gateway.stop().await;
}
