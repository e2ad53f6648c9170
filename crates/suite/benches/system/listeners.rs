//! Readers of events, beside the load.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::http::Connection;
use super::load::CALLERS;
use super::workload::Workload;

/// How long all of them may take to receive their first event.
const FIRST_EVENTS_LIMIT: Duration = Duration::from_secs(60);
/// The first bytes of each event.
const FIRST: &[u8] = b"event: ";

/// What the readers listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listening {
    /// Each to a reserva of its own.
    Reservas,
    /// To `GET /eventos`.
    All,
}

/// The readers. They stop when this is dropped.
pub(crate) struct Listeners {
    _tasks: JoinSet<()>,
}

/// Starts `count` readers; each has received its first event when this returns.
pub(crate) async fn listen(
    workload: &Arc<Workload>,
    listening: Listening,
    addr: &str,
    count: usize,
) -> Listeners {
    let mut connection = Connection::open(addr).await.expect("a connection");
    let mut tasks = JoinSet::new();
    let heard = Arc::new(Semaphore::new(0));
    for _ in 0..count {
        let path = match listening {
            Listening::All => "/eventos".to_owned(),
            Listening::Reservas => {
                let (server, id) = workload.make(&mut connection).await.expect("a reserva");
                format!("/reservas/{id}/eventos?server_id=server{server}")
            }
        };
        tasks.spawn_on(read(addr.to_owned(), path, Arc::clone(&heard)), CALLERS.handle());
    }
    let all = heard.acquire_many(u32::try_from(count).expect("not so many"));
    let all = tokio::time::timeout(FIRST_EVENTS_LIMIT, all).await;
    drop(all.expect("all have heard something").expect("it is not closed"));
    Listeners { _tasks: tasks }
}

async fn read(addr: String, path: String, heard: Arc<Semaphore>) {
    let mut stream = TcpStream::connect(&addr).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: b\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    let mut bytes = vec![0; 1 << 16];
    let mut has_heard = false;
    loop {
        let length = stream.read(&mut bytes).await.expect("it is open");
        assert!(length > 0, "{path} ends");
        if !has_heard && bytes[..length].windows(FIRST.len()).any(|part| part == FIRST) {
            has_heard = true;
            heard.add_permits(1);
        }
    }
}
