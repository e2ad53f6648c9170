//! Logs: plain lines for a person at a terminal, JSON lines for everything else.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging to standard output, at `info` unless `RUST_LOG` says otherwise. A second
/// call changes nothing.
pub fn init_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter);
    let started = if std::io::stdout().is_terminal() {
        logs.compact().with_target(false).try_init()
    } else {
        logs.json()
            .flatten_event(true)
            .with_span_list(false)
            .try_init()
    };
    drop(started);
}
