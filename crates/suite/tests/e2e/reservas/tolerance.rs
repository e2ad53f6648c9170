//! Who reserves learns how long the posto waits for the carro.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{PlainClient, Program, World, payload, seed_payload};

const KEY: &str = "0d9f2f5e-6a43-4b0e-8a55-2f4d6c1b7e90";
const MINUTES: i64 = 20;

fn path(request_id: &str) -> String {
    format!("/reservas/{request_id}?server_id=server1")
}

async fn reserva_page(client: &Program, request_id: &str, language: &str) -> String {
    let path = format!("/reserva?server_id=server1&request_id={request_id}");
    let request = client.request(Method::GET, &path).header("accept-language", language);
    request.send().await.expect("an answer").text().await.expect("a page")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_about_a_reserva_has_the_tolerance_that_it_was_made_with() {
    let world = World::new().await;
    let minutes = MINUTES.to_string();
    let server = world.server_with("server1", &[("RESERVA_TOLERANCIA_MIN", &minutes)]).await;
    let client = world.client("cliente1").await;
    client.sees("server1", "online").await;
    let mut listener =
        PlainClient::subscribe(&world, "listener", &["client/cliente1/reservas/status"]).await;
    let made = client.reservar_once(KEY, &seed_payload()).await;
    assert_eq!(made.json["reserva"]["tolerancia_min"], MINUTES, "{made:?}");
    let id = made.request_id();
    let changed = client.patch(&path(&id), &json!({"posto_id": 6})).await;
    assert_eq!(changed.json["reserva"]["tolerancia_min"], MINUTES, "{changed:?}");
    let event = listener.next("client/cliente1/reservas/status").await;
    assert_eq!(event["tolerancia_min"], MINUTES, "{event}");
    assert_eq!(server.get("/reservas/1").await.json["tolerancia_min"], MINUTES);
    for (language, waits) in
        [("pt-BR", "Se o carro não chegar até "), ("en", "If the car has not come by ")]
    {
        let page = reserva_page(&client, &id, language).await;
        assert!(page.contains(waits), "{language}: {page}");
    }

    // What is made from now on waits until the end.
    server.stop().await;
    let server = world.server("server1").await;
    client.sees("server1", "online").await;
    let patient = client.reservar(&payload("XYZ9876", 7)).await;
    assert_eq!(patient.status, 200, "{patient:?}");
    assert_eq!(patient.json["reserva"].get("tolerancia_min"), None::<&Value>);
    let page = reserva_page(&client, &patient.request_id(), "pt-BR").await;
    assert!(page.contains("<p data-field=\"arrival\" hidden></p>"), "{page}");
    assert_eq!(client.get(&path(&id)).await.json["reserva"]["tolerancia_min"], MINUTES);
    assert_eq!(client.reservar_once(KEY, &seed_payload()).await.json, made.json);
    assert_eq!(server.get("/reservas/1").await.json["tolerancia_min"], MINUTES);
}
