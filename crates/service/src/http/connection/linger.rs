//! Closing a connection whose caller is still sending. To close at once would answer the bytes on
//! their way with a reset, and most callers then see that instead of their answer.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a caller may go on sending, how long it may pause, and how much is read.
const LINGER_LIMIT: Duration = Duration::from_secs(30);
const PAUSE_LIMIT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 64 << 20;

/// Reads and drops what the caller sends, until it closes or a bound is reached.
pub(in crate::http) async fn linger(stream: &mut TcpStream) {
    let mut buffer = vec![0; 16 * 1024];
    let read = async {
        let mut left = MAX_BYTES;
        while left > 0 {
            match timeout(PAUSE_LIMIT, stream.read(&mut buffer)).await {
                Ok(Ok(length)) if length > 0 => left = left.saturating_sub(length),
                _ => return,
            }
        }
    };
    // Out of time, the connection is closed all the same.
    let _ = timeout(LINGER_LIMIT, read).await;
}
