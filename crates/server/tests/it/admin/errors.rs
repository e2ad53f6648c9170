//! Errors: one shape for every call.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::running::{Answer, Running};

fn assert_refused(answer: &Answer, verdict: (u16, &str), shown: &str) {
    assert_eq!(answer.verdict(), verdict, "{shown}: {}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json", "{shown}");
    assert_eq!(answer.json["status"], "erro", "{shown}");
    assert!(!answer.mensagem().is_empty(), "{shown}");
    // No command of a gateway is refused here, so the header alone names the exchange.
    assert_eq!(answer.json["request_id"], json!(null), "{shown}");
    assert!(!answer.header("x-request-id").is_empty(), "{shown}");
}

#[tokio::test]
async fn unknown_routes_and_resources_are_404() {
    let server = Running::fresh().await;
    let energia = json!({"energia_fornecida": 1.0}).to_string();
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    for (method, path, body, codigo) in [
        (get.clone(), "/nope", "", "rota_inexistente"),
        (get.clone(), "/postos/1/nope", "", "rota_inexistente"),
        (get.clone(), "/docs/nope", "", "rota_inexistente"),
        (get.clone(), "/postos/99", "", "posto_inexistente"),
        (get.clone(), "/postos/0", "", "posto_inexistente"),
        (get.clone(), "/postos/-1", "", "posto_inexistente"),
        (Method::PATCH, "/postos/99", "{}", "posto_inexistente"),
        (Method::DELETE, "/postos/99", "", "posto_inexistente"),
        (put.clone(), "/postos/99/disponibilidade", r#"{"disponivel":true}"#, "posto_inexistente"),
        (post.clone(), "/postos/99/carregamentos", r#"{"placa":"ABC1234"}"#, "posto_inexistente"),
        (put.clone(), "/postos/1/carregamentos/99", &energia, "carregamento_inexistente"),
        (put.clone(), "/postos/99/carregamentos/1", &energia, "carregamento_inexistente"),
        (Method::PATCH, "/carregamentos/99", &energia, "carregamento_inexistente"),
        (get.clone(), "/carros/ABC1234", "", "carro_inexistente"),
        (get.clone(), "/reservas/99", "", "reserva_inexistente"),
        (post.clone(), "/reservas/99/cancelar", "", "reserva_inexistente"),
    ] {
        let answer = server.send_json(method.clone(), path, body).await;
        assert_refused(&answer, (404, codigo), &format!("{method} {path}"));
    }
    let missing = server.get("/postos/99").await;
    assert_eq!(missing.mensagem(), "O posto 99 não existe no servidor server1");
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_method_is_405_and_the_right_ones_are_named() {
    let server = Running::fresh().await;
    for (method, path, allow) in [
        (Method::DELETE, "/postos", "GET,HEAD,POST"),
        (Method::POST, "/postos/1", "DELETE,GET,HEAD,PATCH"),
        (Method::GET, "/postos/1/disponibilidade", "PUT"),
        (Method::DELETE, "/postos/1/carregamentos", "GET,HEAD,POST"),
        (Method::POST, "/postos/1/carregamentos/1", "PUT"),
        (Method::PUT, "/carregamentos/1", "PATCH"),
        (Method::POST, "/carros", "GET,HEAD"),
        (Method::PUT, "/reservas/1", "GET,HEAD"),
        (Method::GET, "/reservas/1/cancelar", "POST"),
        (Method::POST, "/status", "GET,HEAD"),
        (Method::POST, "/docs", "GET,HEAD"),
    ] {
        let answer = server.send(server.request(method.clone(), path)).await;
        assert_refused(&answer, (405, "metodo_nao_permitido"), &format!("{method} {path}"));
        let mut allowed: Vec<&str> = answer.header("allow").split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_body_is_refused_by_every_call_that_takes_one() {
    let server = Running::fresh().await;
    let too_long = format!("{{\"nome\": {:?}}}", "A".repeat(64 * 1024));
    for (method, path) in [
        (Method::POST, "/postos"),
        (Method::PATCH, "/postos/1"),
        (Method::PUT, "/postos/1/disponibilidade"),
        (Method::POST, "/postos/1/carregamentos"),
        (Method::PUT, "/postos/1/carregamentos/1"),
        (Method::PATCH, "/carregamentos/1"),
    ] {
        let shown = format!("{method} {path}");
        for body in ["", "oi", "[]", r#"["Ponto","0,0"]"#, "null", "5", "{"] {
            let answer = server.send_json(method.clone(), path, body).await;
            assert_refused(&answer, (422, "requisicao_invalida"), &format!("{shown} {body:?}"));
        }
        let answer = server.send_json(method.clone(), path, &too_long).await;
        assert_refused(&answer, (413, "corpo_grande_demais"), &shown);
        for request in [
            server.request(method.clone(), path).header(CONTENT_TYPE, "text/plain").body("{}"),
            server.request(method.clone(), path).body("{}"),
        ] {
            let answer = server.send(request).await;
            assert_refused(&answer, (415, "tipo_nao_suportado"), &shown);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let server = Running::fresh().await;
    for (path, campos) in [
        ("/postos/um", vec!["id"]),
        ("/postos/9223372036854775808", vec!["id"]),
        ("/reservas/1.5", vec!["id"]),
        ("/carros/A", vec!["placa"]),
        ("/postos?disponivel=sim&em_manutencao=2", vec!["disponivel", "em_manutencao"]),
        ("/carros?limite=0", vec!["limite"]),
        ("/carros?limite=501&apos=A&apos=B", vec!["apos", "limite"]),
        (
            "/reservas?status=nova&placa=A&posto_id=0&antes_de=x&limite=501",
            vec!["status", "placa", "posto_id", "antes_de", "limite"],
        ),
    ] {
        let answer = server.get(path).await;
        assert_refused(&answer, (422, "requisicao_invalida"), path);
        assert_eq!(answer.campos(), campos, "{path}");
    }
    let energia = json!({"energia_fornecida": 1.0});
    let answer = server.put("/postos/1/carregamentos/um", &energia).await;
    assert_refused(&answer, (422, "requisicao_invalida"), "a session that is no number");
    assert_eq!(answer.campos(), ["carregamento_id"]);
    server.stop().await;
}
