//! The gateway (cliente) of drivers' apps and other systems: takes an HTTP request, sends an MQTT
//! command, and answers with the reply of the servidor.

mod config;
mod error;
mod gateway;
mod http;
mod start;

pub use config::{Config, HTTP_ADDR, MQTT_CLIENT_ID, SETTINGS};
pub use error::GatewayError;
pub use gateway::{Call, Reply, Requester};
pub use http::openapi;
pub use start::{Client, StartError};
