//! A line beside that of tracing-subscriber's own format.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::subscriber::with_default;
use tracing_log::log;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;

use super::*;
use crate::logs::{ProgramJson, program_span};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lines").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("lines").clone()).expect("UTF-8")
    }
}

/// What is logged by ours, and by tracing-subscriber's format; times are left out.
fn both(log: impl Fn()) -> (String, String) {
    let (ours, theirs) = (Lines::default(), Lines::default());
    let format = ProgramJson::new("test", None);
    let subscriber = tracing_subscriber::fmt().event_format(format).fmt_fields(JsonFields::new());
    with_default(subscriber.with_writer(ours.clone()).finish(), &log);
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false);
    let subscriber = subscriber.with_current_span(false).with_writer(theirs.clone());
    with_default(subscriber.finish(), &log);
    let without_time = |text: String| {
        let lines = text.lines().map(|line| {
            let (before, after) = line.split_once(r#""timestamp":""#).expect("a time");
            let (time, after) = after.split_once("\",").expect("its end");
            assert_eq!(time.len(), "2026-11-28T07:30:00.123456Z".len(), "{time}");
            format!("{before}{after}\n")
        });
        lines.collect::<String>()
    };
    (without_time(ours.text()), without_time(theirs.text()))
}

#[derive(Debug)]
#[expect(dead_code, reason = "`Debug` shows them")]
struct Odd<'a>(&'a str, Option<f64>);

#[test]
fn it_says_what_the_format_of_the_library_says() {
    let (ours, theirs) = both(|| {
        let texts =
            ["", "plain", "\"quoted\" \\ and /", "line\nand\ttab\u{1}\u{7f}", "ação 🚗 \u{2028}"];
        for text in texts {
            tracing::info!(text, shown = %text, debugged = ?text, "said: {text}");
        }
        tracing::warn!(whole = -7_i64, large = u64::MAX, huge = i128::MIN, none = None::<i64>);
        for number in [0.0, -1.5, 1e300, 0.1 + 0.2, f64::NAN, f64::INFINITY] {
            tracing::debug!(number, "below the level");
            tracing::info!(number, some = Some(number), flag = number > 0.0);
        }
        tracing::error!(odd = ?Odd("a\"b", Some(0.5)), name.with.dots = 1, r#type = "x", "odd");
        let error = std::io::Error::other("no \"disk\"");
        tracing::error!(error = &error as &dyn std::error::Error, reason = %error);
        tracing::info!(target: "another", "target");
        let record = log::Record::builder().args(format_args!("of \"log\"")).target("a::b").build();
        tracing_log::format_trace(&record).expect("it is logged");
        tracing::info_span!("span", hidden = 1).in_scope(|| tracing::info!("within"));
    });
    assert_eq!(ours.replace(r#"{"service":"test","#, "{"), theirs);
    assert!(ours.lines().count() > 15, "{ours}");
    for line in ours.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect(line);
    }
}

#[test]
fn it_names_the_program_whose_span_it_is_in() {
    let (ours, _) = both(|| {
        program_span("servidor", "server_id", "server1").in_scope(|| tracing::info!("hello"));
    });
    let begin = r#"{"server_id":"server1","service":"servidor","#;
    assert!(ours.starts_with(begin), "{ours}");
}

#[test]
fn a_second_is_written_in_utc() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00"),
        (951_782_399, "2000-02-28T23:59:59"),
        (951_782_400, "2000-02-29T00:00:00"),
        (1_795_851_000, "2026-11-28T07:30:00"),
        (253_402_300_799, "9999-12-31T23:59:59"),
    ] {
        assert_eq!(std::str::from_utf8(&second(seconds)), Ok(text));
    }
}
