//! The settings of a gateway, read once at start.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::map_tiles::MapTiles;
use bus::{Authorities, ClientCertificate, Credentials, Password};
use protocol::{ClientId, Entrega};
use service::{
    BrokerAuthorities, BrokerLogin, BrokerPassword, CORS_ORIGENS, ConfigError, CorsOrigins, Host,
    Lookup, METRICS_ADDR, MQTT_BROKER, MQTT_CA_FILE, MQTT_CERT_FILE, MQTT_KEY_FILE, MQTT_PASSWORD,
    MQTT_PASSWORD_FILE, MQTT_PORT, MQTT_USERNAME, OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BSP_SCHEDULE_DELAY, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    OTEL_RESOURCE_ATTRIBUTES, OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER, OTEL_TRACES_SAMPLER,
    OTEL_TRACES_SAMPLER_ARG, PROXIES_CONFIAVEIS, RUST_LOG, Setting, TimeLimit, TraceSettings,
    TrustedProxies,
};

/// The id of this gateway.
pub const MQTT_CLIENT_ID: Setting = Setting {
    name: "MQTT_CLIENT_ID",
    default: None,
    should_be: "1 to 64 of A-Z a-z 0-9 _ -, for example cliente1",
    about: "id of this gateway on the broker and in its topics",
};

const MQTT_ENTREGA: Setting = Setting {
    name: "MQTT_ENTREGA",
    default: Some("difusao"),
    should_be: "difusao or direta",
    about: "difusao sends a command to every servidor, direta only to its own",
};

/// Where the HTTP API listens.
pub const HTTP_ADDR: Setting = Setting {
    name: "HTTP_ADDR",
    default: Some("0.0.0.0:8001"),
    should_be: "an address and port, for example 0.0.0.0:8001",
    about: "address of the HTTP API",
};

const TEMPO_LIMITE_POSTOS: Setting = Setting {
    name: "TEMPO_LIMITE_POSTOS",
    default: Some("5"),
    should_be: TimeLimit::SHOULD_BE,
    about: "seconds that a query may take",
};

const TEMPO_LIMITE_RESERVA: Setting = Setting {
    name: "TEMPO_LIMITE_RESERVA",
    default: Some("10"),
    should_be: TimeLimit::SHOULD_BE,
    about: "seconds that a reservation, a change or a cancellation may take",
};

const MAX_REQUISICOES: Setting = Setting {
    name: "MAX_REQUISICOES",
    default: Some("4096"),
    should_be: "a number of requests from 1 to 65535",
    about: "requests in flight; one more is answered with sobrecarregado",
};

const MAX_EVENTOS: Setting = Setting {
    name: "MAX_EVENTOS",
    default: Some("1024"),
    should_be: "a number of streams from 1 to 65535",
    about: "event streams open at a time; one more is answered with sobrecarregado",
};

const API_TOKENS_FILE: Setting = Setting {
    name: "API_TOKENS_FILE",
    default: Some(""),
    should_be: "a file",
    about: "tokens of apps, a line each: app sha256:HEX [limit]; empty: everybody may call",
};

const LIMITE_POR_MINUTO: Setting = Setting {
    name: "LIMITE_POR_MINUTO",
    default: Some("0"),
    should_be: "a number of requests, 0 for no limit",
    about: "requests of one caller in a minute; 0: no limit",
};

const MAPA_TILES: Setting = Setting {
    name: "MAPA_TILES",
    default: Some(""),
    should_be: "an address with {z}, {x} and {y}, for example https://tile.example.com/{z}/{x}/{y}.png",
    about: "pictures behind the map of the page for drivers, loaded by browsers; empty: none",
};

const MAPA_CREDITO: Setting = Setting {
    name: "MAPA_CREDITO",
    default: Some(""),
    should_be: "a text",
    about: "whose the pictures of MAPA_TILES are, shown beside them",
};

const OTEL_SERVICE_NAME: Setting =
    Setting { default: Some("postos-client"), ..service::OTEL_SERVICE_NAME };

pub const SETTINGS: &[Setting] = &[
    MQTT_CLIENT_ID,
    MQTT_BROKER,
    MQTT_PORT,
    MQTT_USERNAME,
    MQTT_PASSWORD,
    MQTT_PASSWORD_FILE,
    MQTT_CA_FILE,
    MQTT_CERT_FILE,
    MQTT_KEY_FILE,
    MQTT_ENTREGA,
    HTTP_ADDR,
    METRICS_ADDR,
    TEMPO_LIMITE_POSTOS,
    TEMPO_LIMITE_RESERVA,
    MAX_REQUISICOES,
    MAX_EVENTOS,
    API_TOKENS_FILE,
    LIMITE_POR_MINUTO,
    MAPA_TILES,
    MAPA_CREDITO,
    CORS_ORIGENS,
    PROXIES_CONFIAVEIS,
    RUST_LOG,
    OTEL_SDK_DISABLED,
    OTEL_TRACES_EXPORTER,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_TRACES_SAMPLER,
    OTEL_TRACES_SAMPLER_ARG,
    OTEL_SERVICE_NAME,
    OTEL_RESOURCE_ATTRIBUTES,
    OTEL_EXPORTER_OTLP_HEADERS,
    OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    OTEL_BSP_SCHEDULE_DELAY,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
];

#[derive(Debug, Clone)]
pub struct Config {
    pub client_id: ClientId,
    pub mqtt_broker: String,
    pub mqtt_port: u16,
    pub login: BrokerLogin,
    pub entrega: Entrega,
    pub http_addr: SocketAddr,
    /// `None`: metrics are not answered.
    pub metrics_addr: Option<SocketAddr>,
    pub query_limit: Duration,
    pub command_limit: Duration,
    pub max_in_flight: usize,
    /// Streams of events that are open.
    pub max_streams: usize,
    pub tokens_file: Option<PathBuf>,
    /// Of one caller, 0 for no limit.
    pub limit_per_minute: u32,
    /// `None`: the map has no pictures.
    pub map_tiles: Option<MapTiles>,
    pub cors: CorsOrigins,
    pub proxies: TrustedProxies,
    /// `None`: nothing is traced.
    pub traces: Option<TraceSettings>,
}

/// The topics on which commands are sent: not all that a servidor says of its topics is a choice.
struct CommandTopics(Entrega);

impl FromStr for CommandTopics {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.parse() {
            Ok(entrega @ (Entrega::Difusao | Entrega::Direta)) => Ok(Self(entrega)),
            _ => Err(()),
        }
    }
}

impl Config {
    /// # Errors
    /// The first variable that is missing or malformed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            client_id: MQTT_CLIENT_ID.read(lookup)?,
            mqtt_broker: MQTT_BROKER.read::<Host>(lookup)?.0,
            mqtt_port: MQTT_PORT.read::<NonZeroU16>(lookup)?.get(),
            login: BrokerLogin::from_lookup(lookup)?,
            entrega: MQTT_ENTREGA.read::<CommandTopics>(lookup)?.0,
            http_addr: HTTP_ADDR.read(lookup)?,
            metrics_addr: METRICS_ADDR.read_if_set(lookup)?,
            query_limit: TEMPO_LIMITE_POSTOS.read::<TimeLimit>(lookup)?.0,
            command_limit: TEMPO_LIMITE_RESERVA.read::<TimeLimit>(lookup)?.0,
            max_in_flight: MAX_REQUISICOES.read::<NonZeroU16>(lookup)?.get().into(),
            max_streams: MAX_EVENTOS.read::<NonZeroU16>(lookup)?.get().into(),
            tokens_file: API_TOKENS_FILE.value(lookup).map(PathBuf::from),
            limit_per_minute: LIMITE_POR_MINUTO.read(lookup)?,
            map_tiles: MapTiles::of(
                MAPA_TILES.read_if_set(lookup)?,
                MAPA_CREDITO.value(lookup).unwrap_or_default(),
            ),
            cors: CORS_ORIGENS.read_or_empty(lookup)?,
            proxies: PROXIES_CONFIAVEIS.read_or_empty(lookup)?,
            traces: TraceSettings::from_lookup(OTEL_SERVICE_NAME, lookup)?,
        })
    }

    /// What the bus logs in with.
    pub(crate) fn credentials(&self) -> Credentials {
        let BrokerLogin { username, password, authorities, certificate } = self.login.clone();
        Credentials {
            username,
            password: password.map(|password| match password {
                BrokerPassword::Text(secret) => Password::Text(secret.expose().to_owned()),
                BrokerPassword::File(path) => Password::File(path),
            }),
            authorities: authorities.map(|authorities| match authorities {
                BrokerAuthorities::OfSystem => Authorities::OfSystem,
                BrokerAuthorities::File(path) => Authorities::File(path),
            }),
            certificate: certificate
                .map(|(certificate, key)| ClientCertificate { certificate, key }),
        }
    }
}
