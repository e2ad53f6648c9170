//! Charging sessions: starting, finishing, listing.

use serde_json::json;

use crate::running::Running;
use crate::support::reservation;

#[tokio::test]
async fn a_session_costs_its_energy_at_the_price_of_its_start() {
    let server = Running::fresh().await;
    let started = server.post("/postos/1/carregamentos", &json!({"placa": "abc-1234"})).await;
    assert_eq!(started.status, 201);
    let inicio = started.json["inicio"].clone();
    assert!(inicio.is_string());
    assert_eq!(
        started.json,
        json!({
            "id": 1, "posto_id": 1, "placa": "ABC1234", "status": "ativo", "inicio": inicio,
            "preco_kwh": 2.0, "fim": null, "energia_fornecida": null, "custo": null,
            "reserva_id": null, "corrigido_em": null
        })
    );
    assert_eq!(server.get("/postos/1").await.json["disponivel"], false);
    server.patch("/postos/1", &json!({"preco_kwh": 9.0})).await;

    let path = "/postos/1/carregamentos/1";
    let ended = server.put(path, &json!({"energia_fornecida": 18.403, "confirmado": true})).await;
    let fim = ended.json["fim"].clone();
    assert!(fim.is_string());
    assert_eq!(
        ended.json,
        json!({
            "id": 1, "posto_id": 1, "placa": "ABC1234", "status": "encerrado", "inicio": inicio,
            "preco_kwh": 2.0, "fim": fim, "energia_fornecida": 18.403, "custo": 36.81,
            "reserva_id": null, "corrigido_em": null
        })
    );
    assert_eq!(server.get("/postos/1").await.json["disponivel"], true);

    let again = server.put(path, &json!({"energia_fornecida": 18.403, "confirmado": true})).await;
    assert_eq!((again.status, again.json), (200, ended.json));
    let other = server.put(path, &json!({"energia_fornecida": 20, "confirmado": true})).await;
    assert_eq!(other.verdict(), (409, "carregamento_encerrado"));
    server.stop().await;
}

#[tokio::test]
async fn a_posto_charges_one_carro_in_service_and_for_its_holder() {
    let server = Running::with_reservas(vec![reservation("r1", "ABC1234", 1, None)]).await;
    for (posto_id, placa, verdict) in [
        (1, "XYZ9876", (409, "posto_reservado")),
        (2, "ABC1234", (409, "posto_em_manutencao")),
        (3, "ABC1234", (409, "posto_indisponivel")),
        (1, "ABC1234", (201, "")),
        // It is charging there already.
        (1, "ABC1234", (201, "")),
    ] {
        let path = format!("/postos/{posto_id}/carregamentos");
        let answer = server.post(&path, &json!({"placa": placa})).await;
        assert_eq!(answer.verdict(), verdict, "{placa} at {posto_id}: {}", answer.text);
    }
    assert_eq!(server.get("/carros/ABC1234").await.json["em_carregamento"], true);
    server
        .put("/postos/1/carregamentos/1", &json!({"energia_fornecida": 1, "confirmado": true}))
        .await;
    assert_eq!(server.get("/carros/ABC1234").await.json["em_carregamento"], false);
    server.stop().await;
}

#[tokio::test]
async fn a_session_belongs_to_its_posto() {
    let server = Running::fresh().await;
    server
        .put("/postos/2/disponibilidade", &json!({"disponivel": true, "em_manutencao": false}))
        .await;
    server.post("/postos/1/carregamentos", &json!({"placa": "ABC1234"})).await;
    let elsewhere = server
        .put("/postos/2/carregamentos/1", &json!({"energia_fornecida": 1, "confirmado": true}))
        .await;
    assert_eq!(elsewhere.verdict(), (404, "carregamento_inexistente"));
    assert_eq!(elsewhere.mensagem(), "O carregamento 1 não existe no posto 2");
    server.stop().await;
}

#[tokio::test]
async fn wrong_amounts_and_placas_are_named() {
    let server = Running::fresh().await;
    server.post("/postos/1/carregamentos", &json!({"placa": "ABC1234"})).await;
    for body in [
        json!({}),
        json!({"energia_fornecida": -0.1}),
        json!({"energia_fornecida": 10_000.1}),
        json!({"energia_fornecida": "18"}),
    ] {
        let refused = server.put("/postos/1/carregamentos/1", &body).await;
        assert_eq!(refused.verdict(), (422, "requisicao_invalida"), "{body}");
        assert_eq!(refused.campos(), ["energia_fornecida"], "{body}");
    }
    for body in [json!({}), json!({"placa": "A"}), json!({"placa": 1_234_567})] {
        let refused = server.post("/postos/1/carregamentos", &body).await;
        assert_eq!(refused.campos(), ["placa"], "{body}");
    }
    let nothing = server.put("/postos/1/carregamentos/1", &json!({"energia_fornecida": 0})).await;
    assert_eq!((nothing.status, &nothing.json["custo"]), (200, &json!(0.0)));
    server.stop().await;
}

#[tokio::test]
async fn a_repeated_start_finds_the_session_again() {
    let server = Running::fresh().await;
    let start = json!({"placa": "ABC1234"});
    let first = server.post("/postos/1/carregamentos", &start).await;
    let again = server.post("/postos/1/carregamentos", &start).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.json, first.json);
    let other = server.post("/postos/1/carregamentos", &json!({"placa": "XYZ9876"})).await;
    assert_eq!(other.verdict(), (409, "posto_reservado"));
    let listed = server.get("/postos/1/carregamentos").await.json;
    assert_eq!(listed, json!({"carregamentos": [first.json], "proxima": null}));
    let missing = server.get("/postos/99999/carregamentos").await;
    assert_eq!(missing.verdict(), (404, "posto_inexistente"));
    server.stop().await;
}

#[tokio::test]
async fn sessions_are_listed_newest_first_page_by_page() {
    let server = Running::fresh().await;
    for id in 1..=3 {
        server.post("/postos/1/carregamentos", &json!({"placa": "ABC1234"})).await;
        let end = format!("/postos/1/carregamentos/{id}");
        server.put(&end, &json!({"energia_fornecida": 1, "confirmado": true})).await;
    }
    let ids = |page: &serde_json::Value| -> Vec<i64> {
        let sessions = page["carregamentos"].as_array().expect("a list").iter();
        sessions.map(|session| session["id"].as_i64().expect("a number")).collect()
    };
    let first = server.get("/postos/1/carregamentos?limite=2").await.json;
    assert_eq!((ids(&first), &first["proxima"]), (vec![3, 2], &json!(2)));
    let last = server.get("/postos/1/carregamentos?limite=2&antes_de=2").await.json;
    assert_eq!((ids(&last), &last["proxima"]), (vec![1], &json!(null)));
    let wrong = server.get("/postos/1/carregamentos?limite=0&antes_de=x").await;
    assert_eq!(wrong.campos(), ["antes_de", "limite"]);
    server.stop().await;
}

#[tokio::test]
async fn a_carro_charges_at_one_posto_at_a_time() {
    let server = Running::with_reservas(vec![reservation("r1", "ABC1234", 1, None)]).await;
    let on = json!({"disponivel": true, "em_manutencao": false});
    server.put("/postos/2/disponibilidade", &on).await;
    let start = json!({"placa": "ABC1234"});
    assert_eq!(server.post("/postos/1/carregamentos", &start).await.status, 201);
    let elsewhere = server.post("/postos/2/carregamentos", &start).await;
    assert_eq!(elsewhere.verdict(), (409, "carro_em_carregamento"));
    let mensagem =
        "Este carro está carregando no posto Ponto 1. Encerre aquele carregamento antes.";
    assert_eq!(elsewhere.mensagem(), mensagem);
    assert_eq!(server.get("/carros/ABC1234").await.json["em_carregamento"], true);
    server
        .put("/postos/1/carregamentos/1", &json!({"energia_fornecida": 1, "confirmado": true}))
        .await;
    assert_eq!(server.get("/carros/ABC1234").await.json["em_carregamento"], false);
    assert_eq!(server.post("/postos/2/carregamentos", &start).await.status, 201);
    server.stop().await;
}

#[tokio::test]
async fn a_session_fulfils_a_reserva_and_frees_what_is_left() {
    let server = Running::with_reservas(vec![reservation("r1", "ABC1234", 1, None)]).await;
    let started = server.post("/postos/1/carregamentos", &json!({"placa": "ABC1234"})).await;
    assert_eq!((started.status, &started.json["reserva_id"]), (201, &json!(1)));
    let reserva = server.get("/reservas/1").await.json;
    assert_eq!((&reserva["status"], &reserva["versao"]), (&json!("cumprida"), &json!(2)));
    assert_eq!(reserva["desde"], started.json["inicio"]);
    let cancelled = server.post("/reservas/1/cancelar", &json!({})).await;
    assert_eq!(cancelled.verdict(), (409, "reserva_em_uso"));
    let other = server.post("/postos/1/carregamentos", &json!({"placa": "XYZ9876"})).await;
    assert_eq!(other.verdict(), (409, "posto_reservado"));
    let end = json!({"energia_fornecida": 0});
    let ended = server.put("/postos/1/carregamentos/1", &end).await.json;
    let reserva = server.get("/reservas/1").await.json;
    assert_eq!((&reserva["livre_desde"], &reserva["versao"]), (&ended["fim"], &json!(3)));
    let other = server.post("/postos/1/carregamentos", &json!({"placa": "XYZ9876"})).await;
    assert_eq!((other.status, &other.json["reserva_id"]), (201, &json!(null)));
    let found = server.get("/reservas?status=cumprida").await.json;
    assert_eq!(found["reservas"], json!([reserva]));
    server.stop().await;
}
