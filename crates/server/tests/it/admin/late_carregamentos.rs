//! Charging sessions that are reported after they began, and corrections of those that have ended.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use serde_json::json;

use crate::running::Running;
use crate::support::reservation;

/// A time so many minutes ago.
fn ago(minutes: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let millis = i64::try_from(now.as_millis()).expect("a clock of this age");
    Timestamp::clamped(millis - minutes * 60_000).to_string()
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
        (json!({"inicio": ago(-6)}), &["inicio"][..]),
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
    let later = server.post("/postos/1/carregamentos", &report(json!({"inicio": ago(-6)}))).await;
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
    let refused = server.patch(path, &json!({"fim": ago(-6), "custo": 1})).await;
    assert_eq!(refused.campos(), ["custo"], "it follows from the energy");
    let refused = server.patch(path, &json!({"fim": ago(-6)})).await;
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

#[tokio::test]
async fn a_report_with_the_end_ends_its_open_session() {
    let server = Running::with_reservas(Vec::new()).await;
    let inicio = ago(60);
    let report = async |fields: serde_json::Value| {
        let mut report = json!({"placa": "XYZ9876", "inicio": inicio});
        let fields = fields.as_object().expect("an object").clone();
        report.as_object_mut().expect("an object").extend(fields);
        server.post("/postos/1/carregamentos", &report).await
    };
    let open = report(json!({})).await;
    assert_eq!((open.status, &open.json["status"]), (201, &json!("ativo")), "{}", open.text);
    let fim = ago(30);
    let much = report(json!({"fim": fim, "energia_fornecida": 500})).await;
    assert_eq!(much.verdict(), (422, "energia_implausivel"));
    for _ in 0..2 {
        let ended = report(json!({"fim": fim, "energia_fornecida": 10})).await;
        assert_eq!((ended.status, &ended.json["id"]), (201, &open.json["id"]), "{}", ended.text);
        let amounts = (&ended.json["fim"], &ended.json["energia_fornecida"], &ended.json["custo"]);
        assert_eq!(amounts, (&json!(fim), &json!(10.0), &json!(20.0)));
    }
    let ended = server.get("/auditoria?alvo=carregamento/1&acao=encerrar").await.json;
    assert_eq!(ended["auditoria"].as_array().map(Vec::len), Some(1), "{ended}");
    let other = report(json!({"fim": fim, "energia_fornecida": 9})).await;
    assert_eq!(other.verdict(), (409, "carregamento_encerrado"));
    assert!(other.mensagem().contains("PATCH /carregamentos/1"), "{}", other.mensagem());
}
