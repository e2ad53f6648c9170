//! Which settings both programs have.

/// The settings of a program in the order of `--help`: its first ones, the broker's, its other ones,
/// and the rest that both programs have. The name of the service has the default of the program.
#[macro_export]
macro_rules! settings {
    ([$($first:expr),*], [$($own:expr),* $(,)?], $service_name:expr) => {
        &[
            $($first,)*
            $crate::MQTT_BROKER,
            $crate::MQTT_PORT,
            $crate::MQTT_USERNAME,
            $crate::MQTT_PASSWORD,
            $crate::MQTT_PASSWORD_FILE,
            $crate::MQTT_CA_FILE,
            $crate::MQTT_CERT_FILE,
            $crate::MQTT_KEY_FILE,
            $($own,)*
            $crate::CORS_ORIGENS,
            $crate::PROXIES_CONFIAVEIS,
            $crate::RUST_LOG,
            $crate::OTEL_SDK_DISABLED,
            $crate::OTEL_TRACES_EXPORTER,
            $crate::OTEL_EXPORTER_OTLP_ENDPOINT,
            $crate::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
            $crate::OTEL_TRACES_SAMPLER,
            $crate::OTEL_TRACES_SAMPLER_ARG,
            $service_name,
            $crate::OTEL_RESOURCE_ATTRIBUTES,
            $crate::OTEL_EXPORTER_OTLP_HEADERS,
            $crate::OTEL_EXPORTER_OTLP_TRACES_HEADERS,
            $crate::OTEL_BSP_SCHEDULE_DELAY,
            $crate::OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
        ]
    };
}
