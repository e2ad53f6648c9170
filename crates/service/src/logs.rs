//! Logs: plain lines for a person at a terminal, JSON lines for everything else.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::{self, ConfigError, Lookup};

/// Starts logging to standard output, at `info` unless `RUST_LOG` says otherwise. A second
/// call changes nothing.
///
/// # Errors
/// `RUST_LOG` is malformed.
pub fn init_logs(lookup: Lookup<'_>) -> Result<(), ConfigError> {
    start(asked_for(lookup)?.unwrap_or_else(|| EnvFilter::new("info")));
    Ok(())
}

/// The logs of a program that has something to show before it tells more.
pub struct QuietLogs(Option<reload::Handle<EnvFilter, Registry>>);

/// Starts logging with warnings only, unless `RUST_LOG` says otherwise.
///
/// # Errors
/// `RUST_LOG` is malformed.
pub fn init_quiet_logs(lookup: Lookup<'_>) -> Result<QuietLogs, ConfigError> {
    if let Some(filter) = asked_for(lookup)? {
        start(filter);
        return Ok(QuietLogs(None));
    }
    let (filter, handle) = reload::Layer::new(EnvFilter::new("warn"));
    start(filter);
    Ok(QuietLogs(Some(handle)))
}

fn asked_for(lookup: Lookup<'_>) -> Result<Option<EnvFilter>, ConfigError> {
    config::optional(lookup, "RUST_LOG", "a level or directives, for example info,bus=debug")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_logged_is_understood_or_refused_and_empty_is_not_set() {
        for (text, asked) in [("debug", Some("debug")), ("warn,bus=info", Some("bus=info,warn"))] {
            let lookup = |_: &str| Some(text.to_owned());
            let filter = asked_for(&lookup).expect("a filter").map(|filter| filter.to_string());
            assert_eq!(filter.as_deref(), asked, "{text}");
        }
        assert!(asked_for(&|_| Some(String::new())).expect("not set").is_none());
        let error = asked_for(&|_| Some("bus=loud".to_owned())).expect_err("no level");
        assert_eq!(
            error.to_string(),
            "RUST_LOG is \"bus=loud\"; it should be a level or directives, for example \
             info,bus=debug"
        );
    }
}
