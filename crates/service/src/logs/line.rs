//! A log line as JSON, written straight into a buffer.
//!
//! It says what tracing-subscriber's own format says, which writes each piece of each text through
//! four layers, and so takes three times as long: a tenth of what a gateway does for a request.

use std::cell::Cell;
use std::fmt;
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

/// Most lines are shorter.
const CAPACITY: usize = 512;
/// `2026-11-28T07:30:00`
type Second = [u8; 19];

thread_local! {
    /// The second of the latest line, and its text: a busy program writes thousands in one.
    static SECOND: Cell<(u64, Second)> = const { Cell::new((u64::MAX, [0; 19])) };
}

pub(super) struct Line {
    json: Vec<u8>,
}

impl Line {
    /// A line that begins with these fields of a JSON object.
    pub(super) fn new(fields: &str) -> Self {
        let mut json = Vec::with_capacity(CAPACITY);
        json.push(b'{');
        json.extend_from_slice(fields.as_bytes());
        Self { json }
    }

    pub(super) fn field(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        if self.json.len() > 1 {
            self.json.push(b',');
        }
        self.write(name);
        self.json.push(b':');
        self.write(value);
    }

    /// Time, level, fields and target. `metadata` is that of the event, or what a record of the crate
    /// `log` says of itself.
    pub(super) fn event(&mut self, event: &Event<'_>, metadata: &Metadata<'_>) {
        self.json.extend_from_slice(br#","timestamp":""#);
        self.timestamp(SystemTime::now());
        self.json.push(b'"');
        self.field("level", metadata.level().as_str());
        event.record(self);
        self.field("target", metadata.target());
    }

    /// In UTC, with microseconds.
    fn timestamp(&mut self, now: SystemTime) {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (mut known, mut text) = SECOND.get();
        if known != now.as_secs() {
            (known, text) = (now.as_secs(), second(now.as_secs()));
            SECOND.set((known, text));
        }
        self.json.extend_from_slice(&text);
        let _ = write!(self.json, ".{:06}Z", now.subsec_micros());
    }

    /// Values of events are always JSON, and writing to memory does not fail.
    fn write(&mut self, value: &(impl Serialize + ?Sized)) {
        let _ = serde_json::to_writer(&mut self.json, value);
    }

    /// The whole line.
    ///
    /// # Errors
    /// It is no text, which JSON always is.
    pub(super) fn end(mut self) -> Result<String, fmt::Error> {
        self.json.extend_from_slice(b"}\n");
        String::from_utf8(self.json).or(Err(fmt::Error))
    }
}

/// The second that began so many seconds after 1970. None has a year of five digits.
fn second(since_1970: u64) -> Second {
    let at =
        i64::try_from(since_1970).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (at.date(), at.time());
    let mut text = [0; 19];
    let written = write!(
        &mut text[..],
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    debug_assert!(written.is_ok(), "it fits");
    text
}

impl Visit for Line {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field.name(), &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field.name(), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field.name(), &format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests;
