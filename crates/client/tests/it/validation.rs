//! Wrong requests are refused without asking the broker.

use reqwest::Method;

use crate::running::{Running, SEED_BODY};

const INVALID: (u16, &str) = (422, "requisicao_invalida");

#[tokio::test]
async fn four_wrong_fields_are_all_named() {
    let gateway = Running::start().await;
    let body = SEED_BODY
        .replace(r#""ABC1234""#, r#""A""#)
        .replace("44.5", "0")
        .replace(r#""posto_id": 5"#, r#""posto_id": "5""#)
        .replace(r#""server1""#, r#""server/1""#);
    let answer = gateway.send(gateway.reservar(body)).await;
    answer.assert_refused(INVALID, "four wrong fields");
    let campos = ["placa", "capacidade_bateria", "posto_id", "server_id"];
    assert_eq!(answer.campos(), campos);
    for campo in campos {
        let mensagem = answer.json["mensagem"].as_str().expect("a text");
        assert!(mensagem.contains(campo), "{campo} is not in {mensagem:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused_whole() {
    let gateway = Running::start().await;
    let deep = "[".repeat(10_000);
    for body in [
        &b""[..],
        b"oi",
        b"null",
        b"5",
        b"[]",
        br#"["ABC1234","BYD",44.5,22.3,0.19,5,"server1"]"#,
        b"{\"placa\":\"\xff\"}",
        br#"{"placa":"\ud800"}"#,
        deep.as_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = gateway.send(gateway.reservar(body.to_vec())).await;
        answer.assert_refused(INVALID, &shown);
        assert_eq!(answer.campos(), ["corpo"], "{shown}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_field_that_comes_twice_is_named_beside_the_other_wrong_ones() {
    let gateway = Running::start().await;
    let body = SEED_BODY.replace("ABC1234", "!").replace("44.5", "-1");
    let body = body.replacen('{', r#"{"posto_id": 6, "#, 1);
    let answer = gateway.send(gateway.reservar(body)).await;
    answer.assert_refused(INVALID, "a field twice");
    assert_eq!(answer.campos(), ["placa", "capacidade_bateria", "posto_id"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_number_that_no_type_holds_is_told_by_its_field() {
    let gateway = Running::start().await;
    for (from, to, campo) in [
        ("44.5", "1e400", "capacidade_bateria"),
        ("0.19", "-1e400", "taxa_descarga"),
        (r#""posto_id": 5"#, r#""posto_id": 5.5"#, "posto_id"),
        (r#""posto_id": 5"#, r#""posto_id": 99999999999999999999"#, "posto_id"),
    ] {
        let answer = gateway.send(gateway.reservar(SEED_BODY.replace(from, to))).await;
        answer.assert_refused(INVALID, to);
        assert_eq!(answer.campos(), [campo], "{to}");
    }
    let whole = SEED_BODY.replace(r#""posto_id": 5"#, r#""posto_id": 5.0"#);
    let answer = gateway.send(gateway.reservar(whole)).await;
    answer.assert_refused((503, "broker_indisponivel"), "5.0 is an integer");
    gateway.stop().await;
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let gateway = Running::start().await;
    for (path, campos) in [
        ("/postos", vec!["server_id"]),
        ("/postos?server_id=", vec!["server_id"]),
        ("/postos?server_id=a%2Fb", vec!["server_id"]),
        ("/postos?server_id=%FF", vec!["query"]),
        ("/postos?server_id=a&server_id=b", vec!["server_id"]),
        (
            "/postos?server_id=+&disponivel=sim&em_manutencao=&tipo_conector=",
            vec!["server_id", "disponivel", "em_manutencao", "tipo_conector"],
        ),
        ("/postos?server_id=a&limite=0&apos=-1", vec!["limite", "apos"]),
        ("/postos?server_id=a&limite=100001&apos=x", vec!["limite", "apos"]),
        ("/postos?server_id=a&limite=5&limite=5&apos=", vec!["limite", "apos"]),
        ("/reservas/r1", vec!["server_id"]),
        ("/reservas/a%20b?server_id=server1", vec!["request_id"]),
        ("/reservas/a%20b", vec!["request_id", "server_id"]),
        ("/reservas/%FF?server_id=server1", vec!["request_id"]),
        ("/postos?disponivell=true", vec!["server_id", "disponivell"]),
        ("/postos?server_id=server1&serverId=server1", vec!["serverId"]),
        ("/reservas/r1?server_id=server1&request_id=r2", vec!["request_id"]),
        ("/servidores?x=1", vec!["x"]),
        ("/status?x=1&y", vec!["x", "y"]),
    ] {
        let answer = gateway.get(path).await;
        answer.assert_refused(INVALID, path);
        assert_eq!(answer.campos(), campos, "{path}");
        let head = gateway.send(gateway.request(Method::HEAD, path)).await;
        assert_eq!(head.status, answer.status, "HEAD {path}");
    }
    let answer = gateway.post("/reservas/%C3%A9/cancelar").await;
    answer.assert_refused(INVALID, "a cancellation with two wrong parameters");
    assert_eq!(answer.campos(), ["request_id", "server_id"]);
    for page in ["/healthz?x=1", "/docs/?x=1", "/openapi.json?x=1"] {
        assert_eq!(gateway.get(page).await.status, 200, "{page}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_change_names_what_it_changes() {
    let gateway = Running::start().await;
    let path = "/reservas/r1?server_id=server1";
    for (body, campos) in [
        ("{}", vec!["inicio"]),
        (r#"{"fim": null}"#, vec!["fim"]),
        (r#"{"posto_id": 6, "inicio": null}"#, vec!["inicio"]),
        (r#"{"posto_id": 0, "fim": "amanhã"}"#, vec!["fim", "posto_id"]),
        (r#"{"posto_id": 6, "placa": "ABC1234"}"#, vec!["placa"]),
        (r#"{"inicio": "2026-11-23T12:00:00Z", "fim": "2026-11-23T09:00:00-03:00"}"#, vec!["fim"]),
        ("[]", vec!["corpo"]),
    ] {
        let answer = gateway.send(gateway.json(Method::PATCH, path, body)).await;
        answer.assert_refused(INVALID, body);
        assert_eq!(answer.campos(), campos, "{body}");
    }
    let without_servidor = gateway.json(Method::PATCH, "/reservas/r1", r#"{"posto_id": 6}"#);
    let answer = gateway.send(without_servidor).await;
    answer.assert_refused(INVALID, "no servidor");
    assert_eq!(answer.campos(), ["server_id"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_field_that_does_not_exist_is_named_and_the_nearest_is_suggested() {
    let gateway = Running::start().await;
    for (campo, mensagem) in [
        ("incio", "não existe; você quis dizer inicio?"),
        ("início", "não existe; você quis dizer inicio?"),
        ("postoId", "não existe; você quis dizer posto_id?"),
        ("escolher", "não existe"),
        ("fila", "não existe"),
    ] {
        let body = SEED_BODY.replacen('{', &format!("{{\"{campo}\": null, "), 1);
        let answer = gateway.send(gateway.reservar(body)).await;
        answer.assert_refused(INVALID, campo);
        let campos = serde_json::json!([{"campo": campo, "mensagem": mensagem}]);
        assert_eq!(answer.json["campos"], campos);
    }
    gateway.stop().await;
}
