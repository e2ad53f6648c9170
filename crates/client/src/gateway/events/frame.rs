//! Server-Sent Events as they are written.

use bytes::Bytes;
use serde::Serialize;

/// Writes one event. `data` is JSON without line breaks.
pub(super) fn event(name: &str, id: Option<i64>, data: &str) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n").into()
}

/// Writes one event without an id, whose data is `message` as JSON.
///
/// # Panics
/// If a key of `message` is no text: events have fields, and objects that were JSON before.
pub(super) fn message_event(name: &str, message: &impl Serialize) -> Bytes {
    event(name, None, &serde_json::to_string(message).expect("its keys are texts"))
}
