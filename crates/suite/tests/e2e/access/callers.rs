//! How much one caller may ask of a gateway.

use std::time::Duration;

use serde_json::Value;

use crate::access::app_tokens::{call, make, with_tokens};
use crate::harness::{World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_bounded_and_told_when_it_may_ask_again() {
    let world = World::new().await;
    let client = world.client_with("cliente1", &[("LIMITE_POR_MINUTO", "6")]).await;
    let ask = async |method: &str, path: &str| call(&client, method, path, &[]).await;
    // The next is allowed ten seconds after the first.
    for _ in 0..6 {
        assert_eq!(ask("GET", "/status").await.0, 200);
    }
    for (method, path) in [
        ("GET", "/status"),
        ("POST", "/reservar"),
        ("POST", "/estimativa"),
        ("PATCH", "/reservas/x?server_id=server1"),
        ("GET", "/nope"),
        ("DELETE", "/status"),
        ("GET", "/docs/"),
        ("HEAD", "/postos?server_id=server1"),
    ] {
        let (status, codigo, wait) = ask(method, path).await;
        let expected = if method == "HEAD" { "" } else { "requisicoes_demais" };
        assert_eq!((status, codigo.as_str()), (429, expected), "{method} {path}");
        assert!(wait.is_some_and(|wait| (1..=10).contains(&wait)), "{wait:?}");
    }
    // Neither a header of its own nor another one gives it another key.
    for header in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X_Forwarded_For", "Authorization"]
    {
        let verdict = call(&client, "GET", "/status", &[(header, "192.0.2.1")]).await;
        assert_eq!(verdict.0, 429, "{header}");
    }
    for path in ["/healthz", "/readyz"] {
        for _ in 0..30 {
            assert_ne!(ask("GET", path).await.0, 429, "probes do not count");
        }
    }
    let preflight =
        [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "POST")];
    assert_eq!(call(&client, "OPTIONS", "/reservar", &preflight).await.0, 200);
    assert_eq!(call(&client, "OPTIONS", "/reservar", &[]).await.0, 200);
    // All of this may have taken so long that one more is allowed.
    let mut refused = ask("GET", "/status").await;
    for _ in 0..20 {
        if refused.0 == 429 {
            break;
        }
        refused = ask("GET", "/status").await;
    }
    assert_eq!(refused.0, 429, "there is a bound");
    let wait = refused.2.expect("Retry-After");
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(ask("GET", "/status").await.0, 200, "it is true");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_caller_has_its_own_bound() {
    let world = World::new().await;
    let set = [("LIMITE_POR_MINUTO", "5"), ("PROXIES_CONFIAVEIS", "127.0.0.1")];
    let client = world.client_with("cliente1", &set).await;
    let allowed = async |lists: fn(usize) -> String| {
        let mut allowed = 0;
        for number in 0..12 {
            let list = lists(number);
            let verdict = call(&client, "GET", "/status", &[("X-Forwarded-For", &list)]).await;
            allowed += u32::from(verdict.0 == 200);
        }
        allowed
    };
    assert_eq!(allowed(|_| "192.0.2.1".to_owned()).await, 5);
    assert_eq!(allowed(|_| "192.0.2.2".to_owned()).await, 5, "another caller");
    assert_eq!(allowed(|number| format!("203.0.113.{number}, 192.0.2.3")).await, 5);
    assert_eq!(allowed(|number| format!("2001:db8::{number}")).await, 5, "one /64");
    assert_eq!(allowed(|number| format!("203.0.113.{number}, lixo")).await, 5, "the proxy itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tokens_own_limit_holds_in_place_of_that_of_all() {
    let world = World::new().await;
    let (one, two, three) =
        (make(&world, "app1").await, make(&world, "app2").await, make(&world, "app3").await);
    let lines = [&format!("{} 7", one.line), &two.line, &format!("{} 0", three.line)];
    let lines = lines.map(String::as_str);
    let client = with_tokens(&world, &lines, &[("LIMITE_POR_MINUTO", "3")]).await;
    let allowed = async |token: Option<&str>| {
        let mut allowed = 0;
        for _ in 0..12 {
            let header = token.map(|token| ("Authorization", token));
            allowed += u32::from(call(&client, "GET", "/status", header.as_slice()).await.0 == 200);
        }
        allowed
    };
    assert_eq!(allowed(Some(&one.token)).await, 7);
    assert_eq!(allowed(Some(&two.token)).await, 3);
    assert_eq!(allowed(Some(&three.token)).await, 12, "0 is no limit");
    assert_eq!(allowed(None).await, 3, "without a token the address counts");
    assert_eq!(allowed(Some("Bearer wrong")).await, 0, "and with a wrong one");
    // What was counted stays when the file changes.
    std::fs::write(world.folder().join("tokens"), format!("# new\n{}", lines.join("\n")))
        .expect("a file");
    let read_again = |line: &Value| line["message"] == "the tokens of apps were read again";
    eventually("it is read", async || client.log_lines().iter().any(read_again)).await;
    assert!(allowed(Some(&one.token)).await < 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_tokens_must_wait_and_others_notice_nothing() {
    let world = World::new().await;
    let (one, two) = (make(&world, "app1").await, make(&world, "app2").await);
    let client = with_tokens(&world, &[&one.line, &two.line], &[]).await;
    let path = "/reservas/x?server_id=server7";
    let ask = async |token: &str| call(&client, "GET", path, &[("Authorization", token)]).await;
    assert_eq!(ask(&one.token).await.0, 503, "it is valid");
    for number in 0..10 {
        assert_eq!(ask(&format!("Bearer app_guess{number}")).await.0, 401);
    }
    let (status, codigo, wait) = ask("Bearer app_another").await;
    assert_eq!((status, codigo.as_str()), (429, "requisicoes_demais"));
    assert!(wait.is_some_and(|wait| (1..=6).contains(&wait)), "{wait:?}");
    assert_eq!(ask(&two.token).await.0, 429, "nor does a right guess show");
    assert_eq!(ask(&one.token).await.0, 503, "what has worked from there works");
    assert_eq!(call(&client, "GET", "/status", &[]).await.0, 200, "what is public stays so");
}

/// A token's own limit must not show that it is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_guess_does_not_show_where_no_token_is_needed() {
    let world = World::new().await;
    let (one, two) = (make(&world, "app1").await, make(&world, "app2").await);
    let lines = [format!("{} 1000", one.line), format!("{} 1000", two.line)];
    let set = [("LIMITE_POR_MINUTO", "3")];
    let client = with_tokens(&world, &lines.each_ref().map(String::as_str), &set).await;
    let ask =
        async |token: &str| call(&client, "GET", "/status", &[("Authorization", token)]).await.0;
    assert_eq!(ask(&two.token).await, 200, "it is used from here");
    for number in 0..20 {
        let status = ask(&format!("Bearer app_guess{number}")).await;
        assert_eq!(status, if number < 3 { 200 } else { 429 }, "as without a token");
    }
    assert_eq!(ask(&one.token).await, 429, "a right guess");
    assert_eq!(ask(&two.token).await, 200, "what has worked from there works");
}
