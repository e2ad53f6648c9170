//! The flows and sentences that the seed's README shows.

use serde_json::json;

use crate::harness::{Program, World, eventually, payload, seed_payload};

const KEY: &str = "5c0a7d4e-1b7f-4b43-9a2e-1f6f3b0d9b11";

#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_reservation_answers_word_for_word() {
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    let listed = client.get("/postos?server_id=server1").await;
    assert_eq!(listed.status, 200);
    let postos = listed.json["postos"].as_array().expect("a list");
    assert_eq!(postos.len(), 20);
    assert_eq!(
        postos[4],
        json!({"id": 5, "nome": "Ponto 5", "localizacao": "-23.5540,-46.6370",
            "potencia_maxima": 22.0, "tipo_conector": "CCS", "preco_kwh": 2.5,
            "disponivel": true, "em_manutencao": false})
    );
    let reserved = client.reservar(&seed_payload()).await;
    assert_eq!(reserved.status, 200, "{reserved:?}");
    assert_eq!(reserved.json["status"], "sucesso");
    assert_eq!(
        reserved.json["mensagem"],
        "O posto Ponto 5 localizado no servidor server1 foi reservado para o carro de placa ABC1234."
    );
    let reserva = &reserved.json["reserva"];
    let keys: Vec<&String> = reserva.as_object().expect("an object").keys().collect();
    let seed = ["id", "posto_id", "placa", "inicio", "fim", "status"];
    assert_eq!(keys, [&seed[..], &["desde", "preco_kwh", "versao"]].concat());
    assert_eq!((&reserva["preco_kwh"], &reserva["versao"]), (&json!(2.5), &json!(1)));
    assert_eq!(
        reserved.json["estimativa"],
        json!({"energia_kwh": 22.2, "minutos": 61, "custo": 55.5, "preco_kwh": 2.5,
            "autonomia_km": 117.4})
    );
    assert_eq!((&reserva["posto_id"], &reserva["placa"]), (&json!(5), &json!("ABC1234")));
    assert_eq!(reserva["status"], "ativa");
    let listed = client.get("/postos?server_id=server1&disponivel=false").await;
    assert_eq!(listed.json["postos"][0]["id"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_its_status_code_and_sentence() {
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
    let again = client.reservar(&seed_payload()).await;
    assert_eq!(again.verdict(), (409, "posto_ja_reservado_para_este_carro"));
    assert_eq!(
        again.json["mensagem"],
        "O posto Ponto 5 já está reservado para este carro. Escolha outro posto."
    );
    let other = client.reservar(&payload("XYZ9876", 5)).await;
    assert_eq!(other.verdict(), (409, "posto_reservado"));
    let missing = client.reservar(&payload("ABC1234", 99999)).await;
    assert_eq!(missing.verdict(), (404, "posto_inexistente"));
    assert_eq!(missing.json["mensagem"], "O posto 99999 não existe no servidor server1");
    let mut elsewhere = seed_payload();
    elsewhere["server_id"] = json!("server9");
    let unknown = client.reservar(&elsewhere).await;
    assert_eq!(unknown.verdict(), (503, "servidor_indisponivel"));
    let wrong = json!({"placa": "?", "modelo": 5, "capacidade_bateria": 44.5,
        "nivel_bateria_atual": 99, "taxa_descarga": 0.19, "posto_id": 0, "server_id": "server1"});
    let invalid = client.reservar(&wrong).await;
    assert_eq!(invalid.verdict(), (422, "requisicao_invalida"));
    let campos = invalid.json["campos"].as_array().expect("the wrong fields");
    let named: Vec<_> = campos.iter().map(|campo| campo["campo"].clone()).collect();
    assert_eq!(named, ["placa", "modelo", "nivel_bateria_atual", "posto_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn servidores_keep_their_reservas_apart() {
    let world = World::new().await;
    let (first, client) = world.pair().await;
    let second = world.server("server2").await;
    client.sees("server2", "online").await;
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
    let count = async |server: &Program| {
        server.get("/reservas").await.json["reservas"].as_array().map(Vec::len)
    };
    assert_eq!((count(&first).await, count(&second).await), (Some(1), Some(0)));
    let listed = client.get("/postos?server_id=server2&disponivel=false").await;
    assert_eq!(listed.json["postos"], json!([]));
    let mut body = seed_payload();
    body["server_id"] = json!("server2");
    assert_eq!(client.reservar(&body).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserva_can_be_consulted_and_cancelled() {
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    let id = client.reservar(&seed_payload()).await.request_id();
    let path = format!("/reservas/{id}?server_id=server1");
    let consulted = client.get(&path).await;
    assert_eq!((consulted.status, &consulted.json["reserva"]["status"]), (200, &json!("ativa")));
    let cancel = format!("/reservas/{id}/cancelar?server_id=server1");
    for _ in 0..2 {
        let cancelled = client.post(&cancel, &json!(null)).await;
        assert_eq!(cancelled.status, 200, "{cancelled:?}");
        assert_eq!(cancelled.json["reserva"]["status"], "cancelada");
    }
    assert_eq!(client.get(&path).await.json["reserva"]["status"], "cancelada");
    assert_eq!(client.reservar(&payload("XYZ9876", 5)).await.status, 200);
    let refused = client.reservar(&payload("ABC1234", 5)).await;
    let settled =
        client.get(&format!("/reservas/{}?server_id=server1", refused.request_id())).await;
    assert_eq!(settled.verdict(), refused.verdict());
    let unknown = client.get("/reservas/nunca-vista?server_id=server1").await;
    assert_eq!(unknown.verdict(), (404, "reserva_inexistente"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_has_one_effect_through_any_gateway_and_restart() {
    let world = World::new().await;
    let (server, first) = world.pair().await;
    let second = world.client("cliente2").await;
    second.sees("server1", "online").await;
    let made = first.reservar_once(KEY, &seed_payload()).await;
    assert_eq!(made.status, 200, "{made:?}");
    let again = second.reservar_once(KEY, &seed_payload()).await;
    assert_eq!(again.json, made.json);
    server.kill().await;
    let _server = world.server("server1").await;
    second.ready().await;
    eventually("the servidor answers again", async || {
        second.reservar_once(KEY, &seed_payload()).await.json == made.json
    })
    .await;
    first.sees("server1", "online").await;
    let reused = first.reservar_once(KEY, &payload("ABC1234", 6)).await;
    assert_eq!(reused.verdict(), (422, "chave_idempotencia_reutilizada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn servidor_and_gateway_log_the_same_request_id() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let id = client.reservar(&seed_payload()).await.request_id();
    for program in [&server, &client] {
        // Lines are written a little later.
        let count = || {
            let lines = program.log_lines();
            lines.iter().filter(|line| line["request_id"] == id.as_str()).count()
        };
        eventually("the request is logged", async || count() > 0).await;
        assert_eq!(count(), 1, "one log line for each request in each program");
        let log = serde_json::to_string(&program.log_lines()).expect("JSON");
        assert!(!log.contains("ABC1234"), "a placa is in the logs");
    }
}
