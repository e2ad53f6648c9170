//! The trace that a request continues, as its sender named it (W3C Trace Context).

use axum::http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const TRACEPARENT: &str = "traceparent";

/// What a request says of its trace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Parent {
    /// Nothing that can be read: it may begin a trace.
    None,
    /// Its sender has decided that it is not traced.
    Unsampled,
    Remote(SpanContext),
}

impl Parent {
    pub(crate) fn of_headers(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next().filter(|_| values.next().is_none());
        value.and_then(|value| value.to_str().ok()).map_or(Self::None, Self::read)
    }

    /// By the user property of a message. The suite's programs send an empty one with what they do not
    /// trace.
    pub(super) fn of_message(traceparent: Option<&str>) -> Self {
        match traceparent {
            Some("") => Self::Unsampled,
            Some(value) => Self::read(value),
            None => Self::None,
        }
    }

    /// Without the `tracestate` that may come beside it: nothing reads it, and every span of the trace
    /// would have a copy, of up to 16 KiB.
    fn read(traceparent: &str) -> Self {
        if !is_well_formed(traceparent) {
            return Self::None;
        }
        let context = TraceContextPropagator::new().extract(&Traceparent(traceparent));
        let span = context.span();
        let found = span.span_context();
        if found.is_valid() { Self::Remote(found.clone()) } else { Self::None }
    }
}

/// The propagator takes numbers of any length; the standard has fixed ones. A later version than 00 may
/// have more after them.
fn is_well_formed(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_hex = |part: &[u8]| part.iter().all(|byte| b"0123456789abcdef".contains(byte));
    let (Some(head), rest) = (bytes.get(..55), bytes.get(55..).unwrap_or_default()) else {
        return false;
    };
    let dashes = [2, 35, 52].iter().all(|at| head[*at] == b'-');
    let numbers = [0..2, 3..35, 36..52, 53..55].into_iter().all(|at| is_hex(&head[at]));
    let may_go_on = rest.is_empty() || &head[..2] != b"00" && rest[0] == b'-';
    dashes && numbers && may_go_on
}

struct Traceparent<'a>(&'a str);

impl Extractor for Traceparent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_cannot_be_read_begins_a_trace() {
        let trace_id = |parent| match parent {
            Parent::Remote(context) => Some(context.trace_id().to_string()),
            _ => None,
        };
        let expected = Some("4bf92f3577b34da6a3ce929d0e0e4736");
        let later = VALID.replacen("00", "01", 1);
        for valid in [VALID, &VALID.replace("-01", "-00"), &later, &format!("{later}-more")] {
            let parent = Parent::of_message(Some(valid));
            assert_eq!(trace_id(parent).as_deref(), expected, "{valid}");
        }
        for invalid in [
            "x",
            &VALID[..54],
            &VALID.to_uppercase(),
            &format!("{VALID}-more"),
            &format!("{VALID} "),
            &VALID.replacen("00", "ff", 1),
            &VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &VALID.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &VALID.replace("00f067aa0ba902b7", "+0f067aa0ba902b7"),
            &"é".repeat(30),
        ] {
            assert_eq!(Parent::of_message(Some(invalid)), Parent::None, "{invalid}");
        }
        assert_eq!(Parent::of_message(None), Parent::None);
        assert_eq!(Parent::of_message(Some("")), Parent::Unsampled);
    }

    #[test]
    fn headers_name_one_parent_and_nothing_besides() {
        let mut headers = HeaderMap::new();
        assert_eq!(Parent::of_headers(&headers), Parent::None);
        headers.insert(TRACEPARENT, VALID.parse().expect("a value"));
        headers.insert("tracestate", "vendor=1".parse().expect("a value"));
        let Parent::Remote(context) = Parent::of_headers(&headers) else { panic!("it is valid") };
        assert_eq!(context.trace_state().header(), "");
        assert!(context.is_remote() && context.is_sampled());
        headers.append(TRACEPARENT, VALID.parse().expect("a value"));
        assert_eq!(Parent::of_headers(&headers), Parent::None, "two of them");
        headers.insert(TRACEPARENT, "".parse().expect("a value"));
        assert_eq!(Parent::of_headers(&headers), Parent::None);
    }
}
