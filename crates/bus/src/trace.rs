//! Traces of messages: a span for each one that is published, and the user property by which its
//! receiver continues the trace (W3C Trace Context).
//!
//! Who publishes decides whether a message is traced. Untraced messages are sent without the property.

use std::time::SystemTime;

use opentelemetry::trace::{Span as _, Status};
use opentelemetry::{KeyValue, global::BoxedSpan};
use protocol::MAX_ARRAY;

/// Name of the user property. An array has one for each item, in order.
pub(crate) const TRACEPARENT: &str = "traceparent";
/// The most bytes that the property takes: its identifier, two lengths, name and value.
pub(crate) const MAX_PROPERTY: usize = 1 + 2 + TRACEPARENT.len() + 2 + 55;

/// The span of a message: it ends when the broker has the message, or when the message is dropped.
#[derive(Debug)]
pub struct MessageTrace {
    span: BoxedSpan,
    is_delivered: bool,
}

impl MessageTrace {
    pub fn new(span: BoxedSpan) -> Self {
        Self { span, is_delivered: false }
    }

    /// Writes the `traceparent` of this message. It is empty if the trace is not sampled: its
    /// receiver then begins none of its own.
    pub(crate) fn traceparent(&self) -> String {
        let context = self.span.span_context();
        if !context.is_sampled() {
            return String::new();
        }
        format!("00-{}-{}-01", context.trace_id(), context.span_id())
    }

    /// Records that a packet with the message is about to be written.
    pub(crate) fn sent(&mut self) {
        self.span.add_event("sent", Vec::new());
    }

    pub(crate) fn acknowledged(&mut self) {
        self.is_delivered = true;
    }

    pub(crate) fn refused(&mut self, reason: String) {
        self.span.set_status(Status::error(reason));
    }
}

impl Drop for MessageTrace {
    fn drop(&mut self) {
        if !self.is_delivered {
            self.span.set_attribute(KeyValue::new("error.type", "undelivered"));
            self.span.set_status(Status::error("the broker did not take it in time"));
        }
        self.span.end();
    }
}

/// The traces of a message that arrived.
#[derive(Debug, Clone)]
pub struct ArrivedTraces {
    /// When it was read.
    pub at: SystemTime,
    traceparents: Vec<String>,
}

impl ArrivedTraces {
    /// Takes the properties of traces out of the user properties of a message.
    pub(crate) fn take(properties: &mut Vec<(String, String)>) -> Option<Box<Self>> {
        let found = properties.iter().filter(|(name, _)| name == TRACEPARENT).count();
        if found == 0 || found > MAX_ARRAY {
            return None;
        }
        let traceparents = properties.drain(..).filter(|(name, _)| name == TRACEPARENT);
        let traceparents = traceparents.map(|(_, value)| value).collect();
        Some(Box::new(Self { at: SystemTime::now(), traceparents }))
    }

    /// The `traceparent` of one of so many items, as its sender wrote it. `None` of all of them if
    /// their numbers differ: then nobody knows which is whose.
    pub fn of_item(&self, index: usize, items: usize) -> Option<&str> {
        let is_complete = self.traceparents.len() == items;
        self.traceparents.get(index).filter(|_| is_complete).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(values: &[&str]) -> Option<Box<ArrivedTraces>> {
        let mut properties = vec![("expires".to_owned(), "yes".to_owned())];
        properties.extend(values.iter().map(|value| (TRACEPARENT.to_owned(), (*value).to_owned())));
        ArrivedTraces::take(&mut properties)
    }

    #[test]
    fn each_item_has_its_own_property_or_none_has() {
        let traces = arrived(&["a", "", "c"]).expect("traces");
        let of_items = |items| [0, 1, 2, 3].map(|index| traces.of_item(index, items));
        assert_eq!(of_items(3), [Some("a"), Some(""), Some("c"), None]);
        assert_eq!(of_items(2), [None; 4]);
        assert_eq!(of_items(4), [None; 4]);
        assert!(arrived(&[]).is_none());
        assert!(arrived(&["a"; MAX_ARRAY]).is_some());
        assert!(arrived(&["a"; MAX_ARRAY + 1]).is_none());
    }
}
