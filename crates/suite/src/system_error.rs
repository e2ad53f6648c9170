//! Why the system cannot start, or has ended.

use std::io;
use std::time::Duration;

use service::{ListenError, METRICS_ADDR};

use crate::BrokerError;

/// Why the system cannot start, in one line that names the part and the option to change.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    #[error(
        "{name} cannot start: port {port} is in use by another program; choose another with {flag}"
    )]
    PortInUse { name: &'static str, port: u16, flag: &'static str },
    #[error(
        "{name} cannot start: port {port}, where it would answer /metrics, is in use by another \
         program; choose with {flag} one that is 2000 less than a free one"
    )]
    MetricsPortInUse { name: &'static str, port: u16, flag: &'static str },
    #[error("broker: {0}")]
    Broker(BrokerError),
    #[error("{name}: {source}")]
    Server { name: &'static str, source: server::StartError },
    #[error("{name}: {source}")]
    Client { name: &'static str, source: client::StartError },
    #[error("{name}: {source}")]
    Listen { name: &'static str, source: ListenError },
    #[error("{0}")]
    Config(#[from] service::ConfigError),
    #[error("the threads cannot be started: {0}")]
    Runtime(io::Error),
    #[error("{name} has ended{}", reason(.outcome))]
    Ended { name: &'static str, outcome: io::Result<()> },
    #[error("the broker at {broker} did not bring servidores and gateways together in {} s", .limit.as_secs())]
    NotReady { broker: String, limit: Duration },
}

impl SystemError {
    pub(crate) fn of_broker(error: BrokerError) -> Self {
        match error {
            BrokerError::Listen { addr, source } if source.kind() == io::ErrorKind::AddrInUse => {
                Self::PortInUse { name: "the broker", port: addr.port(), flag: "--broker-ports" }
            }
            other => Self::Broker(other),
        }
    }

    pub(crate) fn of_listener(name: &'static str, flag: &'static str, source: ListenError) -> Self {
        let port = source.addr.port();
        match source.source.kind() {
            io::ErrorKind::AddrInUse if source.setting == METRICS_ADDR.name => {
                Self::MetricsPortInUse { name, port, flag }
            }
            io::ErrorKind::AddrInUse => Self::PortInUse { name, port, flag },
            _ => Self::Listen { name, source },
        }
    }
}

fn reason(outcome: &io::Result<()>) -> String {
    outcome.as_ref().err().map_or_else(String::new, |error| format!(": {error}"))
}
