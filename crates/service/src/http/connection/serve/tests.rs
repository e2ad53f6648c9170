use axum::routing::get;
use futures_util::StreamExt as _;
use socket2::SockFilter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

async fn started(router: Router, grace: Duration) -> (SocketAddr, CancellationToken) {
    let (addr, stop, _) = counted(router, grace).await;
    (addr, stop)
}

async fn counted(
    router: Router,
    grace: Duration,
) -> (SocketAddr, CancellationToken, Arc<Connections>) {
    let (listener, addr) = listen("HTTP_ADDR", ([127, 0, 0, 1], 0).into()).await.expect("a port");
    let (stop, connections) = (CancellationToken::new(), Connections::new(100));
    let limits = Limits { head: SHORT, progress: SHORT, grace };
    tokio::spawn(serve_with(listener, router, stop.clone(), Arc::clone(&connections), limits));
    (addr, stop, connections)
}

async fn until_all_are_closed(connections: &Connections) {
    let closed = async {
        while connections.sockets() > 0 {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    tokio::time::timeout(LONG, closed).await.expect("they are closed");
}

/// All that is answered until the connection is closed.
async fn send(addr: SocketAddr, text: &str) -> String {
    let mut connection = TcpStream::connect(addr).await.expect("it listens");
    connection.write_all(text.as_bytes()).await.expect("it is sent");
    let mut answer = String::new();
    let read = connection.read_to_string(&mut answer);
    tokio::time::timeout(LONG, read).await.expect("it is closed").expect("a text");
    answer
}

#[tokio::test]
async fn a_burst_of_connections_waits_to_be_accepted() {
    let (_listener, addr) = listen("HTTP_ADDR", ([127, 0, 0, 1], 0).into()).await.expect("a port");
    let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
    let count = limit.trim().parse().unwrap_or(128).min(300);
    let connecting = (0..count).map(|_| TcpStream::connect(addr));
    let connected = tokio::time::timeout(LONG, futures_util::future::join_all(connecting)).await;
    let connected = connected.expect("the kernel refused none, though none was accepted");
    assert!(connected.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_connection_without_a_whole_request_is_closed() {
    let router = Router::new().route("/", get(async || "ok"));
    let (addr, _stop) = started(router, LONG).await;
    assert_eq!(send(addr, "").await, "");
    assert_eq!(send(addr, "GET / HTTP/1.1\r\nHost: x\r\n").await, "");
    let answer = send(addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.ends_with("ok"), "not answered, or not closed afterwards: {answer}");
}

/// A proxy that keeps one for longer may send a request while it is closed here.
#[test]
fn idle_connections_outlive_those_of_usual_proxies() {
    for (proxy, seconds) in [("nginx", 60), ("Traefik", 90), ("Go", 90), ("Caddy", 120)] {
        assert!(HEAD_LIMIT >= Duration::from_secs(seconds + 5), "{proxy}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_is_not_waited_for() {
    let (listener, addr) = listen("HTTP_ADDR", ([127, 0, 0, 1], 0).into()).await.expect("a port");
    let (stop, connections) = (CancellationToken::new(), Connections::new(100));
    let limits = Limits { head: LONG * 2, progress: LONG, grace: SHORT };
    let router = Router::new().route("/", get(async || "ok"));
    tokio::spawn(serve_with(listener, router, stop.clone(), connections, limits));
    let cookie = |length| format!("GET / HTTP/1.1\r\nHost: x\r\nCookie: {}", "x".repeat(length));
    let long = format!("{}\r\nConnection: close\r\n\r\n", cookie(30_000));
    assert!(send(addr, &long).await.ends_with("ok"), "a long head is answered");
    let mut connection = TcpStream::connect(addr).await.expect("it listens");
    connection.write_all(cookie(MAX_HEAD).as_bytes()).await.expect("it is sent");
    let ended = tokio::time::timeout(LONG, connection.read_to_end(&mut Vec::new())).await;
    let _answer_or_reset = ended.expect("it is closed");
}

#[tokio::test]
async fn a_stop_lets_requests_in_flight_finish_and_accepts_no_more() {
    let slow = async || {
        tokio::time::sleep(SHORT * 2).await;
        "slow"
    };
    let (addr, stop) = started(Router::new().route("/", get(slow)), LONG).await;
    let asked = tokio::spawn(send(addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    tokio::time::sleep(SHORT).await;
    stop.cancel();
    assert!(asked.await.expect("an answer").ends_with("slow"));
    assert!(TcpStream::connect(addr).await.is_err(), "it still listens");
}

#[tokio::test]
async fn a_body_that_nobody_reads_keeps_no_connection() {
    let (addr, _stop, connections) = counted(Router::new(), LONG).await;
    for method in ["GET", "POST", "DELETE"] {
        for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
            let request = format!("{method} / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n");
            let answer = send(addr, &request);
            assert!(answer.await.starts_with("HTTP/1.1 404 "), "{method} {framing}");
        }
    }
    until_all_are_closed(&connections).await;
}

#[tokio::test]
async fn a_reader_that_makes_no_progress_is_cut_off() {
    let large = || async { vec![b'x'; 64 << 20] };
    let (addr, _stop, connections) = counted(Router::new().route("/", get(large)), LONG).await;
    let mut reader = TcpStream::connect(addr).await.expect("it listens");
    reader.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it is sent");
    assert_eq!(reader.read_u8().await.expect("an answer"), b'H');
    until_all_are_closed(&connections).await;
}

/// An answer without end: events, or a text.
fn endless(kind: &'static str, part: &'static [u8], pause: Duration) -> Router {
    let stream = move || async move {
        let parts = futures_util::stream::repeat(part).then(move |part| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, Infallible>(part)
        });
        ([("content-type", kind)], Body::from_stream(parts))
    };
    Router::new().route("/", get(stream))
}

async fn reader(addr: SocketAddr) -> TcpStream {
    let mut reader = TcpStream::connect(addr).await.expect("it listens");
    reader.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it is sent");
    assert_eq!(reader.read_u8().await.expect("an answer"), b'H');
    reader
}

/// Nothing is written that would show it.
#[tokio::test]
async fn a_stream_of_events_ends_when_its_reader_leaves() {
    let events = endless("text/event-stream", b": ping\n\n", LONG * 10);
    let (addr, _stop, connections) = counted(events, LONG).await;
    let (left, mut half_closed, stays) =
        (reader(addr).await, reader(addr).await, reader(addr).await);
    drop(left);
    half_closed.shutdown().await.expect("it is open");
    let ended = async {
        while connections.sockets() > 1 {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    tokio::time::timeout(LONG, ended).await.expect("they are closed");
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(connections.sockets(), 1, "the third is open, long after the time for a head");
    drop(stays);
    until_all_are_closed(&connections).await;
}

/// As when a phone leaves its network: what is written is never acknowledged, and nothing is refused.
#[tokio::test]
async fn a_stream_of_events_ends_when_its_reader_has_vanished() {
    const RETURN: u16 = 0x06;
    const NO_BYTES: u32 = 0;
    let events = endless("text/event-stream", b": ping\n\n", SHORT / 10);
    let (addr, _stop, connections) = counted(events, LONG).await;
    let reader = reader(addr).await;
    let drop_all = [SockFilter::new(RETURN, 0, 0, NO_BYTES)];
    SockRef::from(&reader).attach_filter(&drop_all).expect("a filter");
    until_all_are_closed(&connections).await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_cut_off() {
    let events = endless("text/event-stream", &[b'x'; 64 << 10], Duration::ZERO);
    let (addr, _stop, connections) = counted(events, LONG).await;
    let _reader = reader(addr).await;
    until_all_are_closed(&connections).await;
}

#[tokio::test]
async fn another_answer_reaches_a_caller_that_has_ended_its_half() {
    let text = endless("text/plain", b"text", SHORT);
    let (addr, _stop, _) = counted(text, LONG).await;
    let mut reader = reader(addr).await;
    reader.shutdown().await.expect("it is open");
    let mut bytes = Vec::new();
    while bytes.windows(4).filter(|part| part == b"text").count() < 4 {
        let read = tokio::time::timeout(LONG, reader.read_buf(&mut bytes)).await;
        assert_ne!(read.expect("more in time").expect("it is open"), 0);
    }
}

/// What a request holds must be dropped when the listener has ended: a database closes only then.
#[tokio::test]
async fn a_stop_leaves_nothing_that_works_for_a_request() {
    let held = Arc::new(());
    let seen = Arc::downgrade(&held);
    let waits = async |_: axum::Extension<Arc<()>>| std::future::pending::<()>().await;
    let large = async |_: axum::Extension<Arc<()>>, _: String| vec![b'x'; 64 << 20];
    let router = Router::new().route("/", get(waits).post(large)).layer(axum::Extension(held));
    let (listener, addr) = listen("HTTP_ADDR", ([127, 0, 0, 1], 0).into()).await.expect("a port");
    let (stop, connections) = (CancellationToken::new(), Connections::new(100));
    let limits = Limits { head: LONG * 2, progress: LONG * 2, grace: SHORT };
    let served = tokio::spawn(serve_with(listener, router, stop.clone(), connections, limits));
    let mut callers = Vec::new();
    for text in [
        "",
        "GET / HTTP/1.1\r\nHost",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\n{",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        // Refused, and its caller may still be sending.
        "DELETE / HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\n{",
    ] {
        let mut caller = TcpStream::connect(addr).await.expect("it listens");
        caller.write_all(text.as_bytes()).await.expect("it is sent");
        callers.push(caller);
    }
    tokio::time::sleep(SHORT).await;
    stop.cancel();
    tokio::time::timeout(LONG, served).await.expect("in time").expect("it ends");
    assert!(seen.upgrade().is_none(), "a connection has kept the router");
}
