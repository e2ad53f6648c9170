//! A posto is taken away, and the clients of its reservas hear of it.

use serde_json::{Value, json};

use crate::harness::{MARKER, PlainClient, World, eventually, payload, seed_payload};

const KEY: &str = "5c0a7d4e-1b7f-4b43-9a2e-1f6f3b0d9b14";
const PRIVATE: &str = "client/cliente1/reservas/status";

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_a_moved_reserva_hears_of_it_and_a_repeat_gets_the_first_answer() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let topics = [PRIVATE, "reservas/+/status", "pontos/+/status", MARKER];
    let mut listener = PlainClient::subscribe(&world, "listener", &topics).await;
    let first = client.reservar_once(KEY, &seed_payload()).await;
    assert_eq!(first.status, 200, "{first:?}");
    let (id, request_id) = (first.json["reserva"]["id"].clone(), first.request_id());
    let public = format!("reservas/{id}/status");
    assert_eq!(listener.next(&public).await["posto_id"], 5);
    assert_eq!(listener.next("pontos/5/status").await["disponivel"], false);
    let shown = format!("/reservas/{request_id}?server_id=server1");

    let mut body =
        json!({"disponivel": false, "em_manutencao": true, "reservas": "mover", "simular": true});
    let path = "/postos/5/disponibilidade";
    let simulated = server.put(path, &body).await;
    assert_eq!(client.get(&shown).await.json["reserva"]["posto_id"], 5);
    body["simular"] = json!(false);
    let moved = server.put(path, &body).await;
    assert_eq!((moved.status, &moved.json), (200, &simulated.json));
    let handled = &moved.json["reservas"][0];
    let became =
        [&handled["id"], &handled["resultado"], &handled["posto_id"], &handled["client_id"]];
    // All postos are at one place, so that with the smallest id is the nearest.
    assert_eq!(became, [&id, &json!("movida"), &json!(1), &json!("cliente1")]);

    let event = listener.next(PRIVATE).await;
    let mut expected = first.json["reserva"].clone();
    expected["posto_id"] = json!(1);
    expected["versao"] = json!(2);
    for (member, value) in expected.as_object().expect("an object") {
        assert_eq!(&event[member], value, "{member} of {event}");
    }
    assert_eq!(
        (&event["request_id"], &event["server_id"]),
        (&json!(request_id), &json!("server1"))
    );
    let public = listener.next(&public).await;
    assert_eq!((&public["posto_id"], &public["status"]), (&json!(1), &json!("ativa")));
    assert!(public.get("placa").is_none() && public.get("request_id").is_none(), "{public}");
    assert_eq!(listener.next("pontos/5/status").await["em_manutencao"], true);
    assert_eq!(listener.next("pontos/1/status").await["disponivel"], false);
    assert_eq!(client.get(&shown).await.json["reserva"], expected);
    let again = client.reservar_once(KEY, &seed_payload()).await;
    assert_eq!((again.status, &again.json), (200, &first.json), "the first answer");
    let other = client.reservar(&payload("XYZ9876", 1)).await;
    assert_eq!(other.verdict(), (409, "posto_reservado"));

    // Removed with its reservas, which is published again.
    let removed = server.delete("/postos/1?reservas=cancelar").await;
    assert_eq!(
        (removed.status, &removed.json["reservas"][0]["resultado"]),
        (200, &json!("cancelada"))
    );
    let event = listener.next(PRIVATE).await;
    let state = [&event["status"], &event["motivo"], &event["versao"], &event["posto_id"]];
    assert_eq!(state, [&json!("cancelada"), &json!("posto_removido"), &json!(3), &json!(1)]);
    assert_eq!(client.get(&shown).await.json["reserva"]["motivo"], "posto_removido");
    let again = client.reservar_once(KEY, &seed_payload()).await;
    assert_eq!((again.status, &again.json), (200, &first.json), "still the first answer");
    listener.catch_up().await;
    assert_eq!(listener.received(PRIVATE), Vec::<Value>::new(), "each change is published once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_charger_tells_no_client_of_a_reserva_anything() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let made = client.reservar(&seed_payload()).await;
    assert_eq!(made.status, 200, "{made:?}");
    let topics = [PRIVATE, "pontos/5/status"];
    let mut listener = PlainClient::subscribe(&world, "charger", &topics).await;
    let broken = json!({"server_id": "server1", "ponto_id": 5, "disponivel": false});
    listener.publish("pontos/5/disponibilidade", broken).await;
    eventually("the fault is known", async || {
        server.get("/postos/5").await.json["carregador"]["disponivel"] == json!(false)
    })
    .await;
    let shown = format!("/reservas/{}?server_id=server1", made.request_id());
    assert_eq!(client.get(&shown).await.json["reserva"], made.json["reserva"]);
    // What the operator then says of the posto is answered with the reserva, and published.
    let body = json!({"disponivel": false, "reservas": "cancelar"});
    let answer = server.put("/postos/5/disponibilidade", &body).await;
    assert_eq!(answer.json["reservas"][0]["resultado"], "cancelada", "{answer:?}");
    let event = listener.next(PRIVATE).await;
    assert_eq!((&event["versao"], &event["motivo"]), (&json!(2), &json!("manutencao")));
}
