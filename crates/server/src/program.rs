//! The program: a servidor with settings from the environment.

use std::process::ExitCode;

use service::Program;

use crate::config::{Config, HTTP_ADDR, SETTINGS};
use crate::start::Server;

const PROGRAM: Program = Program {
    name: "server",
    version: env!("CARGO_PKG_VERSION"),
    about: "um servidor de postos de carregamento (an operator's charging points)",
    settings: SETTINGS,
    http_addr: HTTP_ADDR,
};

/// The `main` of `server`, and of the binary with failpoints.
pub fn main() -> ExitCode {
    PROGRAM.main(async |shutdown| {
        let config = Config::from_lookup(&service::environment)?;
        Server::start(config).await?.run_until(shutdown).await?;
        Ok(())
    })
}
