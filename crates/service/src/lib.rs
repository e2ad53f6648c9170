//! What both programs need besides their own work: settings, logs, an HTTP surface with one error
//! shape, health checks, and an orderly stop.

mod broker_login;
mod healthcheck;
mod http;
mod logs;
mod own_instance;
mod program;
mod settings;
mod signals;
mod tasks;

pub use broker_login::{
    BrokerAuthorities, BrokerLogin, BrokerPassword, MQTT_CA_FILE, MQTT_CERT_FILE, MQTT_KEY_FILE,
    MQTT_PASSWORD, MQTT_PASSWORD_FILE, MQTT_USERNAME, Secret,
};
pub use http::{
    CORS_ORIGENS, CorsOrigins, ETag, Health, HttpError, ListenError, LogFields, Params, Path,
    RETRY_AFTER_SECONDS, RawJson, body_of_parts, complete_document, finish, listen, read_file,
    serve, tagged, tagged_json,
};
pub use logs::{QuietLogs, init_quiet_logs, program_span};
pub use own_instance::{OwnAnswer, OwnInstance};
pub use program::{Program, check_environment, environment, now};
pub use settings::{
    ConfigError, Host, InvalidValue, Lookup, MQTT_BROKER, MQTT_PORT, RUST_LOG, Setting, TimeLimit,
};
pub use signals::{Reload, Shutdown, reload_signal, shutdown_signal};
pub use tasks::{end_within, spawn_essential, until_shutdown};
