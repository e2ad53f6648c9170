//! Messages as they are written.

use serde::Serialize;

/// Most commands, answers and events are shorter, so that a payload does not grow while it is written.
const INITIAL_CAPACITY: usize = 768;

/// The payload of a message.
///
/// # Errors
/// It has a key that is no text.
pub fn to_payload<T: Serialize + ?Sized>(message: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut payload = Vec::with_capacity(INITIAL_CAPACITY);
    serde_json::to_writer(&mut payload, message)?;
    Ok(payload)
}
