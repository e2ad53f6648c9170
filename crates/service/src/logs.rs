//! Logs: plain lines on a terminal, JSON lines everywhere else.

mod line;
mod paced;

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd as _;
use std::str::FromStr;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Event, Span, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use line::Line;
use paced::{Paced, Unwritten};

use crate::settings::{ConfigError, InvalidValue, Lookup, RUST_LOG};
use crate::traces::sampled_id;

/// Lines that may wait for standard output: a burst of a second.
const MAX_LINES: usize = 16_384;
/// How often dropped lines are counted.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How long a line mostly takes to standard output.
const WRITTEN_AFTER: Duration = Duration::from_millis(50);

/// The target of spans that name a program, and what has them seen whatever the filter is.
const PROGRAM: &str = "program";
const PROGRAM_DIRECTIVE: &str = "program=error";

/// Names one of several programs in one process: all that it logs within this span says so.
/// `id_field` is `server_id` or `client_id`.
pub fn program_span(service: &str, id_field: &str, id: &str) -> Span {
    let server_id = (id_field == "server_id").then_some(id);
    let client_id = (id_field == "client_id").then_some(id);
    tracing::error_span!(target: PROGRAM, "program", service, server_id, client_id)
}

/// Starts logging to standard output, filtered by `RUST_LOG`. A second call changes nothing. Each
/// line says that it is of `service`, and of the program with this id.
pub(crate) fn init_logs(
    service: &str,
    id: Option<(&str, &str)>,
    lookup: Lookup<'_>,
) -> Result<WorkerGuard, ConfigError> {
    let LogFilter(filter) = RUST_LOG.read(lookup)?;
    let filter = match PROGRAM_DIRECTIVE.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    Ok(start(filter, ProgramJson::new(service, id)))
}

/// Whether logs can be filtered as `RUST_LOG` says.
pub(crate) fn check_log_filter(lookup: Lookup<'_>) -> Result<(), ConfigError> {
    RUST_LOG.read::<LogFilter>(lookup).map(drop)
}

/// Logs whose filter is set later, once a program has shown its own screen. The last lines are
/// written when it is dropped.
pub struct QuietLogs {
    filter: Option<reload::Handle<EnvFilter, Registry>>,
    _guard: WorkerGuard,
}

/// Starts logging with warnings only, unless `RUST_LOG` is set.
///
/// # Errors
/// `RUST_LOG` is malformed.
pub fn init_quiet_logs(service: &str, lookup: Lookup<'_>) -> Result<QuietLogs, ConfigError> {
    if RUST_LOG.value(lookup).is_some() {
        return Ok(QuietLogs { filter: None, _guard: init_logs(service, None, lookup)? });
    }
    let (filter, handle) = reload::Layer::new(EnvFilter::new("warn"));
    let _guard = start(filter, ProgramJson::new(service, None));
    Ok(QuietLogs { filter: Some(handle), _guard })
}

impl QuietLogs {
    /// Filters by `directives` from now on, unless `RUST_LOG` is set.
    pub fn set_filter(&self, directives: &str) {
        let Some(handle) = &self.filter else { return };
        if let Err(error) = handle.reload(EnvFilter::new(directives)) {
            tracing::warn!(%error, "the log filter cannot be changed");
        }
    }
}

/// A filter whose words without `=` are levels. To `EnvFilter` any other word names a target, so
/// that a misspelt level would silence the program.
#[derive(Debug)]
struct LogFilter(EnvFilter);

impl FromStr for LogFilter {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut words = text.split(',').filter(|directive| !directive.contains(['=', '[']));
        if !words.all(|word| word.trim().parse::<LevelFilter>().is_ok()) {
            return Err(InvalidValue);
        }
        text.parse().map(Self).map_err(|_| InvalidValue)
    }
}

/// No thread that has other work writes to standard output: it may be a pipe that nobody reads.
fn start(filter: impl Layer<Registry> + Send + Sync, format: ProgramJson) -> WorkerGuard {
    let queue = NonBlockingBuilder::default().buffered_lines_limit(MAX_LINES).thread_name("log");
    let paced = Paced::new(standard_output());
    let unwritten = paced.unwritten();
    let (queue, guard) = queue.finish(paced);
    let dropped = queue.error_counter();
    let lines = if std::io::stdout().is_terminal() {
        fmt::layer().compact().with_target(false).with_writer(queue).boxed()
    } else {
        let json = fmt::layer().event_format(format).fmt_fields(JsonFields::new());
        json.with_writer(queue).boxed()
    };
    // Only a second start fails; the first one stays in effect.
    drop(tracing_subscriber::registry().with(filter).with(lines).try_init());
    std::panic::set_hook(Box::new(log_panic));
    std::thread::spawn(move || report_lost(&dropped, &unwritten));
    guard
}

/// Without the buffer that `stdout` has: after an error nobody would know what of it was written.
fn standard_output() -> Box<dyn Write + Send> {
    let stdout = std::io::stdout();
    match stdout.as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(File::from(descriptor)),
        Err(_) => Box::new(stdout),
    }
}

/// JSON lines that begin with the program they are of.
struct ProgramJson {
    /// Of the process: fields of a JSON object.
    program: String,
}

impl ProgramJson {
    fn new(service: &str, id: Option<(&str, &str)>) -> Self {
        let mut program = format!("\"service\":\"{service}\"");
        // An id that needs escaping is none: its program is about to say so, and to end.
        let is_plain =
            |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if let Some((field, id)) = id.filter(|(_, id)| is_plain(id)) {
            program.push_str(&format!(",\"{field}\":\"{id}\""));
        }
        Self { program }
    }
}

impl<S, N> FormatEvent<S, N> for ProgramJson
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut spans = context.event_scope().into_iter().flatten();
        let span = spans.find(|span| span.metadata().target() == PROGRAM);
        let known = span.as_ref().map(|span| span.extensions());
        let fields = known.as_ref().and_then(|known| known.get::<FormattedFields<N>>());
        let fields = fields.map(|fields| fields.fields.trim_matches(['{', '}']));
        let mut line = Line::new(fields.unwrap_or(&self.program));
        // A value that is written below may itself log in this span.
        drop(known);
        if let Some(trace_id) = sampled_id() {
            line.field("trace_id", &format_args!("{trace_id}"));
        }
        let of_log = event.normalized_metadata();
        line.event(event, of_log.as_ref().unwrap_or_else(|| event.metadata()));
        writer.write_str(&line.end()?)
    }
}

/// Logs how many lines are missing, as soon as that line can be written itself.
fn report_lost(dropped: &ErrorCounter, unwritten: &Unwritten) {
    let (mut reported, mut reported_unwritten) = (0, 0);
    loop {
        std::thread::sleep(REPORT_INTERVAL);
        let total = dropped.dropped_lines();
        if total > reported {
            let lines = total - reported;
            tracing::warn!(lines, "log lines were dropped: standard output was not read");
            if dropped.dropped_lines() == total {
                reported = total;
            }
        }
        let total = unwritten.lines();
        if total > reported_unwritten && !unwritten.fails() {
            let lines = total - reported_unwritten;
            tracing::warn!(lines, "log lines could not be written to standard output");
            std::thread::sleep(WRITTEN_AFTER);
            if !unwritten.fails() {
                reported_unwritten = total;
            }
        }
    }
}

/// In place of the default hook, which writes to standard error and waits for its reader.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or_default();
    let location = panic.location().map(tracing::field::display);
    tracing::error!(thread, location, reason = panic.payload_as_str(), "a thread panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_or_refused_and_empty_is_not_set() {
        for (text, filter) in [
            ("debug", "debug"),
            ("OFF", "off"),
            ("warn,bus=info", "bus=info,warn"),
            ("bus=debug,", "bus=debug"),
            ("program[{server_id=server1}]=debug", "program[{server_id=server1}]=debug"),
            ("", "info"),
        ] {
            let read = RUST_LOG.read::<LogFilter>(&|_| Some(text.to_owned()));
            assert_eq!(read.expect("a filter").0.to_string(), filter, "{text}");
        }
        assert!(RUST_LOG.value(&|_| Some(String::new())).is_none());
        for text in ["bus=loud", "inof", "bus", "info,debgu", "warning", "inof,bus=debug"] {
            let error = RUST_LOG.read::<LogFilter>(&|_| Some(text.to_owned()));
            assert_eq!(
                error.expect_err("no level").to_string(),
                format!(
                    "RUST_LOG is {text:?}; it should be a level or directives, for example \
                     info,bus=debug"
                )
            );
        }
    }
}
