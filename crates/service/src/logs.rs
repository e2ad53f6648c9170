//! Logs: plain lines on a terminal, JSON lines everywhere else.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::settings::{ConfigError, Lookup, RUST_LOG};

/// Starts logging to standard output, filtered by `RUST_LOG`. A second call changes nothing.
pub(crate) fn init_logs(lookup: Lookup<'_>) -> Result<(), ConfigError> {
    start(RUST_LOG.read::<EnvFilter>(lookup)?);
    Ok(())
}

/// Logs whose filter is set later, once a program has shown its own screen.
pub struct QuietLogs(Option<reload::Handle<EnvFilter, Registry>>);

/// Starts logging with warnings only, unless `RUST_LOG` is set.
///
/// # Errors
/// `RUST_LOG` is malformed.
pub fn init_quiet_logs(lookup: Lookup<'_>) -> Result<QuietLogs, ConfigError> {
    if RUST_LOG.value(lookup).is_some() {
        init_logs(lookup)?;
        return Ok(QuietLogs(None));
    }
    let (filter, handle) = reload::Layer::new(EnvFilter::new("warn"));
    start(filter);
    Ok(QuietLogs(Some(handle)))
}

impl QuietLogs {
    /// Filters by `directives` from now on, unless `RUST_LOG` is set.
    pub fn set_filter(self, directives: &str) {
        let Some(handle) = self.0 else { return };
        if let Err(error) = handle.reload(EnvFilter::new(directives)) {
            tracing::warn!(%error, "the log filter cannot be changed");
        }
    }
}

fn start(filter: impl Layer<Registry> + Send + Sync) {
    let lines = if std::io::stdout().is_terminal() {
        fmt::layer().compact().with_target(false).boxed()
    } else {
        fmt::layer().json().flatten_event(true).with_span_list(false).boxed()
    };
    // Only a second start fails; the first one stays in effect.
    drop(tracing_subscriber::registry().with(filter).with(lines).try_init());
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
