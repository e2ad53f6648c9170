//! What is sent in one packet: one message, or several as a JSON array.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::trace::{MAX_PROPERTY, MessageTrace};
use crate::{Join, Outgoing};

/// Longest array, in bytes: a few hundred commands, and well below what brokers accept.
pub(crate) const MAX_ARRAY_BYTES: usize = 512 * 1024;

/// What a packet contains besides topics, correlation and payload, rounded up, and the property of one
/// trace.
const PACKET_OVERHEAD: usize = 128 + MAX_PROPERTY;

/// The messages of one packet; never empty.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) topic: Arc<str>,
    pub(crate) items: Vec<Outgoing>,
    /// How long the broker keeps it for a receiver that is offline.
    pub(crate) expiry_seconds: Option<u32>,
    /// How many connections in a row the broker has ended soon after this was sent.
    pub(crate) ended: u8,
}

impl Batch {
    pub(crate) fn payload(&self) -> Bytes {
        match self.items.as_slice() {
            [only] if only.join != Join::Always => only.payload.clone(),
            items => array(items),
        }
    }

    /// Response topic and correlation data. An array has no correlation data: each item names
    /// its client and its request itself.
    pub(crate) fn reply_to(&self) -> (Option<String>, Option<Bytes>) {
        match self.items.as_slice() {
            [only] => (only.response_topic.clone(), only.correlation.clone()),
            [first, ..] => (first.response_topic.clone(), None),
            [] => (None, None),
        }
    }

    pub(crate) fn retain(&self) -> bool {
        self.items.first().is_some_and(|first| first.retain)
    }

    /// An upper bound of the packet's size.
    pub(crate) fn size(&self) -> usize {
        let [first, rest @ ..] = self.items.as_slice() else {
            return 0;
        };
        let separators = rest.len() + 2;
        let payloads: usize = rest.iter().map(|item| item.payload.len()).sum();
        let properties = if self.is_traced() { rest.len() * MAX_PROPERTY } else { 0 };
        size(first) + payloads + separators + properties
    }

    /// Returns the `traceparent` of each item in order, for the user properties of the packet, if
    /// any item is traced.
    pub(crate) fn traceparents(&self) -> impl Iterator<Item = String> {
        let items = if self.is_traced() { self.items.as_slice() } else { &[] };
        let traces = items.iter().map(|item| item.trace.as_ref());
        traces.map(|trace| trace.map(MessageTrace::traceparent).unwrap_or_default())
    }

    fn is_traced(&self) -> bool {
        self.items.iter().any(|item| item.trace.is_some())
    }

    pub(crate) fn traces_mut(&mut self) -> impl Iterator<Item = &mut MessageTrace> {
        self.items.iter_mut().filter_map(|item| item.trace.as_mut())
    }
}

/// An upper bound of the size of a packet with this message alone.
pub(super) fn size(message: &Outgoing) -> usize {
    let response_topic = message.response_topic.as_ref().map_or(0, String::len);
    let correlation = message.correlation.as_ref().map_or(0, Bytes::len);
    let content = message.topic.len() + response_topic + correlation + message.payload.len();
    PACKET_OVERHEAD + content
}

/// An upper bound of what a reply's packet on `topic` contains besides its payload. Its correlation
/// data is at most as long as a `request_id`.
pub(crate) fn overhead(topic: &str) -> usize {
    const MAX_CORRELATION: usize = 128;
    PACKET_OVERHEAD + MAX_CORRELATION + topic.len()
}

fn array(items: &[Outgoing]) -> Bytes {
    let payloads: usize = items.iter().map(|item| item.payload.len()).sum();
    let mut array = BytesMut::with_capacity(payloads + items.len() + 1);
    for (index, item) in items.iter().enumerate() {
        array.put_u8(if index == 0 { b'[' } else { b',' });
        array.extend_from_slice(&item.payload);
    }
    array.put_u8(b']');
    array.freeze()
}
