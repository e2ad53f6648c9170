//! What every program of the suite has besides its purpose: settings, logs, an HTTP surface
//! with one error shape, health, and an orderly end.

mod config;
mod health;
mod http;
mod logs;
mod program;
mod tasks;

pub use config::{ConfigError, Lookup, duration_secs, host, or_default, port, required};
pub use health::healthcheck;
pub use http::{
    Health, HttpError, ListenError, Params, Path, RETRY_AFTER_SECONDS, RawJson, complete_document,
    finish, listen, name_request, serve,
};
pub use logs::{QuietLogs, init_logs, init_quiet_logs};
pub use program::{Program, environment, now, shutdown_signal};
pub use tasks::{spawn_essential, until_asked_or_broken};
