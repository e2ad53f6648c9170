//! What both programs need besides their own work: settings, logs, an HTTP surface with one error
//! shape, health checks, and an orderly stop.

mod broker_login;
pub mod doctor;
pub mod failpoints;
mod healthcheck;
mod http;
mod logs;
mod metrics;
mod own_instance;
mod proc_stat;
mod program;
mod secret;
mod settings;
mod settings_macro;
mod signals;
mod tasks;
mod traces;
mod web_origin;

/// Of all crates and programs here.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub use broker_login::{
    BrokerAuthorities, BrokerLogin, BrokerPassword, MQTT_CA_FILE, MQTT_CERT_FILE, MQTT_KEY_FILE,
    MQTT_PASSWORD, MQTT_PASSWORD_FILE, MQTT_USERNAME, WrongUser,
};
pub use http::{
    ANYBODY, Access, Asset, Assets, CORS_ORIGENS, Caller, CallerKey, CallerLimit, CorsOrigins,
    Documentation, ETag, Health, HttpError, HttpMetrics, JsonBody, LOAD_AGAIN, Language,
    ListenError, LogFields, MAX_TOKEN, OptionalLayers, PROXIES_CONFIAVEIS, PageCache, PageForm,
    PageHeaders, PageRoutes, Params, Path, RETRY_AFTER_SECONDS, RateLimit, RefusalText, Role,
    Routes, StreamCaller, StreamPermit, Streams, Token, Tokens, TrustedProxies, accept_token,
    answer_with_etag, body_of_parts, both_parts, build_router, caller_ip, complete_document,
    is_page_of_this_machine, json_in_page, json_with_etag, listen, listen_for_metrics,
    missing_token, no_file_of, operators_only, read_file, refuse_foreign_pages, require_token,
    serve, serve_metrics, status_of, too_long_file, trace_requests, without_slash,
};
pub use logs::{QuietLogs, init_quiet_logs, program_span};
pub use metrics::{CodigoLabel, CommandLabel, METRICS_ADDR, Metrics, register_metric};
pub use own_instance::{OwnAnswer, OwnInstance};
pub use program::{Program, check_environment, environment, now, settings_help};
pub use secret::{Secret, SecretHash, new_secret};
pub use settings::{
    ConfigError, Host, InvalidValue, Lookup, MQTT_BROKER, MQTT_PORT, RUST_LOG, Setting, TimeLimit,
};
pub use signals::{Reload, Shutdown, reload_signal, shutdown_signal};
pub use tasks::{end_within, spawn_essential, until_shutdown};
pub use traces::{
    MessageArrival, OTEL_BSP_MAX_EXPORT_BATCH_SIZE, OTEL_BSP_SCHEDULE_DELAY,
    OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_HEADERS, OTEL_RESOURCE_ATTRIBUTES, OTEL_SDK_DISABLED,
    OTEL_SERVICE_NAME, OTEL_TRACES_EXPORTER, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG,
    SpanMessage, Trace, TraceError, TraceSettings, Tracer, in_trace,
};
pub use web_origin::WebOrigin;
