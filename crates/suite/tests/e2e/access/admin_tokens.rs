//! The tokens of the admin API around the real program: what its log says, and what a signal does.

use reqwest::Method;
use serde_json::json;

use crate::harness::{World, eventually, run_subcommand};

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_where_the_token_is_and_who_calls_and_never_a_token() {
    let world = World::new().await;
    let server = world.server("server1").await;
    let file = world.folder().join("data/server1.db.token");
    let first = std::fs::read_to_string(file).expect("its file").trim().to_owned();
    let made = server.post("/tokens", &json!({"nome": "painel", "papel": "leitura"})).await;
    let painel = made.json["token"].as_str().expect("a token").to_owned();
    let wrong = "posto_a-token-that-is-none";
    let http = reqwest::Client::new();
    for token in [wrong, &painel, &first] {
        let paths = ["/reservas".to_owned(), format!("/reservas?token={token}")];
        for path in paths {
            http.get(server.url(&path)).bearer_auth(token).send().await.expect("an answer");
        }
        let path = format!("/tokens/{token}");
        http.delete(server.url(&path)).bearer_auth(token).send().await.expect("an answer");
    }
    let addr = server.url("").trim_start_matches("http://").to_owned();
    let set = [("SERVER_ID", "server1"), ("HTTP_ADDR", addr.as_str())];
    let shown = run_subcommand("server", world.folder(), &["token"], set).await;
    assert_eq!(String::from_utf8_lossy(&shown.stdout).trim(), first);
    let arguments = ["token", "--revogar", "painel"];
    let revoked = run_subcommand("server", world.folder(), &arguments, set).await;
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
    server.signal("-HUP");
    let (status, lines) = server.stop_with_log().await;
    assert!(status.success());
    let log: String = lines.iter().map(ToString::to_string).collect();
    for secret in [wrong, &painel, &first] {
        assert!(!log.contains(secret), "{log}");
        assert!(!log.contains(&secret[10..]), "{log}");
    }
    let is = |message: &str| lines.iter().filter(|line| line["message"] == message).count();
    assert_eq!(is("the first token of the admin API is in this file"), 1);
    assert_eq!(is("a request came with a wrong token"), 3);
    let by = |quem: &str| {
        let answered = lines.iter().filter(|line| line["message"] == "answered");
        answered.filter(|line| line["quem"] == quem).count()
    };
    assert_eq!((by("painel"), by("inicial")), (3, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_own_token_is_read_again_at_a_signal_and_when_it_changes() {
    let world = World::new().await;
    let file = world.folder().join("own");
    std::fs::write(&file, "the-first-of-the-operator").expect("a file");
    let server = world.server_with("server1", &[("ADMIN_TOKEN_FILE", "own")]).await;
    let status = async |token: &str| {
        let request = server.request(Method::GET, "/reservas");
        let (http, request) = request.build_split();
        let mut request = request.expect("a request");
        let value = format!("Bearer {token}").parse().expect("a token");
        request.headers_mut().insert("authorization", value);
        http.execute(request).await.expect("an answer").status().as_u16()
    };
    assert_eq!(status("the-first-of-the-operator").await, 200);
    std::fs::write(&file, "the-second-of-the-operator").expect("a file");
    server.signal("-HUP");
    eventually("it is valid", async || status("the-second-of-the-operator").await == 200).await;
    assert_eq!(status("the-first-of-the-operator").await, 401);
    std::fs::remove_file(&file).expect("it was there");
    server.signal("-HUP");
    let is_said = async || {
        let stays = "the token of the admin API stays as it was";
        server.log_lines().iter().any(|line| line["message"] == stays)
    };
    eventually("it says that there is no file", is_said).await;
    assert_eq!(status("the-second-of-the-operator").await, 200);
}
