//! What was changed, and by whom.

use reqwest::Method;
use serde_json::json;

use crate::command_line::{NOWHERE, ended, program};
use crate::running::{Answer, POSTOS, Running};
use crate::support::reservation;

/// Who did what to what, newest first.
fn rows(answer: &Answer) -> Vec<String> {
    let rows = answer.json["auditoria"].as_array().expect("a list").iter();
    let word = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    rows.map(|row| format!("{} {} {}", word(&row["quem"]), word(&row["acao"]), word(&row["alvo"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_over_http_is_recorded_with_the_name_of_its_token() {
    let server = Running::with_reservas(vec![reservation("r1", "ABC1234", 1, None)]).await;
    let newest = async || rows(&server.get("/auditoria?limite=1").await).remove(0);
    let at_start = rows(&server.get("/auditoria").await);
    assert!(at_start.contains(&"servidor criar token/inicial".to_owned()), "{at_start:?}");
    assert!(at_start.contains(&"servidor importar posto/1".to_owned()), "{at_start:?}");
    let made = server.post("/tokens", &json!({"nome": "ana", "papel": "operador"})).await;
    assert_eq!(newest().await, "inicial criar token/ana");
    let ana = made.json["token"].as_str().expect("a token").to_owned();

    let csv = "id,nome,latitude,longitude,status\n2,Praça,0,0,disponivel\n";
    let posto = json!({"nome": "Novo", "localizacao": "0,0"});
    let charging = json!({"placa": "QQQ0A00"});
    for (method, path, body, row) in [
        (Method::POST, "/postos", posto.to_string(), "criar posto/4"),
        (Method::PATCH, "/postos/4", json!({"preco_kwh": 3.0}).to_string(), "alterar posto/4"),
        (
            Method::PUT,
            "/postos/4/disponibilidade",
            json!({"disponivel": false}).to_string(),
            "alterar posto/4",
        ),
        (Method::DELETE, "/postos/4", String::new(), "remover posto/4"),
        (Method::POST, "/reservas/1/cancelar", String::new(), "cancelar reserva/1"),
        (Method::DELETE, "/carros/ABC1234", String::new(), "esquecer carros"),
        (
            Method::POST,
            "/tokens",
            json!({"nome": "painel", "papel": "leitura"}).to_string(),
            "criar token/painel",
        ),
        (Method::DELETE, "/tokens/painel", String::new(), "revogar token/painel"),
        (Method::POST, "/postos/1/carregamentos", charging.to_string(), "iniciar carregamento/1"),
        (
            Method::PUT,
            "/postos/1/carregamentos/1",
            json!({"energia_fornecida": 1.0, "confirmado": true}).to_string(),
            "encerrar carregamento/1",
        ),
        (Method::POST, "/postos/importar", csv.to_owned(), "importar posto/2"),
        (Method::DELETE, "/carros/QQQ0A00", String::new(), "esquecer carros"),
    ] {
        let shown = format!("{method} {path}");
        let content_type = if path.ends_with("importar") { "text/csv" } else { "application/json" };
        let request = server.request_with(&ana, method, path);
        let request = request.header("content-type", content_type).body(body);
        let answer = server.send(request).await;
        assert!(answer.status < 300, "{shown}: {}", answer.text);
        assert_eq!(newest().await, format!("ana {row}"), "{shown}");
    }
    let all = server.get("/auditoria").await;
    for personal in ["QQQ0A00", "ABC1234", "r1"] {
        assert!(!all.text.contains(personal), "{}", all.text);
    }
    // What changes nothing, and what is refused, is no change.
    server.patch("/postos/1", &json!({})).await;
    server.patch("/postos/99", &json!({"preco_kwh": 3.0})).await;
    server.delete("/carros/ABC1234").await;
    assert_eq!(rows(&server.get("/auditoria").await), rows(&all));
    let changed = server.get("/auditoria?alvo=posto/4&acao=alterar&quem=ana").await;
    assert_eq!(changed.json["auditoria"][1]["antes"], json!({"preco_kwh": 2.5}));
    assert_eq!(changed.json["auditoria"][1]["depois"], json!({"preco_kwh": 3.0}));
    assert_eq!(changed.json["auditoria"].as_array().map(Vec::len), Some(2));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_is_filtered_and_read_page_by_page() {
    let server = Running::fresh().await;
    let all = rows(&server.get("/auditoria").await);
    let (mut paged, mut before) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/auditoria?limite=2{before}")).await;
        paged.extend(rows(&page));
        let Some(next) = page.json["proxima"].as_i64() else { break };
        before = format!("&antes_de={next}");
    }
    assert_eq!(paged, all);
    let last = server.get("/auditoria?limite=1").await.json["auditoria"][0]["quando"].clone();
    let last = last.as_str().expect("a moment");
    let count = async |query: &str| rows(&server.get(&format!("/auditoria?{query}")).await).len();
    assert_eq!(count("quem=servidor").await, all.len());
    assert_eq!(count("quem=ana").await, 0);
    assert_eq!(count("acao=criar&alvo=token/inicial").await, 1);
    for alvo in ["posto/5", "posto/5/carregador", "reserva/1", "carregamento/1", "token/a/b"] {
        assert_eq!(count(&format!("alvo={alvo}")).await, 0, "{alvo}");
    }
    for alvo in ["carros", "banco"] {
        count(&format!("alvo={alvo}")).await;
    }
    assert_eq!(count(&format!("ate={last}")).await + count(&format!("de={last}")).await, all.len());
    for (query, campo) in [
        ("acao=mudar", "acao"),
        ("de=ontem", "de"),
        ("antes_de=0", "antes_de"),
        ("limite=501", "limite"),
        ("posto=1", "posto"),
        // Nothing is found by these, as if nothing had been changed.
        ("alvo=postos/5", "alvo"),
        ("alvo=posto/05", "alvo"),
        ("alvo=posto/0", "alvo"),
        ("alvo=posto/5/painel", "alvo"),
        ("alvo=5", "alvo"),
        ("alvo=token/", "alvo"),
        ("alvo=", "alvo"),
        ("quem=", "quem"),
    ] {
        let answer = server.get(&format!("/auditoria?{query}")).await;
        assert_eq!((answer.status, answer.campos()), (422, vec![campo]), "{query}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_token_has_a_name_too() {
    let home = Running::fresh().await.stop().await;
    let mut make = program(&home, NOWHERE);
    make.args(["token", "--nome", "painel", "--papel", "leitura"]);
    assert_eq!(ended(make).await.0, Some(0));
    std::fs::write(home.csv(), format!("{POSTOS}9,Novo,0,0,disponivel,2.5\n")).expect("a file");
    let mut import = program(&home, NOWHERE);
    import.args(["importar", "postos.csv"]);
    assert_eq!(ended(import).await.0, Some(0));
    let config = home.config_with(&[("ADMIN_ABERTO", "sim")]);
    let server = home.start_with(config).await.expect("it starts");
    assert_eq!(server.delete("/postos/9").await.status, 204);
    let newest = rows(&server.get("/auditoria?limite=3").await);
    let expected = [
        "aberto remover posto/9",
        "linha de comando importar posto/9",
        "linha de comando criar token/painel",
    ];
    assert_eq!(newest, expected);
    server.stop().await;
}
