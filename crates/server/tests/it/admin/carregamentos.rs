//! Charging sessions: starting, finishing, listing.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
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

/// A time so many minutes ago.
fn ago(minutes: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let millis = i64::try_from(now.as_millis()).expect("a clock of this age");
    Timestamp::clamped(millis - minutes * 60_000).to_string()
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

#[tokio::test]
async fn a_session_is_reported_after_it_happened() {
    let server = Running::with_reservas(vec![reservation("r1", "ABC1234", 1, None)]).await;
    // It is in maintenance, and held by another: it happened all the same.
    let off = json!({"disponivel": false, "em_manutencao": true});
    assert_eq!(server.put("/postos/1/disponibilidade", &off).await.status, 200);
    let (inicio, fim) = (ago(90), ago(30));
    let report = json!({
        "placa": "xyz-9876", "inicio": inicio, "fim": fim, "energia_fornecida": 20.5
    });
    let reported = server.post("/postos/1/carregamentos", &report).await;
    assert_eq!(reported.status, 201, "{}", reported.text);
    let expected = json!({
        "id": 1, "posto_id": 1, "placa": "XYZ9876", "status": "encerrado", "inicio": inicio,
        "preco_kwh": 2.0, "fim": fim, "energia_fornecida": 20.5, "custo": 41.0,
        "reserva_id": null, "corrigido_em": null
    });
    assert_eq!(reported.json, expected, "it was before the reserva");
    let again = server.post("/postos/1/carregamentos", &report).await;
    assert_eq!((again.status, again.json), (201, expected), "reported twice");
    let open = json!({"placa": "XYZ9876", "inicio": ago(20)});
    let open = server.post("/postos/1/carregamentos", &open).await;
    assert_eq!((open.status, &open.json["conflitos"]), (201, &json!([1])));
    assert_eq!(open.json["fim"], json!(null));
    let listed = server.get("/postos/1/carregamentos").await.json;
    assert_eq!(listed["carregamentos"][0].get("conflitos"), None, "only its own answer has them");
    let late = json!({"energia_fornecida": 1.0, "fim": ago(10)});
    let ended = server.put("/postos/1/carregamentos/2", &late).await;
    assert_eq!((ended.status, &ended.json["fim"]), (200, &late["fim"]), "{}", ended.text);
    assert_eq!(server.get("/reservas/1").await.json["status"], "ativa", "it fulfils nobody's");
    let row = &server.get("/auditoria?alvo=carregamento/2&acao=iniciar").await.json;
    assert_eq!(row["auditoria"][0]["depois"]["conflitos"], json!([1]));

    let overlaps = json!({"placa": "QQQ0A00", "inicio": ago(40)});
    let overlaps = server.post("/postos/1/carregamentos", &overlaps).await;
    assert_eq!(overlaps.verdict(), (409, "carregamento_sobreposto"));
    assert_eq!(
        overlaps.mensagem(),
        "O carregamento se sobrepõe ao carregamento 2. Corrija inicio ou fim."
    );
    let report = |fields: serde_json::Value| {
        let mut report = json!({"placa": "QQQ0A00"});
        let fields = fields.as_object().expect("an object").clone();
        report.as_object_mut().expect("an object").extend(fields);
        report
    };
    let energy = 1.0;
    for (fields, campos) in [
        (json!({"inicio": ago(-5)}), &["inicio"][..]),
        (json!({"inicio": "ontem"}), &["inicio"]),
        (json!({"fim": ago(5)}), &["inicio", "energia_fornecida"]),
        (json!({"energia_fornecida": energy}), &["inicio", "fim"]),
        (json!({"inicio": ago(9), "fim": ago(8)}), &["energia_fornecida"]),
        (json!({"inicio": ago(9), "energia_fornecida": energy}), &["fim"]),
        (json!({"inicio": ago(8), "fim": ago(9), "energia_fornecida": energy}), &["fim"]),
        (json!({"inicio": ago(8), "fim": ago(-9), "energia_fornecida": energy}), &["fim"]),
        (json!({"inicio": ago(8), "confirmado": "sim"}), &["confirmado"]),
        (json!({"inicio": ago(8), "reserva_id": 1}), &["reserva_id"]),
    ] {
        let refused = server.post("/postos/1/carregamentos", &report(fields.clone())).await;
        assert_eq!(refused.verdict(), (422, "requisicao_invalida"), "{fields}");
        assert_eq!(refused.campos(), campos, "{fields}");
    }
    let later = server.post("/postos/1/carregamentos", &report(json!({"inicio": ago(-5)}))).await;
    let mensagem = "A requisição tem campos inválidos: inicio não pode estar no futuro.";
    assert_eq!(later.mensagem(), mensagem);
    server.stop().await;
}

#[tokio::test]
async fn implausible_energy_is_confirmed_and_what_was_wrong_is_corrected() {
    let server = Running::fresh().await;
    let report = |energy: f64, confirmado: Option<bool>| {
        let mut report = json!({
            "placa": "ABC1234", "inicio": ago(60), "fim": ago(30), "energia_fornecida": energy
        });
        if let Some(confirmado) = confirmado {
            report["confirmado"] = confirmado.into();
        }
        report
    };
    for confirmado in [None, Some(false)] {
        let refused = server.post("/postos/1/carregamentos", &report(200.0, confirmado)).await;
        assert_eq!(refused.verdict(), (422, "energia_implausivel"));
        assert_eq!(refused.campos(), ["energia_fornecida"]);
        let sentence = "Em 30 minutos o posto Ponto 1 fornece no máximo 12,1 kWh. \
                        Se a energia_fornecida está certa, repita com confirmado.";
        assert_eq!(refused.mensagem(), sentence);
    }
    let confirmed = server.post("/postos/1/carregamentos", &report(200.0, Some(true))).await;
    assert_eq!((confirmed.status, &confirmed.json["custo"]), (201, &json!(400.0)));
    let path = "/carregamentos/1";
    let corrected = server.patch(path, &json!({"energia_fornecida": 10.123})).await;
    assert_eq!(corrected.status, 200, "{}", corrected.text);
    assert_eq!(corrected.json["custo"], 20.25);
    assert!(corrected.json["corrigido_em"].is_string());
    let same = server.patch(path, &json!({"energia_fornecida": 10.123, "fim": null})).await;
    assert_eq!((same.status, same.json), (200, corrected.json), "it is so already");
    for nothing in [
        json!({}),
        json!({"energia_fornecida": null}),
        json!({"inicio": null, "fim": null, "energia_fornecida": null, "confirmado": null}),
        json!({"confirmado": true}),
    ] {
        let refused = server.patch(path, &nothing).await;
        assert_eq!(refused.verdict(), (422, "requisicao_invalida"), "{nothing}");
        assert_eq!(refused.campos(), ["energia_fornecida"], "{nothing}");
        let mensagem = "A requisição tem campos inválidos: energia_fornecida deve vir, ou inicio, \
                        ou fim: não há o que corrigir.";
        assert_eq!(refused.mensagem(), mensagem);
    }
    let rows = server.get("/auditoria?alvo=carregamento/1&acao=alterar").await.json;
    let rows = rows["auditoria"].as_array().expect("a list");
    let (before, after) = (&rows[0]["antes"], &rows[0]["depois"]);
    assert_eq!((rows.len(), before), (1, &json!({"energia_fornecida": 200.0, "custo": 400.0})));
    assert_eq!(after, &json!({"energia_fornecida": 10.123, "custo": 20.25}));
    let refused = server.patch(path, &json!({"energia_fornecida": 12.2})).await;
    assert_eq!(refused.verdict(), (422, "energia_implausivel"));
    let refused = server.patch(path, &json!({"fim": ago(-1), "custo": 1})).await;
    assert_eq!(refused.campos(), ["custo"], "it follows from the energy");
    let refused = server.patch(path, &json!({"fim": ago(-1)})).await;
    assert_eq!(refused.campos(), ["fim"]);
    server.post("/postos/1/carregamentos", &json!({"placa": "ABC1234"})).await;
    let open = server.patch("/carregamentos/2", &json!({"energia_fornecida": 1})).await;
    assert_eq!(open.verdict(), (409, "carro_em_carregamento"));
    let mensagem =
        "O carro ainda está carregando no carregamento 2. Encerre-o antes de corrigi-lo.";
    assert_eq!(open.mensagem(), mensagem);
    let missing = server.patch("/carregamentos/99", &json!({"energia_fornecida": 1})).await;
    assert_eq!(missing.verdict(), (404, "carregamento_inexistente"));
    assert_eq!(missing.mensagem(), "O carregamento 99 não existe no servidor server1");
    server.stop().await;
}
