//! The program: a servidor with settings from the environment.

use std::process::ExitCode;

use service::Program;

use crate::config::{Config, HTTP_ADDR, SERVER_ID, SETTINGS};
use crate::start::Server;

const PROGRAM: Program = Program {
    name: "server",
    version: env!("CARGO_PKG_VERSION"),
    about: "um servidor de postos de carregamento (an operator's charging points)",
    settings: SETTINGS,
    id: ("server_id", SERVER_ID),
    http_addr: HTTP_ADDR,
};

/// The `main` of `server`, and of the binary with failpoints.
pub fn main() -> ExitCode {
    PROGRAM.main(async |mut shutdown| {
        let config = Config::from_lookup(&service::environment)?;
        // A start can take long: another program may hold a lock on the database.
        let server = tokio::select! {
            server = Server::start(config) => server?,
            () = &mut shutdown => return Ok(()),
        };
        server.run_until(shutdown).await?;
        Ok(())
    })
}
