//! Accepting connections, and a stop that lets requests in flight finish.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, EXPECT};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulShutdown;
use parking_lot::Mutex;
use protocol::Codigo;
use socket2::SockRef;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::debug;

use super::accept_log::AcceptLog;
use super::answer_body::AnswerBody;
use super::limit::{self, Connections};
use super::refusal::{Refusal, answer_unread, overloaded_instead_of};
use super::request_body::{RequestBody, Unread, read_rest};
use super::socket::{PROGRESS_LIMIT, SharedStream, Socket};
use super::state::Connection;
use super::tasks::ConnectionTasks;
use crate::http::answer::security_headers;
use crate::http::exchange::caller::{CallerKey, Endpoints};
use crate::http::health::is_probe;
use crate::http::request::path::{normalize, restore_location};

/// How long a connection may take to send the head of its next request, idle time included.
/// Connections whose peer is gone, or that never send anything, are closed by it. Longer than usual
/// proxies keep an idle connection (nginx 60 s, Traefik and Go 90 s, Caddy 120 s): who closes first is
/// then the proxy, which otherwise may send a POST while it is closed here, and answers 502.
const HEAD_LIMIT: Duration = Duration::from_secs(130);
/// The longest head, and how much of a request is read ahead. Many connections may have one each.
const MAX_HEAD: usize = 32 * 1024;
/// Connections that may wait to be accepted; the system's own limit, 4,096 on Linux, may be lower. The
/// kernel drops the SYN of each further one, and its client sends it again after a second.
const LISTEN_BACKLOG: u32 = 4_096;
/// Pause before the next accept when there are too many open files.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// Nothing can listen on an address.
#[derive(Debug, thiserror::Error)]
#[error("{setting} is {addr}, and nothing can listen there: {source}")]
pub struct ListenError {
    pub setting: &'static str,
    pub addr: SocketAddr,
    pub source: io::Error,
}

/// Listens on the address that a setting has, and returns the address with the real port where that is 0.
pub async fn listen(
    setting: &'static str,
    addr: SocketAddr,
) -> Result<(TcpListener, SocketAddr), ListenError> {
    let listen_error = |source| ListenError { setting, addr, source };
    let listener = bind(addr).map_err(listen_error)?;
    let addr = listener.local_addr().map_err(listen_error)?;
    Ok((listener, addr))
}

fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A program that starts again gets its port although old connections are not quite closed.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(LISTEN_BACKLOG)
}

/// Serves until `stop`; then accepts nothing more, and gives requests in flight `grace` to finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    grace: Duration,
) {
    let limits = Limits { head: HEAD_LIMIT, progress: PROGRESS_LIMIT, grace };
    serve_with(listener, router, stop, limit::of_this_process(), limits).await;
}

/// The same with at most so many connections, which take no place of the others.
pub(in crate::http) async fn serve_few(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    max_connections: usize,
    grace: Duration,
) {
    let limits = Limits { head: HEAD_LIMIT, progress: PROGRESS_LIMIT, grace };
    serve_with(listener, router, stop, Connections::new(max_connections), limits).await;
}

struct Limits {
    head: Duration,
    progress: Duration,
    grace: Duration,
}

async fn serve_with(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    connections: Arc<Connections>,
    limits: Limits,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(MAX_HEAD);
    // A caller that sends nothing more after its request still gets its answer.
    http.half_close(true);
    let (graceful, tasks) = (GracefulShutdown::new(), ConnectionTasks::new());
    let mut log = AcceptLog::default();
    while let Some(accepted) =
        stop.run_until_cancelled(accept(&listener, &connections, &mut log)).await
    {
        let (stream, endpoints) = accepted;
        let caller = CallerKey::of(endpoints.peer.ip());
        let Some(slot) = stop.run_until_cancelled(connections.admit(caller)).await else { break };
        if let Err(error) = set_options(&stream, limits.progress) {
            debug!(%error, "the options of a connection could not be set");
        }
        let (router, connections) = (router.clone(), Arc::clone(&connections));
        let connection = Arc::clone(&slot.connection);
        let stream = Arc::new(Mutex::new(stream));
        let socket = Socket::new(Arc::clone(&stream), Arc::clone(&connection), limits.progress);
        let (unread_router, answered) = (router.clone(), Arc::clone(&stream));
        let service = service_fn(move |request| {
            let request = with_endpoints(request, endpoints);
            let (connections, stream) = (Arc::clone(&connections), Arc::clone(&answered));
            answer(router.clone(), connections, Arc::clone(&connection), stream, request)
        });
        let serving = graceful.watch(http.serve_connection(socket, service));
        let served = Arc::clone(&slot.connection);
        let serve = async move {
            if let Err(error) = serving.await {
                debug!(%error, "an HTTP connection broke");
                // hyper leaves the beginning of an HTTP/2 connection without an answer.
                if error.is_parse() && served.refused().is_none() {
                    served.note_refused(400);
                }
            }
            end(stream, &served, unread_router).await
        };
        tasks.spawn(slot, serve);
    }
    drop(listener);
    tasks.end(graceful, limits.grace).await;
}

fn set_options(stream: &TcpStream, progress: Duration) -> io::Result<()> {
    let socket = SockRef::from(stream);
    // Answers are small and written whole: waiting to fill a packet would only delay them.
    socket.set_tcp_nodelay(true)?;
    // Short writes to a peer that has vanished succeed for a quarter of an hour otherwise.
    socket.set_tcp_user_timeout(Some(progress))
}

/// Ends a connection; returns the stream if its caller is still sending, so that the caller reads the
/// answer.
async fn end(stream: SharedStream, connection: &Connection, router: Router) -> Option<TcpStream> {
    // Held by hyper too, if it has not ended.
    let mut stream = Arc::into_inner(stream)?.into_inner();
    if let Some(status) = connection.refused() {
        let codigo = match status {
            400 => Codigo::RequisicaoMalformada,
            _ => Codigo::CabecalhoGrandeDemais,
        };
        // If it cannot be written, the caller has closed the connection.
        let _ = stream.write_all(&answer_unread(router, codigo).await).await;
        let _ = stream.shutdown().await;
    } else if !connection.is_sending() {
        return None;
    }
    Some(stream)
}

fn with_endpoints(mut request: Request<Incoming>, endpoints: Endpoints) -> Request<Incoming> {
    request.extensions_mut().insert(endpoints);
    request
}

async fn answer(
    router: Router,
    connections: Arc<Connections>,
    connection: Arc<Connection>,
    stream: SharedStream,
    mut request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    if !connection.begin_answer() {
        // The connection is about to be closed.
        std::future::pending::<()>().await;
    }
    let removed = normalize(&mut request);
    let refusal = refusal(&request, &connection);
    let mut close = refusal.is_some();
    if let Some(refusal) = refusal {
        request.extensions_mut().insert(refusal);
    }
    let mut response = if request.body().is_end_stream() {
        let Ok(response) = router.oneshot(request.map(|_| Body::empty())).await;
        response
    } else {
        let (response, is_read) = answer_with_body(router, &connection, request).await;
        close |= !is_read;
        response
    };
    if matches!(response.status(), StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT) {
        // With 304 it would be that of the answer which the caller has; with 204 there is none (RFC
        // 9110, section 8.6).
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    if removed > 0 {
        restore_location(response.headers_mut(), removed);
    }
    let length = response.body().size_hint().lower();
    if !connections.admit_answer(&connection, usize::try_from(length).unwrap_or(usize::MAX)) {
        response = overloaded_instead_of(&response);
    }
    security_headers::add(response.headers_mut());
    if close || connection.only_probes() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let (head, body) = response.into_parts();
    let body = AnswerBody::new(body, connection).watch(&head.headers, stream);
    Ok(Response::from_parts(head, body))
}

/// Why a request does not reach the routes.
fn refusal(request: &Request<Incoming>, connection: &Connection) -> Option<Refusal> {
    let is_suspect = connection.next_is_suspect();
    if let Some(refusal) = Refusal::for_transfer_encoding(request, is_suspect) {
        return Some(refusal);
    }
    if connection.only_probes() && !is_probe(request.uri().path()) {
        return Some(Refusal::new(Codigo::Sobrecarregado));
    }
    Refusal::for_head(request)
}

/// The answer, and whether the body was read, so that the connection can have another request.
async fn answer_with_body(
    router: Router,
    connection: &Arc<Connection>,
    mut request: Request<Incoming>,
) -> (Response, bool) {
    // It may have been answered without asking for the body.
    let expects = request.headers().contains_key(EXPECT);
    let unread = Unread::default();
    request.extensions_mut().insert(Arc::clone(connection));
    let request = request.map(|body| Body::new(RequestBody::new(body, Arc::clone(&unread))));
    let Ok(response) = router.oneshot(request).await;
    let body = unread.lock().take();
    let is_read = match body {
        None => true,
        Some(body) => !expects && read_rest(body).await,
    };
    if !is_read {
        connection.note_sending();
    }
    (response, is_read)
}

async fn accept(
    listener: &TcpListener,
    connections: &Connections,
    log: &mut AcceptLog,
) -> (TcpStream, Endpoints) {
    loop {
        let accepted = listener.accept().await;
        let accepted = accepted.and_then(|(stream, peer)| Ok((stream.local_addr()?, peer, stream)));
        match accepted {
            Ok((local, peer, stream)) => {
                log.accepted();
                return (stream, Endpoints { peer, local });
            }
            // The peer has closed it already.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                log.failed(&error);
                connections.evict();
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
