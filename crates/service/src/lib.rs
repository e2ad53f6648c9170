//! What both programs need besides their own work: settings, logs, an HTTP surface with one error
//! shape, health checks, and an orderly stop.

mod healthcheck;
mod http;
mod logs;
mod program;
mod settings;
mod signals;
mod tasks;

pub use http::{
    Health, HttpError, ListenError, LogFields, Params, Path, RETRY_AFTER_SECONDS, RawJson,
    complete_document, finish, listen, serve,
};
pub use logs::{QuietLogs, init_quiet_logs, program_span};
pub use program::{Program, check_environment, environment, now};
pub use settings::{
    ConfigError, Host, InvalidValue, Lookup, MQTT_BROKER, MQTT_PORT, RUST_LOG, Setting, TimeLimit,
};
pub use signals::{Shutdown, shutdown_signal};
pub use tasks::{end_within, spawn_essential, until_shutdown};
