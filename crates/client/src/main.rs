//! The gateway's program.

use std::process::ExitCode;

use client::{Client, Config};
use service::Program;

const PROGRAM: Program = Program {
    name: "client",
    version: env!("CARGO_PKG_VERSION"),
    about: "o cliente HTTP dos postos de carregamento (gateway for drivers' apps)",
    variables: "  MQTT_CLIENT_ID        required, for example cliente1
  MQTT_BROKER           localhost
  MQTT_PORT             1883
  MQTT_ENTREGA          difusao (or direta)
  HTTP_ADDR             0.0.0.0:8001
  TEMPO_LIMITE_POSTOS   5 (seconds)
  TEMPO_LIMITE_RESERVA  10 (seconds)
  MAX_REQUISICOES       4096
  RUST_LOG              info",
    default_addr: "0.0.0.0:8001",
};

fn main() -> ExitCode {
    PROGRAM.main(async || -> Result<(), Box<dyn std::error::Error>> {
        service::init_logs(&service::environment)?;
        let shutdown = service::shutdown_signal();
        let config = Config::from_lookup(&service::environment)?;
        let client = Client::start(config).await?;
        client.run_until(shutdown).await?;
        Ok(())
    })
}
