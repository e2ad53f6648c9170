//! What passes a reverse proxy: a request inside another one, and an address that a caller chooses.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::nginx::{GATEWAY, Nginx};
use super::{address, gateway, request, servidor, status_of};
use crate::attack::{Guard, Tries};
use crate::harness::{TEST_TIMEOUT, World, eventually};

/// Long enough for an answer, of a connection that may stay open.
const QUIET: Duration = Duration::from_millis(300);
/// So few that a slow machine makes twice as many before more than one is allowed again.
const LIMIT: u32 = 3;
/// Wrong tokens: three times as many as the admin API looks at in a minute.
const GUESSES: u32 = 30;
const UNCHANGED: (&str, &str) = ("", "");

/// What is answered to these bytes until the connection is closed, or quiet for so long.
async fn send(addr: SocketAddr, bytes: &str, patience: Duration) -> String {
    let mut connection = TcpStream::connect(addr).await.expect("it listens");
    let _ = connection.write_all(bytes.as_bytes()).await;
    let (mut answer, mut part) = (Vec::new(), [0; 16 * 1024]);
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(patience, connection.read(&mut part)).await
    {
        answer.extend_from_slice(&part[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request that the front must not pass on unseen.
fn hidden(name: &str) -> String {
    format!(
        "GET /servidores HTTP/1.1\r\nHost: {GATEWAY}\r\nX-Forwarded-For: 203.0.113.66\r\n\
         X-Request-Id: {name}\r\n\r\n"
    )
}

/// A request whose path has the end of a head, a whole request, and the beginning of a third one.
fn in_the_path(name: &str) -> String {
    let path = format!(
        "/status HTTP/1.1\r\nHost: {GATEWAY}\r\nX-Request-Id: first\r\n\r\n{}GET /status",
        hidden(name)
    );
    let encoded = path.replace('\r', "%0d").replace('\n', "%0a").replace(' ', "%20");
    request("GET", &encoded, "").replace("localhost", GATEWAY)
}

/// Requests in which two programs may see other lengths. Each has more than one guard: nginx writes
/// requests anew, the program refuses these, and closes the connection after them.
fn ambiguous(name: &str) -> Vec<String> {
    let (inner, body) = (hidden(name), format!("0\r\n\r\n{}", hidden(name)));
    let post = |framing: &str, body: &str| {
        format!(
            "POST /nope HTTP/1.1\r\nHost: {GATEWAY}\r\nContent-Type: application/json\r\n\
             {framing}\r\n{body}"
        )
    };
    let length = format!("Content-Length: {}\r\n", body.len());
    let codings = [
        "Transfer-Encoding: chunked\r\n",
        "tRANSFER-eNCODING:\tchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer_Encoding: chunked\r\n",
        "Transfer-Encoding:\u{b}chunked\r\n",
    ];
    let mut found = Vec::new();
    for coding in codings {
        found.push(post(&format!("{length}{coding}"), &body));
        found.push(post(&format!("{coding}{length}"), &body));
    }
    let all = inner.len();
    for lengths in [
        format!("Content-Length: {all}\r\nContent-Length: 0\r\n"),
        format!("Content-Length: 0\r\nContent-Length: {all}\r\n"),
        format!("Content-Length: {all}, 0\r\n"),
        format!("Content-Length: +{all}\r\n"),
        format!("Content-Length: 0x{all:x}\r\n"),
        format!("Content-Length:\r\n {all}\r\n"),
    ] {
        found.push(post(&lengths, &inner));
    }
    for chunks in ["0;\n\r\n", "0\n\n", "0x0\r\n\r\n", "-0\r\n\r\n", "10000000000000000\r\n\r\n"] {
        found.push(post("Transfer-Encoding: chunked\r\n", &format!("{chunks}{inner}")));
    }
    found
}

/// Hides a request in the path or the body of another, from a front that decides what may pass.
pub(crate) async fn smuggled_through_the_proxy(guard: Guard) -> Tries {
    let (world, mut tries) = (World::new().await, Tries::default());
    let gateway = gateway(&world, guard, "", &[("PROXIES_CONFIAVEIS", "127.0.0.1")]).await;
    let line = if guard.is_removed() {
        ("proxy_pass http://postos_gateway;", "proxy_pass http://postos_gateway$uri;")
    } else {
        UNCHANGED
    };
    let nginx = Nginx::start(world.folder(), &gateway, line).await;
    let status = request("GET", "/status", "").replace("localhost", GATEWAY);
    let seen = send(nginx.addr, &status, TEST_TIMEOUT).await;
    assert_eq!(status_of(&seen), 200, "{seen}");
    send(nginx.addr, &in_the_path("in-path"), QUIET).await;
    let is_it = |line: &serde_json::Value| line["x_request_id"] == "in-path";
    let answered = guard.sees(async || gateway.log_lines().iter().any(is_it)).await;
    tries.record("a line break in the path, through nginx", answered);
    for (at, bytes) in ambiguous("NAME").into_iter().enumerate() {
        send(nginx.addr, &bytes.replace("NAME", &format!("via-{at:03}")), QUIET).await;
        send(address(&gateway), &bytes.replace("NAME", &format!("own-{at:03}")), QUIET).await;
    }
    tokio::time::sleep(QUIET).await;
    // What nginx has seen as a request of its own is none that is hidden. It logs a request when that ends.
    let has_no_hidden = || {
        let lines = gateway.log_lines();
        let mut names = lines.iter().filter_map(|line| line["x_request_id"].as_str());
        !names.any(|name| {
            let is_ours = name.starts_with("via-") || name.starts_with("own-");
            is_ours && !nginx.has_seen(name)
        })
    };
    eventually("nginx has logged all that it passed on", async || has_no_hidden()).await;
    tries
}

/// How many of these requests, each with another forged address, are answered and not refused.
async fn allowed(addr: SocketAddr, header: &str) -> u32 {
    let mut allowed = 0;
    for number in 0..2 * LIMIT {
        let bytes = format!(
            "GET /status HTTP/1.1\r\nHost: {GATEWAY}\r\n{header}: 203.0.113.{number}\r\n\
             Connection: close\r\n\r\n"
        );
        allowed += u32::from(status_of(&send(addr, &bytes, TEST_TIMEOUT).await) == 200);
    }
    allowed
}

/// Names another address in each request, so that no limit is ever reached.
pub(crate) async fn forwarded_address_escapes_the_limit(guard: Guard) -> Tries {
    let (world, mut tries) = (World::new().await, Tries::default());
    let limit = LIMIT.to_string();
    let limit = ("LIMITE_POR_MINUTO", limit.as_str());
    let everyone = [limit, ("PROXIES_CONFIAVEIS", "0.0.0.0/0")];
    let set = if guard.is_removed() { everyone.as_slice() } else { &[limit] };
    let direct = gateway(&world, guard, "", set).await;
    let passed = allowed(address(&direct), "X-Forwarded-For").await;
    tries.record("at a gateway without a proxy", passed > LIMIT + 1);
    for header in ["Forwarded", "X-Real-IP", "X_Forwarded_For", "X-Client-IP", "True-Client-IP"] {
        assert!(allowed(address(&direct), header).await <= LIMIT + 1, "{header} says nothing");
    }
    drop(direct);
    let behind = gateway(&world, guard, "", &[limit, ("PROXIES_CONFIAVEIS", "127.0.0.1")]).await;
    let line = if guard.is_removed() {
        ("X-Forwarded-For $remote_addr", "X-Forwarded-For $http_x_forwarded_for")
    } else {
        UNCHANGED
    };
    let nginx = Nginx::start(world.folder(), &behind, line).await;
    let passed = allowed(nginx.addr, "X-Forwarded-For").await;
    tries.record("through nginx", passed > LIMIT + 1);
    let set = if guard.is_removed() { &everyone[1..] } else { &[] };
    let servidor = servidor(&world, guard, "", set).await;
    let mut refused = false;
    for number in 0..GUESSES {
        let bytes = format!(
            "GET /reservas HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.{number}\r\n\
             Authorization: Bearer guess{number}\r\nConnection: close\r\n\r\n"
        );
        refused |= status_of(&send(address(&servidor), &bytes, TEST_TIMEOUT).await) == 429;
    }
    tries.record("guesses at the admin API", !refused);
    tries
}
