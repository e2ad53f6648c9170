//! Faults that others cause: callers who keep connections, and questions with large answers.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cluster::{Cluster, Node};
use crate::harness::PlainClient;

/// More than the descriptors that a program of a run may have.
const CONNECTIONS: usize = 300;
/// In this time a servidor answers with an error in place of what the broker does not take.
const POISON_LIMIT: Duration = Duration::from_secs(10);

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

/// Asks a servidor a question whose answer ends its connection, see `proxy`. The question has no
/// expiry, so it comes again until it is acknowledged.
pub(super) async fn ask_for_poison(cluster: &Cluster, node: &Node) {
    // Held, so that the broker is not stopped meanwhile.
    let world = cluster.world.read().await;
    let client_id = format!("poisoner-{}", node.id);
    let topic = format!("client/{client_id}/postos/response");
    let mut plain = PlainClient::subscribe(&world, &client_id, &[&topic]).await;
    let question = json!({"request_id": "poison", "client_id": client_id, "server_id": node.id});
    plain.publish(&format!("server/{}/postos/request", node.id), question).await;
    // A servidor that keeps such a message is noticed at the end of the run.
    let _ = timeout(POISON_LIMIT, plain.next(&topic)).await;
}
