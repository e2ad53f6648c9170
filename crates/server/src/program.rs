//! The program: a servidor with settings from the environment.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use service::{Program, Shutdown};

use crate::config::{Config, HTTP_ADDR, SERVER_ID, SETTINGS};
use crate::importar::importar;
use crate::start::Server;

const PROGRAM: Program = Program {
    name: "server",
    version: env!("CARGO_PKG_VERSION"),
    about: "um servidor de postos de carregamento (an operator's charging points)",
    settings: SETTINGS,
    id: ("server_id", SERVER_ID),
    http_addr: HTTP_ADDR,
};

/// What the program can do instead of running.
#[derive(Subcommand)]
enum Task {
    /// Imports a CSV file of postos, whether the servidor runs or not
    Importar {
        /// CSV file with the columns id,nome,latitude,longitude,status
        arquivo: PathBuf,
        /// Only say what would be imported
        #[arg(long)]
        simular: bool,
    },
}

/// The `main` of `server`, and of the binary with failpoints.
pub fn main() -> ExitCode {
    PROGRAM.main(run, |task| match task {
        Task::Importar { arquivo, simular } => importar(&arquivo, simular),
    })
}

async fn run(mut shutdown: Shutdown) -> Result<(), Box<dyn Error>> {
    let config = Config::from_lookup(&service::environment)?;
    // A start can take long: another program may hold a lock on the database.
    let server = tokio::select! {
        server = Server::start(config) => server?,
        () = &mut shutdown => return Ok(()),
    };
    server.run_until(shutdown).await?;
    Ok(())
}
