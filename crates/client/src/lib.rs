//! The gateway (cliente) of drivers' apps and other systems: takes an HTTP request, sends an MQTT
//! command, and answers with the reply of the servidor.

mod app_tokens;
mod config;
mod doctor;
mod error;
mod gateway;
mod http;
mod map_tiles;
mod metrics;
mod program;
mod start;
mod token;

pub use config::{Config, SETTINGS};
pub use error::GatewayError;
pub use gateway::{Call, Reply, Requester};
pub use http::openapi;
pub use metrics::RequesterMetrics;
pub use program::main;
pub use start::{Client, StartError};
