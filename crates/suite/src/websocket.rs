//! MQTT over WebSocket, in front of the embedded broker's MQTT over TCP.
//!
//! The broker has no logins, and browsers let any page open a WebSocket to this machine: only
//! `Origin` tells such a page from a program. The library of the broker has a WebSocket listener of
//! its own, but it cannot be told which origins to take, and makes one handshake after the other
//! without a time limit.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response,
};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::http::header::{
    HeaderMap, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL,
};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use tracing::warn;

const PATH: &str = "/mqtt";
const SUBPROTOCOL: &str = "mqtt";
/// For the head of a request, which `tungstenite` bounds to 64 KiB, and the connection to the
/// broker; and for the end of a connection.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Before the next attempt, when no connection can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a refused `Origin` in the log.
const SHOWN_OF_ORIGIN: usize = 100;
const BUFFER: usize = 16 * 1024;

/// Whether a handshake with these headers, which arrived at this address, may go on.
pub type Admits = fn(&HeaderMap, IpAddr) -> bool;

/// Pages of this machine, and programs that send no `Origin`, or one of this machine. Browsers set
/// `Origin` in every handshake, and no page can change it.
pub fn admits_own_pages(headers: &HeaderMap, arrived_at: IpAddr) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => service::is_page_of_this_machine(origin.as_bytes(), arrived_at),
        (Some(_), Some(_)) => false,
    }
}

/// Listens until it is dropped, with all its connections.
pub struct WebSockets {
    addr: SocketAddr,
    accepting: JoinSet<()>,
}

impl WebSockets {
    /// Takes what `admits` lets in to the broker, which listens for MQTT over TCP.
    pub fn start(listener: TcpListener, broker: SocketAddr, admits: Admits) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, reachable(broker), admits));
        Ok(Self { addr, accepting })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port is free when this returns.
    pub(crate) async fn stop(mut self) {
        self.accepting.shutdown().await;
    }
}

/// Where a listener on all addresses is reached from this machine.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    (ip, addr.port()).into()
}

async fn accept(listener: TcpListener, broker: SocketAddr, admits: Admits) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(serve(stream, broker, admits))),
            Err(error) => {
                warn!(%error, "no WebSocket connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, broker: SocketAddr, admits: Admits) {
    let opened = tokio::time::timeout(TIME_LIMIT, open(stream, broker, admits)).await;
    let Ok(Some((mut socket, mut broker))) = opened else { return };
    pass_on(&mut socket, &mut broker).await;
    // Who does not take what was sent before the end is not waited for.
    let _ = tokio::time::timeout(TIME_LIMIT, socket.close(None)).await;
}

/// Both connections, of a client that is admitted.
async fn open(
    stream: TcpStream,
    broker: SocketAddr,
    admits: Admits,
) -> Option<(WebSocketStream<TcpStream>, TcpStream)> {
    let arrived_at = stream.local_addr().ok()?.ip();
    stream.set_nodelay(true).ok()?;
    let socket = accept_hdr_async(stream, Handshake { arrived_at, admits }).await.ok()?;
    let broker = TcpStream::connect(broker).await.ok()?;
    broker.set_nodelay(true).ok()?;
    Some((socket, broker))
}

struct Handshake {
    arrived_at: IpAddr,
    admits: Admits,
}

impl Callback for Handshake {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        if !(self.admits)(request.headers(), self.arrived_at) {
            let origin = request.headers().get(ORIGIN).map(HeaderValue::as_bytes);
            let origin = origin.map(|bytes| &bytes[..bytes.len().min(SHOWN_OF_ORIGIN)]);
            let origin = origin.map(String::from_utf8_lossy).unwrap_or_default();
            warn!(?origin, "a WebSocket connection of another origin was refused");
            return Err(refusal(StatusCode::FORBIDDEN));
        }
        if request.uri().path() != PATH {
            return Err(refusal(StatusCode::NOT_FOUND));
        }
        Ok(with_subprotocol(request, response))
    }
}

fn refusal(status: StatusCode) -> ErrorResponse {
    let mut refusal = ErrorResponse::new(None);
    *refusal.status_mut() = status;
    refusal
}

/// Browsers end a connection whose answer does not name the subprotocol that they offer.
fn with_subprotocol(request: &Request, mut response: Response) -> Response {
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    if offered.any(|name| name.trim() == SUBPROTOCOL) {
        let name = HeaderValue::from_static(SUBPROTOCOL);
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, name);
    }
    response
}

/// Passes bytes on in both directions until one side ends.
async fn pass_on(socket: &mut WebSocketStream<TcpStream>, broker: &mut TcpStream) {
    let (mut to_client, mut from_client) = socket.split();
    let (mut from_broker, mut to_broker) = broker.split();
    let up = async {
        while let Some(Ok(message)) = from_client.next().await {
            match message {
                Message::Binary(bytes) => {
                    if to_broker.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                // MQTT takes no text (5.0, section 6).
                Message::Text(_) | Message::Close(_) => return,
                // The library answers pings.
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; BUFFER];
        while let Ok(length @ 1..) = from_broker.read(&mut buffer).await {
            let bytes = buffer.get(..length).unwrap_or_default().to_vec();
            if to_client.send(Message::binary(bytes)).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}
