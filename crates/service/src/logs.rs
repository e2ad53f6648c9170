//! Logs: plain lines on a terminal, JSON lines everywhere else.

use std::io::IsTerminal;
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::settings::{ConfigError, Lookup, RUST_LOG};

/// Lines that may wait for standard output: a burst of a second.
const MAX_LINES: usize = 16_384;
/// How often dropped lines are counted.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Starts logging to standard output, filtered by `RUST_LOG`. A second call changes nothing.
pub(crate) fn init_logs(lookup: Lookup<'_>) -> Result<WorkerGuard, ConfigError> {
    Ok(start(RUST_LOG.read::<EnvFilter>(lookup)?))
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
pub fn init_quiet_logs(lookup: Lookup<'_>) -> Result<QuietLogs, ConfigError> {
    if RUST_LOG.value(lookup).is_some() {
        return Ok(QuietLogs { filter: None, _guard: init_logs(lookup)? });
    }
    let (filter, handle) = reload::Layer::new(EnvFilter::new("warn"));
    Ok(QuietLogs { filter: Some(handle), _guard: start(filter) })
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

/// No thread that has other work writes to standard output: it may be a pipe that nobody reads.
fn start(filter: impl Layer<Registry> + Send + Sync) -> WorkerGuard {
    let queue = NonBlockingBuilder::default().buffered_lines_limit(MAX_LINES).thread_name("log");
    let (queue, guard) = queue.finish(std::io::stdout());
    let dropped = queue.error_counter();
    let lines = if std::io::stdout().is_terminal() {
        fmt::layer().compact().with_target(false).with_writer(queue).boxed()
    } else {
        let json = fmt::layer().json().flatten_event(true).with_span_list(false);
        json.with_writer(queue).boxed()
    };
    // Only a second start fails; the first one stays in effect.
    drop(tracing_subscriber::registry().with(filter).with(lines).try_init());
    std::panic::set_hook(Box::new(log_panic));
    std::thread::spawn(move || report_dropped(&dropped));
    guard
}

/// Logs how many lines were dropped, as soon as that line can be written itself.
fn report_dropped(dropped: &ErrorCounter) {
    let mut reported = 0;
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
        for (text, filter) in [("debug", "debug"), ("warn,bus=info", "bus=info,warn"), ("", "info")]
        {
            let read = RUST_LOG.read::<EnvFilter>(&|_| Some(text.to_owned()));
            assert_eq!(read.expect("a filter").to_string(), filter, "{text}");
        }
        assert!(RUST_LOG.value(&|_| Some(String::new())).is_none());
        let lookup = |_: &str| Some("bus=loud".to_owned());
        let error = RUST_LOG.read::<EnvFilter>(&lookup).expect_err("no level");
        assert_eq!(
            error.to_string(),
            "RUST_LOG is \"bus=loud\"; it should be a level or directives, for example \
             info,bus=debug"
        );
    }
}
