//! The servidor's program: settings from the environment, and a servidor that runs on them.

use std::process::ExitCode;

use service::Program;

use crate::{Config, Server};

const PROGRAM: Program = Program {
    name: "server",
    version: env!("CARGO_PKG_VERSION"),
    about: "um servidor de postos de carregamento (an operator's charging points)",
    variables: "  SERVER_ID             required, for example server1
  DATABASE_URL          sqlite:///./data/{server_id}.db
  MQTT_BROKER           localhost
  MQTT_PORT             1883
  HTTP_ADDR             0.0.0.0:8000
  POSTOS_CSV            data/{server_id}/postos.csv
  TEMPO_LIMITE_RESERVA  10 (seconds)
  RUST_LOG              info",
    default_addr: "0.0.0.0:8000",
};

/// Runs the program until it is told to stop.
#[must_use]
pub fn main() -> ExitCode {
    PROGRAM.main(async || -> Result<(), Box<dyn std::error::Error>> {
        service::init_logs(&service::environment)?;
        let shutdown = service::shutdown_signal();
        let config = Config::from_lookup(&service::environment)?;
        let server = Server::start(config).await?;
        server.run_until(shutdown).await?;
        Ok(())
    })
}
