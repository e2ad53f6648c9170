//! The gateway (cliente) of drivers' apps and other systems: HTTP in, an MQTT command out, the
//! reply correlated, an HTTP answer.

mod config;
mod error;
mod gateway;
mod http;
mod start;

pub use config::{Config, HTTP_ADDR, SETTINGS};
pub use http::openapi;
pub use start::{Client, StartError};
