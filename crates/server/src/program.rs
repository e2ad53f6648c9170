//! The program: a servidor with settings from the environment.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use service::{Program, Shutdown};
use tracing::warn;

use crate::config::{AdminAccess, Config, HTTP_ADDR, SERVER_ID, SETTINGS};
use crate::doctor::{DoctorArgs, doctor};
use crate::start::Server;
use crate::subcommands::{TokenArgs, back_up, importar, restore, token};

const PROGRAM: Program = Program {
    name: "server",
    about: "A servidor: manages the charging points (postos) of one operator, and their reservas",
    settings: SETTINGS,
    id: ("server_id", SERVER_ID),
    http_addr: HTTP_ADDR,
};

/// What the program can do instead of running.
#[derive(clap::Subcommand)]
enum Subcommand {
    /// Imports a CSV file of postos, whether the servidor runs or not
    Importar {
        /// CSV file with the columns id,nome,latitude,longitude,status
        arquivo: PathBuf,
        /// Only say what would be imported
        #[arg(long)]
        simular: bool,
    },
    /// Copies the database to a new file, while the servidor runs or not
    Backup {
        /// A file that does not exist yet, a folder, or - for standard output
        destino: PathBuf,
        /// Of the backups in this folder, keep the N newest and remove the others
        #[arg(long, value_name = "N")]
        manter: Option<NonZeroUsize>,
    },
    /// Shows the token of the admin API, or makes, lists and revokes others
    Token(TokenArgs),
    /// Says what is well, and what to do about what is not; it changes nothing
    Doctor(DoctorArgs),
    /// Replaces the database by a backup, while the servidor is stopped
    Restaurar {
        /// A file that `server backup` has made, or - for standard input
        origem: PathBuf,
    },
}

/// The `main` of `server`, and of the binary with failpoints.
pub fn main() -> ExitCode {
    PROGRAM.main(run, |subcommand| {
        match subcommand {
            Subcommand::Importar { arquivo, simular } => importar(&config()?, &arquivo, simular)?,
            Subcommand::Backup { destino, manter } => back_up(&config()?, &destino, manter)?,
            Subcommand::Token(args) => token(&config()?, args)?,
            Subcommand::Restaurar { origem } => restore(&config()?, &origem)?,
            Subcommand::Doctor(args) => return doctor(&args),
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn run(mut shutdown: Shutdown) -> Result<(), Box<dyn Error>> {
    let config = Config::from_lookup(&service::environment)?;
    if config.admin_access == AdminAccess::Open {
        warn!("ADMIN_ABERTO: the admin API asks for no token; pages of other origins are refused");
    }
    // A start can take long: another program may hold a lock on the database.
    let server = tokio::select! {
        server = Server::start(config) => server?,
        () = &mut shutdown => return Ok(()),
    };
    server.reload_at(service::reload_signal());
    server.run_until(shutdown).await?;
    Ok(())
}

/// The settings of a subcommand, which needs no more of the program than they.
fn config() -> Result<Config, Box<dyn Error>> {
    service::check_environment(SETTINGS)?;
    Ok(Config::from_lookup(&service::environment)?)
}
