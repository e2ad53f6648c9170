//! What an operator sets, read once at start.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use protocol::ServerId;
use service::{ConfigError, Lookup};

use crate::store::DatabaseUrl;

/// Settings of one servidor.
#[derive(Debug, Clone)]
pub struct Config {
    /// `SERVER_ID`, required: names this servidor on the broker and in every answer.
    pub server_id: ServerId,
    /// `DATABASE_URL`: its SQLite file; by default `sqlite:///./data/{server_id}.db`.
    pub database_url: DatabaseUrl,
    /// `MQTT_BROKER`: host of the broker; by default `localhost`.
    pub mqtt_broker: String,
    /// `MQTT_PORT`: port of the broker; by default 1883.
    pub mqtt_port: u16,
    /// `HTTP_ADDR`: where the admin API listens; by default `0.0.0.0:8000`.
    pub http_addr: SocketAddr,
    /// `POSTOS_CSV`: the postos of a first start; by default `data/{server_id}/postos.csv`,
    /// which may be missing, where one that is named may not.
    pub postos_csv: PostosCsv,
    /// `TEMPO_LIMITE_RESERVA`: how long a command that brings no time limit of its own may
    /// take, in seconds; by default 10.
    pub command_limit: Duration,
}

/// Where the postos of a first start come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostosCsv {
    /// From this file, which must be there.
    Named(PathBuf),
    /// From this file, if it is there.
    Default(PathBuf),
}

impl Config {
    /// Reads the settings through a lookup of variables.
    ///
    /// # Errors
    /// Names the first variable that is missing or malformed, its value and what it should be.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let server_id: ServerId = service::required(
            lookup,
            "SERVER_ID",
            "1 to 64 of A-Z a-z 0-9 _ -, for example server1",
        )?;
        let default_url = DatabaseUrl::from_path(format!("./data/{server_id}.db").into());
        let default_csv = PathBuf::from(format!("data/{server_id}/postos.csv"));
        let postos_csv = match lookup("POSTOS_CSV").filter(|path| !path.is_empty()) {
            Some(path) => PostosCsv::Named(path.into()),
            None => PostosCsv::Default(default_csv),
        };
        Ok(Self {
            database_url: service::or_default(
                lookup,
                "DATABASE_URL",
                default_url,
                "an SQLite file, for example sqlite:///./data/server1.db",
            )?,
            mqtt_broker: service::host(lookup, "MQTT_BROKER", "localhost")?,
            mqtt_port: service::port(lookup, "MQTT_PORT", 1883)?,
            http_addr: service::or_default(
                lookup,
                "HTTP_ADDR",
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8000)),
                "an address and port, for example 0.0.0.0:8000",
            )?,
            postos_csv,
            command_limit: service::duration_secs(
                lookup,
                "TEMPO_LIMITE_RESERVA",
                Duration::from_secs(10),
            )?,
            server_id,
        })
    }
}
