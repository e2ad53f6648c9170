//! Server-Sent Events as they are written.

use bytes::Bytes;

/// How long a reader waits before it connects again.
pub(crate) const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n\n");
/// Sent when nothing else was for a while, so that neither end takes the other for dead.
pub(crate) const PING: Bytes = Bytes::from_static(b": ping\n\n");
/// The last of a stream that the gateway ends.
pub(crate) const END: Bytes = Bytes::from_static(b": fim\n\n");

/// One event. `data` is JSON without line breaks.
pub(super) fn event(name: &str, id: Option<i64>, data: &str) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n").into()
}
