//! Who passes to a route, without a socket.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Request};
use axum::middleware::from_fn;
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Extension, Router};
use utoipa::openapi::Paths;

use super::credentials::MAX_TOKEN;
use super::{Access, Caller, Role, Routes, Token, Tokens, operators_only};
use crate::http::exchange::caller::{Endpoints, TrustedProxies};
use crate::http::tests::{Answer, documentation, send};
use crate::http::{CorsOrigins, HttpMetrics, OptionalLayers, build_router};
use crate::secret::SecretHash;

const OPERADOR: &str = "the-operators-token";
const LEITURA: &str = "the-readers-token";

fn tokens() -> Tokens {
    let tokens = Tokens::new("Veja o manual.", TrustedProxies::default());
    tokens.replace(vec![
        Token::new("ana".to_owned(), Role::Operador, SecretHash::of(OPERADOR)),
        Token::new("bia".to_owned(), Role::Leitura, SecretHash::of(LEITURA)),
    ]);
    tokens
}

/// `/open` is public; `/closed` is protected; `/people` is for operators.
fn router(access: Access) -> Router {
    let who = async |caller: Option<Extension<Caller>>| {
        caller.map_or_else(String::new, |Extension(caller)| caller.name)
    };
    let everything = get(who).post(who).put(who).patch(who).delete(who);
    let people = Router::new().route("/people", get(who)).route_layer(from_fn(operators_only));
    let protected = Router::new().route("/closed", everything).merge(people);
    let public = Router::new().route("/open", get(who));
    build_router(
        Routes { public, protected },
        &documentation(Paths::new()),
        10,
        &CorsOrigins::Any,
        access,
        HttpMetrics::default(),
        OptionalLayers::default(),
    )
}

fn with_tokens() -> Router {
    router(Access::Tokens(Arc::new(tokens())))
}

async fn call(router: &Router, method: &str, path: &str, values: &[&[u8]]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for value in values {
        let value = HeaderValue::from_bytes(value).expect("a value");
        request = request.header(AUTHORIZATION, value);
    }
    send(router, request.body(Body::empty()).expect("a request")).await
}

fn bearer(token: &str) -> Vec<u8> {
    format!("Bearer {token}").into_bytes()
}

#[tokio::test]
async fn a_protected_route_is_reached_with_a_token_alone() {
    let router = with_tokens();
    let (long, longest) = ("x".repeat(MAX_TOKEN + 1), "x".repeat(MAX_TOKEN));
    let cases: &[(&[&[u8]], &str)] = &[
        (&[], "não veio"),
        (&[b""], "deve ser Bearer"),
        (&[b"Bearer"], "não traz"),
        (&[b"Bearer  "], "não traz"),
        (&[b"Basic YTpi"], "deve ser Bearer"),
        (&[OPERADOR.as_bytes()], "deve ser Bearer"),
        (&[b"Bearer\tthe-operators-token"], "deve ser Bearer"),
        (&[b"Bearerthe-operators-token"], "deve ser Bearer"),
        (&[&bearer(OPERADOR), &bearer(OPERADOR)], "uma vez só"),
        (&[&bearer(LEITURA), &bearer(OPERADOR)], "uma vez só"),
        (&[&bearer(&long)], "mais longo"),
        (&[&bearer(&longest)], "não vale"),
        (&["Bearer é".as_bytes()], "caracteres"),
        (&[b"Bearer \xff"], "caracteres"),
        (&[b"Bearer the-operators-token, Bearer x"], "caracteres"),
        (&[b"Bearer the-operators-token x"], "caracteres"),
        (&[b"Bearer the-operators-tokem"], "não vale"),
        (&[b"Bearer THE-OPERATORS-TOKEN"], "não vale"),
        (&[b"Bearer the-operators-toke"], "não vale"),
        (&[b"Bearer the-operators-token="], "não vale"),
    ];
    for (values, why) in cases {
        let shown: Vec<_> = values.iter().map(|value| value.escape_ascii().to_string()).collect();
        let answer = call(&router, "GET", "/closed", values).await;
        assert_eq!(answer.codigo(), (401, "nao_autenticado"), "{shown:?}");
        assert_eq!(answer.header(WWW_AUTHENTICATE), "Bearer", "{shown:?}");
        let mensagem = answer.json["mensagem"].as_str().expect("a sentence");
        assert!(mensagem.contains(why) && mensagem.ends_with("Veja o manual."), "{mensagem}");
        assert!(!mensagem.contains("the-"), "{mensagem}");
    }
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR   "] {
        let value = format!("{scheme}{OPERADOR}").into_bytes();
        let answer = call(&router, "GET", "/closed", &[&value]).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ana"[..]), "{scheme}");
    }
}

#[tokio::test]
async fn readers_read_and_operators_do_everything() {
    let router = with_tokens();
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        let reads = ["GET", "HEAD"].contains(&method);
        for path in ["/closed", "/closed?x=1", "/people"] {
            let is_route = path != "/people" || reads;
            let expect = |status: u16| if is_route { status } else { 405 };
            let none = call(&router, method, path, &[]).await;
            assert_eq!(none.status, expect(401), "{method} {path}");
            let operator = call(&router, method, path, &[&bearer(OPERADOR)]).await;
            assert_eq!(operator.status, expect(200), "{method} {path}");
            let reader = call(&router, method, path, &[&bearer(LEITURA)]).await;
            let allowed = reads && path != "/people";
            assert_eq!(reader.status, expect(if allowed { 200 } else { 403 }), "{method} {path}");
            if reader.status == 403 && method != "HEAD" {
                assert_eq!(reader.codigo().1, "nao_autorizado");
                let mensagem = reader.json["mensagem"].as_str().expect("a sentence");
                assert!(mensagem.contains("papel operador"), "{mensagem}");
            }
        }
    }
    assert_eq!(call(&router, "GET", "/open", &[b"nonsense"]).await.status, 200);
    assert_eq!(call(&router, "GET", "/nope", &[]).await.status, 404);
}

#[tokio::test]
async fn a_removed_token_is_refused_at_once_and_a_new_one_passes() {
    let tokens = Arc::new(tokens());
    let router = router(Access::Tokens(Arc::clone(&tokens)));
    let status =
        async |token: &str| call(&router, "GET", "/closed", &[&bearer(token)]).await.status;
    assert_eq!(status(OPERADOR).await, 200);
    tokens.remove("ana");
    assert_eq!(status(OPERADOR).await, 401);
    tokens.put(Token::new("bia".to_owned(), Role::Operador, SecretHash::of("a-newer-token")));
    assert_eq!(status(LEITURA).await, 401);
    assert_eq!(status("a-newer-token").await, 200);
}

#[tokio::test]
async fn guessing_holds_up_the_address_that_guesses() {
    let router = with_tokens();
    let call = async |last: u8, token: &str| {
        let peer = SocketAddr::from(([192, 0, 2, last], 50_000));
        let request = Request::builder().uri("/closed").header(AUTHORIZATION, bearer(token));
        let request = request.extension(Endpoints { peer, local: peer });
        send(&router, request.body(Body::empty()).expect("a request")).await
    };
    assert_eq!(call(1, OPERADOR).await.status, 200);
    for _ in 0..10 {
        assert_eq!(call(1, "a-guess").await.status, 401);
    }
    for token in ["a-guess", LEITURA] {
        let answer = call(1, token).await;
        assert_eq!(answer.codigo(), (429, "requisicoes_demais"), "{token}");
        let wait: u64 = answer.header("retry-after").parse().expect("seconds");
        assert!((1..=6).contains(&wait), "{wait}");
    }
    assert_eq!(call(1, OPERADOR).await.status, 200, "it has worked from there");
    assert_eq!(call(2, LEITURA).await.status, 200, "another address");
    assert_eq!(call(2, "a-guess").await.status, 401, "another address");
}

/// The program listens on 10.0.0.7:8000.
async fn as_a_page(router: &Router, method: &str, headers: &[(&str, &str)]) -> u16 {
    let local = SocketAddr::from(([10, 0, 0, 7], 8000));
    let mut request = Request::builder().method(method).uri("/closed");
    request = request.extension(Endpoints { peer: local, local });
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(router, request.body(Body::empty()).expect("a request")).await.status
}

#[tokio::test]
async fn without_tokens_no_page_of_another_origin_drives_a_program() {
    let router = router(Access::OwnPages);
    const OWN: &str = "localhost:8000";
    let own: &[(&str, Option<&str>)] = &[
        (OWN, None),
        ("localhost", None),
        ("LocalHost:8003", None),
        ("127.0.0.1:8000", None),
        ("127.8.9.10:8000", None),
        ("[::1]:8000", None),
        ("[::ffff:127.0.0.1]:8000", None),
        ("10.0.0.7:8000", None),
        ("10.0.0.7:18000", None),
        (OWN, Some("http://localhost:8000")),
        ("localhost:8003", Some("http://localhost:8003")),
        ("localhost", Some("http://localhost")),
        ("10.0.0.7:8000", Some("http://10.0.0.7:8000")),
    ];
    let foreign: &[(&str, Option<&str>)] = &[
        ("evil.example", None),
        ("evil.example:8000", None),
        ("localhost.evil.example:8000", None),
        ("127.0.0.1.evil.example", None),
        ("127.1:8000", None),
        ("0.0.0.0:8000", None),
        ("10.0.0.8:8000", None),
        ("localhost@evil.example", None),
        ("evil.example@localhost", None),
        ("", None),
        ("[::1", None),
        ("evil.example:8000", Some("http://evil.example:8000")),
        (OWN, Some("http://evil.example")),
        (OWN, Some("http://evil.example:8000")),
        (OWN, Some("http://localhost.evil.example:8000")),
        (OWN, Some("http://localhost:5173")),
        (OWN, Some("http://localhost")),
        (OWN, Some("https://localhost:8000")),
        (OWN, Some("http://evil.example@localhost:8000")),
        (OWN, Some("http://10.0.0.8:8000")),
        (OWN, Some("null")),
        (OWN, Some("")),
        (OWN, Some("file://")),
        (OWN, Some("chrome-extension://abcdef")),
    ];
    let cases = own.iter().map(|case| (case, 200)).chain(foreign.iter().map(|case| (case, 403)));
    for ((host, origin), status) in cases {
        let mut headers = vec![(HOST.as_str(), *host)];
        headers.extend(origin.map(|origin| (ORIGIN.as_str(), origin)));
        for method in ["GET", "POST", "DELETE"] {
            let answered = as_a_page(&router, method, &headers).await;
            assert_eq!(answered, status, "{method} Host {host}, Origin {origin:?}");
        }
    }
    let twice = [("host", OWN), ("origin", "http://localhost:8000"), ("origin", "http://evil")];
    assert_eq!(as_a_page(&router, "POST", &twice).await, 403);
    assert_eq!(as_a_page(&router, "GET", &[]).await, 200, "HTTP/1.0 has no Host");
    let link = [
        ("host", OWN),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(as_a_page(&router, "GET", &link).await, 200, "a link was followed");
    assert_eq!(as_a_page(&router, "POST", &link).await, 403, "a form was sent");
    assert_eq!(as_a_page(&router, "GET", &link[..2]).await, 403, "an image of another page");
    assert_eq!(as_a_page(&router, "GET", &link[..3]).await, 403, "a frame of another page");
    for site in ["same-origin", "same-site", "none"] {
        let headers = [("host", OWN), ("sec-fetch-site", site)];
        assert_eq!(as_a_page(&router, "POST", &headers).await, 200, "{site}");
    }
    for path in ["/open", "/nope", "/docs/", "/openapi.json"] {
        let request = Request::builder().uri(path).header(HOST, "evil.example");
        let answer = send(&router, request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.codigo(), (403, "nao_autorizado"), "{path}");
    }
}

#[tokio::test]
async fn callers_have_a_name_where_it_is_known() {
    for (access, name) in [
        (Access::Everybody, ""),
        (Access::OwnPages, "aberto"),
        (Access::Tokens(Arc::new(tokens())), "ana"),
    ] {
        let answer = call(&router(access), "POST", "/closed", &[&bearer(OPERADOR)]).await;
        assert_eq!(String::from_utf8_lossy(&answer.body), name);
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_send_a_token_and_no_cookies() {
    let router = with_tokens();
    let request = Request::builder().method("OPTIONS").uri("/closed").header(ORIGIN, "https://a");
    let request = request
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let preflight = send(&router, request.body(Body::empty()).expect("a request")).await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-headers"), "authorization,content-type");
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert_eq!(preflight.header("access-control-allow-credentials"), "");
    let request = Request::builder().method("POST").uri("/closed").header(ORIGIN, "https://a");
    let answer = send(&router, request.body(Body::from("{}")).expect("a request")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[test]
fn a_request_is_one_attempt_however_often_its_token_is_asked_for() {
    let tokens = Tokens::new("Veja o manual.", TrustedProxies::default());
    let wrong = || {
        let request = Request::builder().header(AUTHORIZATION, "Bearer wrong");
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        for _ in 0..3 {
            assert!(tokens.identify(&mut parts.extensions, &parts.headers).is_none());
        }
        let mut request = Request::from_parts(parts, Body::empty());
        let refused = tokens.admit(&mut request).expect_err("no token");
        refused.into_response().status().as_u16()
    };
    let answers: Vec<u16> = (0..11).map(|_| wrong()).collect();
    assert_eq!(answers, [[401; 10].as_slice(), &[429]].concat());
}
