//! Server-Sent Events as they are written.

use bytes::Bytes;

/// One event. `data` is JSON without line breaks.
pub(super) fn event(name: &str, id: Option<i64>, data: &str) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n").into()
}
