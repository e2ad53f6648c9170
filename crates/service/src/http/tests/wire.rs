//! HTTP as it is written, through real sockets: oddities, early answers, refusals before routing.

mod framing;
mod hosts;
mod log_lines;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::Paths;

use super::{documentation, echo};
use crate::http::connection::request_body::UNREAD_BODY_LIMIT;
use crate::http::{
    Access, CorsOrigins, HttpMetrics, OptionalLayers, Routes, build_router, listen, serve,
};

const TEST_LIMIT: Duration = Duration::from_secs(20);

/// One answer as text: its head in lower case, and its body.
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        Self { head: head.to_lowercase(), body: body.to_owned() }
    }

    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.into_iter().find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Status and `codigo`, once everything that each error has is checked.
    fn verdict(&self, shown: &str) -> (u16, String) {
        let json: Value = serde_json::from_str(&self.body).unwrap_or_default();
        if self.status() >= 400 {
            assert_eq!(json["status"], "erro", "{shown}: {}", self.body);
            assert_eq!(self.header("content-type"), Some("application/json"), "{shown}");
            let length = self.body.len().to_string();
            assert_eq!(self.header("content-length"), Some(length.as_str()), "{shown}");
            assert!(
                self.header("x-request-id").is_some() && json["request_id"].is_null(),
                "{shown}"
            );
            assert_eq!(self.header("access-control-allow-origin"), Some("*"), "{shown}");
            assert!(self.header("date").is_some(), "{shown}");
            assert!(json["mensagem"].as_str().is_some_and(|text| text.ends_with('.')), "{shown}");
        }
        (self.status(), json["codigo"].as_str().unwrap_or_default().to_owned())
    }
}

async fn started() -> (SocketAddr, impl Drop) {
    let path = async |uri: Uri| uri.path().to_owned();
    let router = Router::new()
        .route("/postos", get(path))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_millis(30)).await))
        .route("/postos/{id}", get(path))
        .route("/reservar", post(echo))
        .route("/healthz", get(async || StatusCode::NO_CONTENT));
    let router = build_router(
        Routes { public: router, protected: Router::new() },
        &documentation(Paths::new()),
        100,
        &CorsOrigins::Any,
        Access::Everybody,
        HttpMetrics::default(),
        OptionalLayers::default(),
    );
    let (listener, addr) = listen("HTTP_ADDR", ([127, 0, 0, 1], 0).into()).await.expect("a port");
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, router, stop.clone(), Duration::ZERO));
    (addr, stop.drop_guard())
}

async fn connect(addr: SocketAddr) -> TcpStream {
    TcpStream::connect(addr).await.expect("it listens")
}

/// What is answered until the connection is closed, or nothing comes for a moment.
async fn read_all(connection: &mut TcpStream) -> (Answer, bool) {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    let closed = loop {
        let limit = if bytes.is_empty() { TEST_LIMIT } else { Duration::from_millis(300) };
        match tokio::time::timeout(limit, connection.read(&mut piece)).await {
            Ok(read) => match read.expect("no reset") {
                0 => break true,
                length => bytes.extend_from_slice(&piece[..length]),
            },
            Err(_) => break false,
        }
    };
    (Answer::parse(&String::from_utf8_lossy(&bytes)), closed)
}

/// The answer to `request`, and whether the connection was closed after it.
async fn send(addr: SocketAddr, request: &[u8]) -> (Answer, bool) {
    let mut connection = connect(addr).await;
    connection.write_all(request).await.expect("it is sent");
    read_all(&mut connection).await
}

#[tokio::test]
async fn what_is_no_http_is_answered_in_the_one_error_shape() {
    let (addr, _stop) = started().await;
    let many = |count: usize| -> String {
        let headers: String = (0..count).map(|number| format!("X-{number}: x\r\n")).collect();
        format!("GET /postos HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
    };
    let long_line = format!("GET /postos?q={} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(70_000));
    let long_header = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "x".repeat(40_000));
    let cases = [
        ("GET /postos HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (&many(90), 200),
        (&many(120), 431),
        (&long_line, 431),
        (&long_header, 431),
        ("hello\r\n\r\n", 400),
        ("\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n", 400),
        ("FROB /postos HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        ("G(T /postos HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /postos HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        ("GET /postos HTTP/1.7\r\nHost: x\r\n\r\n", 400),
        ("GET /postos HTXP/1.1\r\nHost: x\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ("GET /pos tos HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /pos\0tos HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET postos HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /postos HTTP/1.1\r\n\r\n", 400),
        ("GET /postos HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        ("GET /postos HTTP/1.0\r\n\r\n", 200),
        ("GET /postos HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        ("GET /postos HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400),
        ("GET /postos HTTP/1.1\r\nHost: x\r\nA b: y\r\n\r\n", 400),
        ("GET /postos HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n", 400),
        ("POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
        (
            "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
        ),
        ("POST /reservar HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        ("POST /reservar HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ];
    for (request, status) in cases {
        let shown = request[..request.len().min(80)].escape_debug().to_string();
        let (answer, closed) = send(addr, request.as_bytes()).await;
        let (answered, codigo) = answer.verdict(&shown);
        assert_eq!(answered, status, "{shown}");
        match status {
            400 => assert_eq!(codigo, "requisicao_malformada", "{shown}"),
            431 => assert_eq!(codigo, "cabecalho_grande_demais", "{shown}"),
            _ => continue,
        }
        assert_eq!(answer.header("connection"), Some("close"), "{shown}");
        assert_eq!(answer.header("allow"), None, "{shown}");
        assert!(closed, "{shown}");
    }
    let (mut connection, second) = (connect(addr).await, "GET /postos HTTP/1.1\r\nHost: x\r\n\r\n");
    connection.write_all(format!("{second}nonsense\r\n\r\n").as_bytes()).await.expect("it is sent");
    let (answer, closed) = read_all(&mut connection).await;
    assert!(answer.status() == 200 && closed);
    assert!(answer.body.contains("requisicao_malformada"), "after another: {}", answer.body);
}

#[tokio::test]
async fn a_path_has_one_spelling() {
    let (addr, _stop) = started().await;
    for (path, seen) in [
        ("/postos", Some("/postos")),
        ("/postos/", Some("/postos")),
        ("//postos", Some("/postos")),
        ("///postos///", Some("/postos")),
        ("//postos?a=//b/", Some("/postos")),
        ("/postos//7/", Some("/postos/7")),
        ("http://x/postos", Some("/postos")),
        ("http://x//postos/", Some("/postos")),
        ("/%70ostos", None),
        ("/postos%2F", None),
        ("/%2fpostos", None),
        ("/%2e/postos", None),
        ("/./postos", None),
        ("/postos/../postos", None),
        ("/postos/a%2Fb", Some("/postos/a%2fb")),
        ("/postos/%2e%2e", Some("/postos/%2e%2e")),
        ("/", None),
        ("//", None),
        ("/docs/", Some("")),
        ("//docs//", Some("")),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let (answer, _) = send(addr, request.as_bytes()).await;
        let verdict = answer.verdict(path);
        match seen {
            None => assert_eq!(verdict, (404, "rota_inexistente".to_owned()), "{path}"),
            Some("") => assert_eq!(answer.status(), 200, "{path}"),
            Some(seen) => assert_eq!(answer.body.to_lowercase(), seen, "{path}"),
        }
    }
    let request = "POST /reservar/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                   Content-Length: 2\r\n\r\n{}";
    assert_eq!(send(addr, request.as_bytes()).await.0.body, "{}", "not a redirect");
}

#[tokio::test]
async fn other_versions_and_methods_are_served() {
    let (addr, _stop) = started().await;
    let (answer, closed) = send(addr, b"GET /postos HTTP/1.0\r\n\r\n").await;
    assert!(answer.status() == 200 && closed, "{}", answer.head);
    let keep = b"GET /postos HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let (answer, closed) = send(addr, keep).await;
    assert_eq!((answer.header("connection"), closed), (Some("keep-alive"), false));
    for (path, status, length) in [
        ("/postos", 200, "7"),
        ("/nope", 404, ""),
        ("/openapi.json", 200, ""),
        ("/healthz", 204, ""),
    ] {
        let head = send(addr, format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
        let get = send(addr, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
        assert_eq!((head.0.status(), head.0.body.as_str()), (status, ""), "{path}");
        for name in ["content-length", "content-type", "vary", "access-control-allow-origin"] {
            assert_eq!(head.0.header(name), get.0.header(name), "{path} {name}");
        }
        assert_eq!(head.0.header("content-length").is_some(), status != 204, "{path}");
        assert!(length.is_empty() || head.0.header("content-length") == Some(length), "{path}");
    }
    let (answer, _) = send(addr, b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(answer.status(), 200);
    let (answer, _) = send(addr, b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n").await;
    assert!(answer.status() >= 404, "{}", answer.head);
    answer.verdict("CONNECT");
}

/// The beginning of a request whose body will be `length` bytes.
fn head(path: &str, extra: &str, length: Option<usize>) -> String {
    let framing = match length {
        Some(length) => format!("Content-Length: {length}"),
        None => "Transfer-Encoding: chunked".to_owned(),
    };
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{extra}{framing}\r\n\r\n")
}

const REFUSALS: [(&str, &str, u16); 6] = [
    ("/reservar", "Content-Type: application/json\r\n", 413),
    ("/reservar", "Content-Type: text/plain\r\n", 415),
    ("/reservar", "Content-Type: application/json\r\nContent-Encoding: br\r\n", 415),
    ("/nope", "Content-Type: application/json\r\n", 404),
    ("/postos", "Content-Type: application/json\r\n", 405),
    ("/reservar", "Content-Type: application/json\r\nHost: y\r\n", 400),
];

#[tokio::test]
async fn who_is_still_writing_when_the_answer_is_there_can_read_it() {
    const LONG: usize = 5 << 20;
    let (addr, _stop) = started().await;
    let piece = [b' '; 0x10000];
    for (path, extra, status) in REFUSALS {
        for length in [Some(LONG), None] {
            let mut connection = connect(addr).await;
            connection.write_all(head(path, extra, length).as_bytes()).await.expect("it is sent");
            for _ in 0..LONG / piece.len() {
                if length.is_none() {
                    connection.write_all(b"10000\r\n").await.expect("it is read");
                }
                connection.write_all(&piece).await.expect("it is read");
                if length.is_none() {
                    connection.write_all(b"\r\n").await.expect("it is read");
                }
            }
            if length.is_none() {
                connection.write_all(b"0\r\n\r\n").await.expect("it is read");
            }
            let (answer, closed) = read_all(&mut connection).await;
            assert_eq!(answer.verdict(path).0, status, "{path} {length:?}");
            assert_eq!(answer.header("connection"), Some("close"), "{path} {length:?}");
            assert!(closed, "{path} {length:?}");
        }
    }
}

/// Refuses two short bodies on one connection, which stays open. `false`: this machine was so busy
/// that a body came later than a server waits for.
async fn refuses_on_one_connection(
    addr: SocketAddr,
    (path, extra, status): &(&str, &str, u16),
    late: bool,
) -> bool {
    let mut connection = connect(addr).await;
    for _ in 0..2 {
        let begun = Instant::now();
        connection.write_all(head(path, extra, Some(5)).as_bytes()).await.expect("it is sent");
        if late {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        connection.write_all(b"hello").await.expect("it is sent");
        if begun.elapsed() > UNREAD_BODY_LIMIT / 2 {
            return false;
        }
        let (answer, closed) = read_all(&mut connection).await;
        assert_eq!((answer.verdict(path).0, closed), (*status, false), "{path} {late}");
    }
    true
}

#[tokio::test]
async fn a_short_body_that_nobody_reads_costs_no_connection() {
    let (addr, _stop) = started().await;
    for refusal in &REFUSALS[1..5] {
        for late in [false, true] {
            let mut tries = 1;
            while !refuses_on_one_connection(addr, refusal, late).await {
                assert!(tries < 100, "this machine is too busy to tell");
                tries += 1;
            }
        }
    }
}

#[tokio::test]
async fn a_body_is_refused_without_asking_for_it() {
    let (addr, _stop) = started().await;
    for (path, extra, status) in REFUSALS {
        for length in [Some(5 << 20), None] {
            if (status, length) == (413, None) {
                continue;
            }
            let extra = format!("{extra}Expect: 100-continue\r\n");
            let (answer, closed) = send(addr, head(path, &extra, length).as_bytes()).await;
            assert_eq!(answer.verdict(path).0, status, "{path}: {}", answer.head);
            assert!(closed, "{path}");
        }
    }
    let extra = "Content-Type: application/json\r\nExpect: 100-continue\r\n";
    let mut connection = connect(addr).await;
    connection.write_all(head("/reservar", extra, Some(2)).as_bytes()).await.expect("it is sent");
    assert_eq!(read_all(&mut connection).await.0.head, "http/1.1 100 continue");
    connection.write_all(b"{}").await.expect("it is sent");
    assert_eq!(read_all(&mut connection).await.0.body, "{}");
}

#[tokio::test]
async fn a_caller_that_sends_for_ever_is_closed() {
    let (addr, _stop) = started().await;
    let mut connection = connect(addr).await;
    let extra = "Content-Type: application/json\r\n";
    connection.write_all(head("/reservar", extra, Some(1 << 40)).as_bytes()).await.expect("sent");
    let (started, piece, mut sent) = (Instant::now(), vec![b' '; 1 << 20], 0);
    while connection.write_all(&piece).await.is_ok() {
        sent += piece.len();
        assert!(started.elapsed() < TEST_LIMIT * 3 && sent < 256 << 20, "{sent} bytes are read");
    }
}
