//! The headers that keep browsers safe, on every answer of both programs: every route, every kind
//! of error, and what never reaches a route.

use std::collections::HashMap;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Program, TEST_TIMEOUT, World};

/// On every answer.
const ALWAYS: [(&str, &str); 2] =
    [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY")];
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// Files of /docs, besides its page.
const FILES: [&str; 4] = [
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
    "/docs/swagger-initializer.js",
    "/docs/favicon-32x32.png",
];

struct Answer {
    status: u16,
    headers: HashMap<String, Vec<String>>,
}

impl Answer {
    /// The value of a header that must come once.
    fn once(&self, name: &str, shown: &str) -> &str {
        match self.headers.get(name).map(Vec::as_slice) {
            Some([value]) => value,
            other => panic!("{shown}: {name} is {other:?}"),
        }
    }
}

/// The first answer to these bytes.
async fn send(program: &Program, request: &str) -> Answer {
    let addr = program.url("");
    let addr = addr.strip_prefix("http://").expect("an address");
    let mut connection = TcpStream::connect(addr).await.expect("it listens");
    connection.write_all(request.as_bytes()).await.expect("it is sent");
    let (mut bytes, mut piece) = (Vec::new(), [0; 16 * 1024]);
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = tokio::time::timeout(TEST_TIMEOUT, connection.read(&mut piece)).await;
        let length = read.expect("an answer in time").expect("no reset");
        assert_ne!(length, 0, "no answer to {request:.60}");
        bytes.extend_from_slice(&piece[..length]);
    }
    let text = String::from_utf8_lossy(&bytes);
    let (head, _) = text.split_once("\r\n\r\n").expect("a head");
    let mut headers: HashMap<String, Vec<String>> = HashMap::new();
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
        headers.entry(name.to_lowercase()).or_default().push(value.to_owned());
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer { status: status.expect("a status"), headers }
}

fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// A request for a page that is shown.
fn shown(method: &str, path: &str) -> String {
    request(method, path).replace("Connection", "Accept: text/html\r\nConnection")
}

/// Every operation of a program, with some value for each part of a path.
async fn operations(program: &Program) -> Vec<(String, String)> {
    let document = program.get("/openapi.json").await.json;
    let paths = document["paths"].as_object().expect("paths").clone();
    let value = |path: &str| {
        let path = path.replace("{placa}", "ABC1234").replace("{request_id}", "x");
        path.split('/')
            .map(|part| if part.starts_with('{') { "1" } else { part })
            .collect::<Vec<_>>()
            .join("/")
    };
    let of = |(path, item): (String, Value)| {
        let methods = item.as_object().expect("operations").keys().cloned().collect::<Vec<_>>();
        methods.into_iter().map(move |method| (method.to_uppercase(), value(&path)))
    };
    paths.into_iter().flat_map(of).collect()
}

async fn check(program: &Program, request: &str, statuses: &[u16]) {
    let shown = &request[..request.len().min(70)];
    let answer = send(program, request).await;
    assert!(statuses.is_empty() || statuses.contains(&answer.status), "{shown}: {}", answer.status);
    for (name, value) in ALWAYS {
        assert_eq!(answer.once(name, shown), value, "{shown}");
    }
    let kind = answer.headers.get("content-type").map(|types| types[0].as_str());
    let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"));
    let policy = answer.once("content-security-policy", shown);
    // Not of /docs, whose page has no forms and asks for no position.
    let is_own = is_page && !shown.contains(" /docs/");
    let referrer = if is_own { "same-origin" } else { "no-referrer" };
    assert_eq!(answer.once("referrer-policy", shown), referrer, "{shown}");
    if is_page {
        assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"), "{shown}: {policy}");
        assert_eq!(answer.once("cross-origin-opener-policy", shown), "same-origin");
        let position = if is_own { "geolocation=(self)" } else { "geolocation=()" };
        assert!(answer.once("permissions-policy", shown).contains(position), "{shown}");
    } else {
        assert_eq!(policy, DATA_POLICY, "{shown}");
    }
    let revalidated = answer.headers.contains_key("etag")
        || shown.contains(" /docs/") && answer.status == 200
        || shown.contains("api.json ")
        || is_own && answer.status == 200 && !shown.contains("/reserva?")
        || kind.is_some_and(|kind| kind == "text/event-stream");
    let cached = if revalidated { "no-cache" } else { "no-store" };
    assert_eq!(answer.once("cache-control", shown), cached, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_both_programs_has_them() {
    let mut world = World::new().await;
    let (server, client) = world.pair().await;
    let many = "X-Name: value\r\n".repeat(120);
    let long = "x".repeat(70_000);
    for program in [&server, &client] {
        let mut checked = 0;
        for (method, path) in operations(program).await {
            for method in [method.as_str(), "HEAD", "OPTIONS", "TRACE", "PURGE"] {
                check(program, &request(method, &path), &[]).await;
                checked += 1;
            }
        }
        assert!(checked > 30, "{checked}");
        for path in FILES {
            check(program, &request("GET", path), &[200]).await;
        }
        let preflight = "OPTIONS /postos HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example.com\r\n\
                         Access-Control-Request-Method: POST\r\n\r\n";
        let json = "Host: x\r\nContent-Type: application/json\r\n";
        for (text, status) in [
            (request("GET", "/docs"), 303),
            (request("GET", "/docs/"), 200),
            (request("GET", "/docs/nope"), 404),
            (request("GET", "/openapi.json"), 200),
            (request("GET", "/asyncapi.json"), 200),
            (request("GET", "/nope"), 404),
            (request("DELETE", "/status"), 405),
            (preflight.to_owned(), 200),
            ("hello\r\n\r\n".to_owned(), 400),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
            (format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431),
            (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), 431),
            (format!("POST /postos/importar HTTP/1.1\r\n{json}Transfer-Encoding: x\r\n\r\n"), 400),
        ] {
            check(program, &text, &[status]).await;
        }
    }
    let json = "Host: x\r\nContent-Type: application/json\r\n";
    for (text, status) in [
        (format!("POST /reservar HTTP/1.1\r\n{json}Content-Length: 2\r\n\r\n{{}}"), 422),
        (format!("POST /reservar HTTP/1.1\r\n{json}Content-Length: 99999\r\n\r\n"), 413),
        ("POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}".to_owned(), 415),
        (request("GET", "/postos?server_id=server1"), 200),
        (request("GET", "/postos?server_id=server7"), 503),
        (request("GET", "/posto?server_id=server1&posto_id=5"), 200),
        (request("GET", "/posto?server_id=server1&posto_id=99"), 404),
        (shown("GET", "/posto?server_id=server1&posto_id=99"), 404),
        (shown("GET", "/reserva?server_id=server1&request_id=x"), 404),
        (shown("DELETE", "/reserva"), 405),
        (request("GET", "/offline"), 200),
    ] {
        check(&client, &text, &[status]).await;
    }
    world.broker.kill().await;
    crate::harness::eventually("the broker is missed", async || {
        client.get("/readyz").await.status == 503
    })
    .await;
    check(&client, &request("GET", "/postos?server_id=server1"), &[503]).await;
    check(&client, &request("GET", "/readyz"), &[503]).await;
}
