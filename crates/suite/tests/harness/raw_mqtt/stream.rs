//! Bytes to and from a broker, over TCP or WebSocket.

use std::net::Ipv4Addr;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::{Endpoint, Transport};

pub(super) enum Stream {
    Tcp(TcpStream),
    WebSocket(Box<WebSocketStream<TcpStream>>),
}

impl Stream {
    pub(super) async fn connect(endpoint: Endpoint) -> Option<Self> {
        let tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, endpoint.port)).await.ok()?;
        tcp.set_nodelay(true).expect("a socket");
        if endpoint.transport == Transport::Tcp {
            return Some(Self::Tcp(tcp));
        }
        let url = format!("ws://127.0.0.1:{}/mqtt", endpoint.port);
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
        let (socket, _) = tokio_tungstenite::client_async(request, tcp).await.ok()?;
        Some(Self::WebSocket(Box::new(socket)))
    }

    pub(super) async fn send(&mut self, bytes: Bytes) -> Option<()> {
        match self {
            Self::Tcp(tcp) => tcp.write_all(&bytes).await.ok(),
            Self::WebSocket(socket) => socket.send(Message::Binary(bytes)).await.ok(),
        }
    }

    /// Appends what arrives next; `None` at the end.
    pub(super) async fn receive(&mut self, buffer: &mut BytesMut) -> Option<()> {
        match self {
            Self::Tcp(tcp) => (tcp.read_buf(buffer).await.ok()? > 0).then_some(()),
            Self::WebSocket(socket) => {
                if let Message::Binary(bytes) = socket.next().await?.ok()? {
                    buffer.extend_from_slice(&bytes);
                }
                Some(())
            }
        }
    }
}
