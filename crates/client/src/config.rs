//! What is set for a gateway, read once at start.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use protocol::{ClientId, Entrega};
use service::{ConfigError, Lookup};

const DEFAULT_MAX_IN_FLIGHT: NonZeroU16 = NonZeroU16::new(4096).unwrap();

/// Settings of one gateway.
#[derive(Debug, Clone)]
pub struct Config {
    /// `MQTT_CLIENT_ID`, required: names this gateway on the broker and in its topics.
    pub client_id: ClientId,
    /// `MQTT_BROKER`: host of the broker; by default `localhost`.
    pub mqtt_broker: String,
    /// `MQTT_PORT`: port of the broker; by default 1883.
    pub mqtt_port: u16,
    /// `MQTT_ENTREGA`: `difusao` (the default) sends a command to every servidor, `direta`
    /// only to the one it is for.
    pub entrega: Entrega,
    /// `HTTP_ADDR`: where the HTTP API listens; by default `0.0.0.0:8001`.
    pub http_addr: SocketAddr,
    /// `TEMPO_LIMITE_POSTOS`: how long a question may take, in seconds; by default 5.
    pub query_limit: Duration,
    /// `TEMPO_LIMITE_RESERVA`: how long a reservation or cancellation may take, in seconds; by
    /// default 10.
    pub command_limit: Duration,
    /// `MAX_REQUISICOES`: requests in flight beyond which the answer is `sobrecarregado`; by
    /// default 4096.
    pub max_in_flight: usize,
}

impl Config {
    /// Reads the settings through a lookup of variables.
    ///
    /// # Errors
    /// Names the first variable that is missing or malformed, its value and what it should be.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let entrega: Delivery = service::or_default(
            lookup,
            "MQTT_ENTREGA",
            Delivery(Entrega::Difusao),
            "difusao or direta",
        )?;
        let max_in_flight: NonZeroU16 = service::or_default(
            lookup,
            "MAX_REQUISICOES",
            DEFAULT_MAX_IN_FLIGHT,
            "a number of requests from 1 to 65535",
        )?;
        Ok(Self {
            client_id: service::required(
                lookup,
                "MQTT_CLIENT_ID",
                "1 to 64 of A-Z a-z 0-9 _ -, for example cliente1",
            )?,
            mqtt_broker: service::host(lookup, "MQTT_BROKER", "localhost")?,
            mqtt_port: service::port(lookup, "MQTT_PORT", 1883)?,
            entrega: entrega.0,
            http_addr: service::or_default(
                lookup,
                "HTTP_ADDR",
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8001)),
                "an address and port, for example 0.0.0.0:8001",
            )?,
            query_limit: service::duration_secs(
                lookup,
                "TEMPO_LIMITE_POSTOS",
                Duration::from_secs(5),
            )?,
            command_limit: service::duration_secs(
                lookup,
                "TEMPO_LIMITE_RESERVA",
                Duration::from_secs(10),
            )?,
            max_in_flight: max_in_flight.get().into(),
        })
    }
}

struct Delivery(Entrega);

impl std::str::FromStr for Delivery {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "difusao" => Ok(Self(Entrega::Difusao)),
            "direta" => Ok(Self(Entrega::Direta)),
            _ => Err(()),
        }
    }
}
