//! Pages of an attacker in a real Chromium.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::harness::Program;

/// A browser starts slowly on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The attacker's address; the program under attack listens on another of the loopback network.
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 66, 6, 6);
/// The attacker's name, as Chromium resolves it by its options.
pub(crate) const NAME: &str = "evil.example";

struct Site {
    page: String,
    reports: mpsc::UnboundedSender<Value>,
    /// Where the name leads to once the page is loaded.
    rebound_to: Option<SocketAddr>,
}

/// Opens a page of another origin than the program's, and returns what it reports.
pub(crate) async fn visit(page: String) -> Value {
    visit_at(0, page, None).await
}

/// Opens a page by a name that leads to the program from the moment at which the page is loaded.
/// The attacker's server passes on what comes then; it has the bytes of a request to the program.
pub(crate) async fn visit_rebound(program: &Program, page: String) -> Value {
    let addr = super::address(program);
    visit_at(addr.port(), page, Some(addr)).await
}

async fn visit_at(port: u16, page: String, rebound_to: Option<SocketAddr>) -> Value {
    let (reports, mut reported) = mpsc::unbounded_channel();
    let listener = TcpListener::bind((ATTACKER, port)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let site = Arc::new(Site { page, reports, rebound_to });
    let router = Router::new().fallback(serve).with_state(site);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let profile = tempfile::tempdir().expect("a folder");
    let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let mut browser = tokio::process::Command::new(program);
    browser.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--remote-debugging-port=0",
    ]);
    browser.arg(format!("--user-data-dir={}", profile.path().display()));
    browser.arg(format!("--host-resolver-rules=MAP {NAME} {ATTACKER}"));
    browser.arg(format!("http://{NAME}:{port}/"));
    browser.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let mut browser = browser.spawn().expect("chromium is installed");
    let report = tokio::time::timeout(PATIENCE, reported.recv()).await;
    browser.kill().await.expect("it was running");
    serving.abort();
    report.expect("the page reports in time").expect("a report")
}

async fn serve(State(site): State<Arc<Site>>, request: Request) -> Response {
    match (request.uri().path(), site.rebound_to) {
        ("/", _) => Html(site.page.clone()).into_response(),
        ("/report", _) => {
            let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.expect("a report");
            let report = serde_json::from_slice(&body).expect("JSON");
            site.reports.send(report).expect("it is waited for");
            "{}".into_response()
        }
        (_, Some(program)) => pass_on(program, request).await,
        _ => axum::http::StatusCode::NOT_FOUND.into_response(),
    }
}

/// The request with all of its headers, `Host` and `Origin` among them.
async fn pass_on(program: SocketAddr, request: Request) -> Response {
    let url = format!("http://{program}{}", request.uri());
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let passed = reqwest::Client::new().request(parts.method, url).headers(parts.headers);
    let answer = passed.body(body).send().await.expect("an answer");
    let mut response = Response::builder().status(answer.status().as_u16());
    for name in [CONTENT_TYPE, CONTENT_ENCODING] {
        if let Some(value) = answer.headers().get(&name) {
            response = response.header(name, value.as_bytes());
        }
    }
    let body = answer.bytes().await.expect("a body");
    response.body(Body::from(body)).expect("an answer")
}
