//! The program `client`: a gateway with settings from the environment.

use std::convert::Infallible;
use std::process::ExitCode;

use client::{Client, Config, HTTP_ADDR, MQTT_CLIENT_ID, SETTINGS};
use service::Program;

const PROGRAM: Program = Program {
    name: "client",
    version: env!("CARGO_PKG_VERSION"),
    about: "o cliente HTTP dos postos de carregamento (gateway for drivers' apps)",
    settings: SETTINGS,
    id: ("client_id", MQTT_CLIENT_ID),
    http_addr: HTTP_ADDR,
};

fn main() -> ExitCode {
    PROGRAM.main(
        async |shutdown| {
            let config = Config::from_lookup(&service::environment)?;
            let client = Client::start(config).await?;
            client.reload_at(service::reload_signal());
            client.run_until(shutdown).await?;
            Ok(())
        },
        // It has no subcommands of its own.
        |subcommand: Infallible| match subcommand {},
    )
}
