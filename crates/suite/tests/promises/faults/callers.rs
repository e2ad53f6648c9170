//! Faults that others cause: callers who keep connections, and questions with large answers.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::cluster::Node;

/// More than the descriptors that a program of a run may have.
const CONNECTIONS: usize = 300;

/// Opens more connections than a program has descriptors, and sends nothing or half a head.
pub(super) async fn keep_connections(node: &Node, duration: Duration) {
    let addr = node.url.strip_prefix("http://").expect("an address");
    let mut open = Vec::new();
    for number in 0..CONNECTIONS {
        // The program may close any of them.
        let Ok(mut connection) = TcpStream::connect(addr).await else { continue };
        if number % 2 == 0 {
            let _ = connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await;
        }
        open.push(connection);
    }
    tokio::time::sleep(duration).await;
}
