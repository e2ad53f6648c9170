//! What one caller may ask of a gateway: bounds, and tokens of apps.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use serde_json::Value;

use crate::harness::{Program, World};

/// The status, the `codigo` and `Retry-After` of an answer.
type Verdict = (u16, String, Option<u64>);

async fn call(program: &Program, method: &str, path: &str, headers: &[(&str, &str)]) -> Verdict {
    let method = method.parse().expect("a method");
    let mut request = reqwest::Client::new().request(method, program.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let wait = answer.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
    let status = answer.status().as_u16();
    let json: Value = answer.json().await.unwrap_or_default();
    (status, json["codigo"].as_str().unwrap_or_default().to_owned(), wait)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_bounded_and_told_when_it_may_ask_again() {
    let world = World::new().await;
    let client = world.client_with("cliente1", &[("LIMITE_POR_MINUTO", "20")]).await;
    let ask = async |method: &str, path: &str| call(&client, method, path, &[]).await;
    for _ in 0..20 {
        assert_eq!(ask("GET", "/status").await.0, 200);
    }
    for (method, path) in [
        ("GET", "/status"),
        ("POST", "/reservar"),
        ("GET", "/nope"),
        ("DELETE", "/status"),
        ("GET", "/docs/"),
        ("HEAD", "/postos?server_id=server1"),
    ] {
        let (status, codigo, wait) = ask(method, path).await;
        let expected = if method == "HEAD" { "" } else { "requisicoes_demais" };
        assert_eq!((status, codigo.as_str()), (429, expected), "{method} {path}");
        assert!(wait.is_some_and(|wait| (1..=3).contains(&wait)), "{wait:?}");
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
    let (_, _, wait) = ask("GET", "/status").await;
    tokio::time::sleep(Duration::from_secs(wait.expect("Retry-After"))).await;
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
