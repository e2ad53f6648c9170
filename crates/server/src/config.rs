//! The settings of a servidor, read once at start.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use bus::{Authorities, ClientCertificate, Credentials, Password};
use protocol::ServerId;
use service::{
    BrokerAuthorities, BrokerLogin, BrokerPassword, CORS_ORIGENS, ConfigError, CorsOrigins, Host,
    InvalidValue, Lookup, METRICS_ADDR, MQTT_BROKER, MQTT_CA_FILE, MQTT_CERT_FILE, MQTT_KEY_FILE,
    MQTT_PASSWORD, MQTT_PASSWORD_FILE, MQTT_PORT, MQTT_USERNAME, OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BSP_SCHEDULE_DELAY, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    OTEL_RESOURCE_ATTRIBUTES, OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER, OTEL_TRACES_SAMPLER,
    OTEL_TRACES_SAMPLER_ARG, PROXIES_CONFIAVEIS, RUST_LOG, Setting, TimeLimit, TraceSettings,
    TrustedProxies,
};

use crate::reserva_rules::{
    self, RESERVA_ANTECEDENCIA_DIAS, RESERVA_DURACAO_H, RESERVA_MAXIMA_DIAS,
    RESERVA_TOLERANCIA_MIN, RESERVAS_POR_CARRO, Rules,
};
use crate::store::DatabaseUrl;

pub(crate) const SERVER_ID: Setting = Setting {
    name: "SERVER_ID",
    default: None,
    should_be: "1 to 64 of A-Z a-z 0-9 _ -, and not postos, for example server1",
    about: "id of this servidor on the broker and in every answer",
};

const DATABASE_URL: Setting = Setting {
    name: "DATABASE_URL",
    default: Some("sqlite:///./data/{server_id}.db"),
    should_be: "an SQLite file, for example sqlite:///./data/server1.db",
    about: "database; three slashes: relative, four: absolute",
};

const POSTOS_CSV: Setting = Setting {
    name: "POSTOS_CSV",
    default: Some("data/{server_id}/postos.csv"),
    should_be: "a file",
    about: "postos of a servidor that never had any; the default file may be missing",
};

pub(crate) const HTTP_ADDR: Setting = Setting {
    name: "HTTP_ADDR",
    default: Some("0.0.0.0:8000"),
    should_be: "an address and port, for example 0.0.0.0:8000",
    about: "address of the admin API",
};

const TEMPO_LIMITE_RESERVA: Setting = Setting {
    name: "TEMPO_LIMITE_RESERVA",
    default: Some("10"),
    should_be: TimeLimit::SHOULD_BE,
    about: "seconds that a command without a time limit of its own may take",
};

const ADMIN_TOKEN_FILE: Setting = Setting {
    name: "ADMIN_TOKEN_FILE",
    default: Some(""),
    should_be: "a file",
    about: "file with the operator's token; empty: one is made, beside the database",
};

const ADMIN_ABERTO: Setting = Setting {
    name: "ADMIN_ABERTO",
    default: Some("nao"),
    should_be: "sim or nao",
    about: "sim: the admin API asks for no token, and refuses pages of other origins",
};

const RETENCAO_DIAS: Setting = Setting {
    name: "RETENCAO_DIAS",
    default: Some("0"),
    should_be: "a number of days, 0 to keep for good",
    about: "days after which the placa of what ended is forgotten",
};

const OTEL_SERVICE_NAME: Setting =
    Setting { default: Some("postos-server"), ..service::OTEL_SERVICE_NAME };

/// Every setting of the program.
pub const SETTINGS: &[Setting] = &[
    SERVER_ID,
    DATABASE_URL,
    POSTOS_CSV,
    MQTT_BROKER,
    MQTT_PORT,
    MQTT_USERNAME,
    MQTT_PASSWORD,
    MQTT_PASSWORD_FILE,
    MQTT_CA_FILE,
    MQTT_CERT_FILE,
    MQTT_KEY_FILE,
    HTTP_ADDR,
    METRICS_ADDR,
    ADMIN_TOKEN_FILE,
    ADMIN_ABERTO,
    TEMPO_LIMITE_RESERVA,
    RETENCAO_DIAS,
    RESERVA_DURACAO_H,
    RESERVA_MAXIMA_DIAS,
    RESERVA_ANTECEDENCIA_DIAS,
    RESERVA_TOLERANCIA_MIN,
    RESERVAS_POR_CARRO,
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

/// The values of the settings.
#[derive(Debug, Clone)]
pub struct Config {
    pub server_id: ServerId,
    pub database_url: DatabaseUrl,
    pub mqtt_broker: String,
    pub mqtt_port: u16,
    pub login: BrokerLogin,
    pub http_addr: SocketAddr,
    /// `None`: metrics are not answered.
    pub metrics_addr: Option<SocketAddr>,
    pub admin_access: AdminAccess,
    pub postos_csv: PostosCsv,
    pub command_limit: Duration,
    /// 0: nothing is forgotten for its age.
    pub retention_days: u32,
    pub rules: Rules,
    pub cors: CorsOrigins,
    pub proxies: TrustedProxies,
    /// `None`: nothing is traced.
    pub traces: Option<TraceSettings>,
}

/// Who may use the admin API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAccess {
    /// Who has a token. The first one is made at the first start.
    Tokens,
    /// Who has a token. The first one is that of the operator in this file.
    TokensAndFile(PathBuf),
    /// Everybody but pages of other origins.
    Open,
}

/// `sim` or `nao`.
struct Flag(bool);

impl FromStr for Flag {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text.to_lowercase().as_str() {
            "sim" => Ok(Self(true)),
            "nao" | "não" => Ok(Self(false)),
            _ => Err(InvalidValue),
        }
    }
}

/// The file with the postos of a servidor that never had any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostosCsv {
    /// It was set, and must exist.
    Named(PathBuf),
    /// It may be missing.
    Default(PathBuf),
    /// It may be missing; then this is imported.
    OrSample(PathBuf, &'static str),
}

impl PostosCsv {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Default(path) | Self::OrSample(path, _) => path,
        }
    }
}

impl Config {
    /// # Errors
    /// The first variable that is missing or malformed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let server_id: ServerId = SERVER_ID.read(lookup)?;
        let default_of = |setting: Setting| {
            setting.default.unwrap_or_default().replace("{server_id}", server_id.as_str())
        };
        let database_url = DATABASE_URL.value(lookup).unwrap_or_else(|| default_of(DATABASE_URL));
        let postos_csv = match POSTOS_CSV.value(lookup) {
            Some(path) => PostosCsv::Named(path.into()),
            None => PostosCsv::Default(default_of(POSTOS_CSV).into()),
        };
        let admin_access = match ADMIN_TOKEN_FILE.value(lookup) {
            _ if ADMIN_ABERTO.read::<Flag>(lookup)?.0 => AdminAccess::Open,
            Some(path) => AdminAccess::TokensAndFile(path.into()),
            None => AdminAccess::Tokens,
        };
        Ok(Self {
            admin_access,
            database_url: DATABASE_URL.parse(database_url)?,
            mqtt_broker: MQTT_BROKER.read::<Host>(lookup)?.0,
            mqtt_port: MQTT_PORT.read::<NonZeroU16>(lookup)?.get(),
            login: BrokerLogin::from_lookup(lookup)?,
            http_addr: HTTP_ADDR.read(lookup)?,
            metrics_addr: METRICS_ADDR.read_if_set(lookup)?,
            postos_csv,
            command_limit: TEMPO_LIMITE_RESERVA.read::<TimeLimit>(lookup)?.0,
            retention_days: RETENCAO_DIAS.read(lookup)?,
            rules: reserva_rules::read(lookup)?,
            cors: CORS_ORIGENS.read_or_empty(lookup)?,
            proxies: PROXIES_CONFIAVEIS.read_or_empty(lookup)?,
            traces: TraceSettings::from_lookup(OTEL_SERVICE_NAME, lookup)?,
            server_id,
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
