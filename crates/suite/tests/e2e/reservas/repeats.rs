//! What counts as the same request: under one `Idempotency-Key`, and in messages that come again.

use serde_json::json;

use crate::harness::{PlainClient, World, seed_payload};

const FIRST: &str = r#"{"placa": "ABC1234", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5, "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19, "posto_id": 5, "server_id": "server1", "inicio": "2035-03-01T12:00:00Z", "fim": "2035-03-01T14:00:00Z"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_what_means_the_same() {
    let world = World::new().await;
    let far_ahead = [("RESERVA_ANTECEDENCIA_DIAS", "3650")];
    let server = world.server_with("server1", &far_ahead).await;
    let client = world.client("cliente1").await;
    client.sees("server1", "online").await;
    let key = "2b0c9e5e-6b7e-4a51-8a51-d8f0d6f3c9aa";
    let made = client.reservar_text(key, FIRST).await;
    assert_eq!(made.status, 200, "{made:?}");
    for (from, to) in [
        (r#""modelo": "BYD Dolphin""#, r#""modelo": "  BYD Dolphin ""#),
        (r#""placa": "ABC1234""#, r#""placa": " abc-1234 ""#),
        ("44.5,", "44.50,"),
        ("22.3", "223e-1"),
        (r#""posto_id": 5"#, r#""posto_id": 5.0"#),
        ("2035-03-01T12:00:00Z", "2035-03-01T09:00:00-03:00"),
        ("2035-03-01T14:00:00Z", "2035-03-01t14:00:00.000+00:00"),
    ] {
        assert!(FIRST.contains(from), "{from}");
        let again = client.reservar_text(key, &FIRST.replace(from, to)).await;
        assert_eq!((again.status, &again.json), (200, &made.json), "{to}");
    }
    let mut parts: Vec<_> = FIRST[1..FIRST.len() - 1].split(", ").collect();
    parts.reverse();
    let again = client.reservar_text(key, &format!("{{{}}}", parts.join(", "))).await;
    assert_eq!((again.status, &again.json), (200, &made.json), "in another order");
    for (from, to) in [
        ("22.3", "22.2"),
        ("0.19", "0.2"),
        ("BYD Dolphin", "BYD"),
        ("ABC1234", "ABC1235"),
        (r#""posto_id": 5"#, r#""posto_id": 6"#),
        ("14:00:00Z", "14:00:01Z"),
        (r#", "fim": "2035-03-01T14:00:00Z""#, ""),
    ] {
        assert!(FIRST.contains(from), "{from}");
        let other = client.reservar_text(key, &FIRST.replace(from, to)).await;
        assert_eq!(other.verdict(), (422, "chave_idempotencia_reutilizada"), "{to}");
    }
    let reservas = server.get("/reservas").await.json;
    assert_eq!(reservas["reservas"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_that_is_spelled_out_is_another_request() {
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    let key = "9d5f5a36-3c62-4d0e-9a3f-7a1f0f3a5b11";
    let body = seed_payload();
    let made = client.reservar_once(key, &body).await;
    assert_eq!(made.status, 200, "{made:?}");
    let mut same = body.clone();
    (same["inicio"], same["fim"]) = (json!(null), json!(null));
    assert_eq!(client.reservar_once(key, &same).await.json, made.json);
    let mut spelled_out = body;
    let reserva = &made.json["reserva"];
    (spelled_out["inicio"], spelled_out["fim"]) =
        (reserva["inicio"].clone(), reserva["fim"].clone());
    let refused = client.reservar_once(key, &spelled_out).await;
    assert_eq!(refused.verdict(), (422, "chave_idempotencia_reutilizada"));
}

/// The message of a request to cancel comes again when there is a reserva.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_was_refused_cancels_nothing_later() {
    const ANSWERED: &str = "client/plain/postos/reserva/cancelamento/response";
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    let mut plain = PlainClient::subscribe(&world, "plain", &[ANSWERED]).await;
    let key = "2b0c9e5e-6b7e-4a51-8a51-d8f0d6f3c9ab";
    // The key gives the request its id, which the caller may know before it is decided.
    let server_id = "server1".parse().expect("an id");
    let call = protocol::KeyedCall::Reservar;
    let asked = protocol::RequestId::from_idempotency_key(None, call, &server_id, key);
    let cancel = |request_id: &str| {
        json!({"request_id": request_id, "client_id": "plain", "server_id": "server1",
            "reserva_request_id": asked})
    };
    for reserves in [false, true] {
        if reserves {
            let made = client.reservar_once(key, &seed_payload()).await;
            assert_eq!((made.status, made.request_id().as_str()), (200, asked.as_str()));
        }
        plain.publish("server/postos/reserva/cancelamento", cancel("c1")).await;
        assert_eq!(plain.next(ANSWERED).await["codigo"], "reserva_inexistente");
    }
    plain.publish("server/postos/reserva/cancelamento", cancel("c2")).await;
    assert_eq!(plain.next(ANSWERED).await["status"], "sucesso");
}
