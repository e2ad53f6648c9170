//! Which settings of its programs the suite takes from the environment.

use service::{Lookup, Setting, settings_help};

/// What the command line says or the suite itself decides: who the programs are, where they listen
/// and keep their data, and who may use the admin APIs. The calls that the start screen shows need no
/// token.
const OWN: [&str; 8] = [
    "SERVER_ID",
    "DATABASE_URL",
    "POSTOS_CSV",
    "HTTP_ADDR",
    "METRICS_ADDR",
    "ADMIN_TOKEN_FILE",
    "ADMIN_ABERTO",
    "API_TOKENS_FILE",
];
/// How the programs reach the broker, which the command line says too.
const OF_BROKER: &str = "MQTT_";
/// Read by the suite, for all its programs, with a default of its own.
const LOG_FILTER: &str = service::RUST_LOG.name;

/// Whether a setting comes from the environment, as it does for the program alone.
fn is_inherited(name: &str) -> bool {
    !OWN.contains(&name) && !name.starts_with(OF_BROKER) && name != LOG_FILTER
}

/// The values that `set` has, and those of the environment.
pub(crate) fn inherited<'a>(set: Lookup<'a>) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| set(name).or_else(|| is_inherited(name).then(|| service::environment(name))?)
}

/// The settings that are taken, for `--help`.
pub(crate) fn help() -> String {
    let help = |settings: &[Setting]| {
        settings_help(settings.iter().filter(|setting| is_inherited(setting.name)))
    };
    let (of_servers, of_clients) = (help(server::SETTINGS), help(client::SETTINGS));
    format!(
        "Settings from the environment, as of the programs alone. Both servidores take:{of_servers}\n\n\
         Both gateways take:{of_clients}\n\n\
         RUST_LOG filters the logs of all."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_line_says_is_not_taken_from_the_environment() {
        let taken = |settings: &[Setting]| -> Vec<_> {
            let names = settings.iter().map(|setting| setting.name);
            names.filter(|name| is_inherited(name)).collect()
        };
        assert_eq!(
            taken(server::SETTINGS),
            [
                "TEMPO_LIMITE_RESERVA",
                "RETENCAO_DIAS",
                "RESERVA_DURACAO_H",
                "RESERVA_MAXIMA_DIAS",
                "RESERVA_ANTECEDENCIA_DIAS",
                "RESERVA_TOLERANCIA_MIN",
                "RESERVAS_POR_CARRO",
                "CORS_ORIGENS",
                "PROXIES_CONFIAVEIS",
                "OTEL_SDK_DISABLED",
                "OTEL_TRACES_EXPORTER",
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "OTEL_TRACES_SAMPLER",
                "OTEL_TRACES_SAMPLER_ARG",
                "OTEL_SERVICE_NAME",
                "OTEL_RESOURCE_ATTRIBUTES",
                "OTEL_EXPORTER_OTLP_HEADERS",
                "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                "OTEL_BSP_SCHEDULE_DELAY",
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            ]
        );
        assert_eq!(
            taken(client::SETTINGS),
            [
                "TEMPO_LIMITE_POSTOS",
                "TEMPO_LIMITE_RESERVA",
                "MAX_REQUISICOES",
                "MAX_EVENTOS",
                "LIMITE_POR_MINUTO",
                "MAPA_TILES",
                "MAPA_CREDITO",
                "CORS_ORIGENS",
                "PROXIES_CONFIAVEIS",
                "OTEL_SDK_DISABLED",
                "OTEL_TRACES_EXPORTER",
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "OTEL_TRACES_SAMPLER",
                "OTEL_TRACES_SAMPLER_ARG",
                "OTEL_SERVICE_NAME",
                "OTEL_RESOURCE_ATTRIBUTES",
                "OTEL_EXPORTER_OTLP_HEADERS",
                "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                "OTEL_BSP_SCHEDULE_DELAY",
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            ]
        );
    }
}
