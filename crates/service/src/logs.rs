//! Logs: plain lines for a person at a terminal, JSON lines for everything else.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// Starts logging to standard output, at `info` unless `RUST_LOG` says otherwise. A second
/// call changes nothing.
pub fn init_logs() {
    start(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")));
}

/// The logs of a program that has something to show before it tells more.
pub struct QuietLogs(Option<reload::Handle<EnvFilter, Registry>>);

/// Starts logging with warnings only, unless `RUST_LOG` says otherwise.
#[must_use]
pub fn init_quiet_logs() -> QuietLogs {
    if let Ok(filter) = EnvFilter::try_from_default_env() {
        start(filter);
        return QuietLogs(None);
    }
    let (filter, handle) = reload::Layer::new(EnvFilter::new("warn"));
    start(filter);
    QuietLogs(Some(handle))
}

impl QuietLogs {
    /// From now on logs what `directives` say, unless `RUST_LOG` said otherwise.
    pub fn tell(self, directives: &str) {
        let Some(handle) = self.0 else { return };
        if let Err(error) = handle.reload(EnvFilter::new(directives)) {
            tracing::warn!(%error, "the logs stay quiet");
        }
    }
}

fn start(filter: impl Layer<Registry> + Send + Sync) {
    let lines = if std::io::stdout().is_terminal() {
        fmt::layer().compact().with_target(false).boxed()
    } else {
        fmt::layer().json().flatten_event(true).with_span_list(false).boxed()
    };
    // Only a second start fails, and then the first one goes on.
    drop(tracing_subscriber::registry().with(filter).with(lines).try_init());
}
