//! The program: a servidor with settings from the environment.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use service::{Program, SecretHash, Shutdown};

use crate::app_state::now;
use crate::backup_command::back_up;
use crate::config::{AdminAccess, Config, HTTP_ADDR, SERVER_ID, SETTINGS};
use crate::doctor::{DoctorArgs, doctor};
use crate::importar::importar;
use crate::start::Server;
use crate::stdio_backup;
use crate::store::{self, Replaced, Restored};
use crate::token_command::{TokenArgs, token};
use crate::token_file;
use tracing::warn;

const PROGRAM: Program = Program {
    name: "server",
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
    PROGRAM.main(run, |task| {
        let done = match task {
            Task::Importar { arquivo, simular } => importar(&arquivo, simular),
            Task::Backup { destino, manter } => {
                config().and_then(|config| back_up(&config, &destino, manter))
            }
            Task::Token(args) => token(args),
            Task::Restaurar { origem } => restore(&origem),
            Task::Doctor(args) => return doctor(&args),
        };
        done.map(|()| ExitCode::SUCCESS)
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

/// The hash of the token in the file beside the database, if there is one.
fn file_token(database: &Path) -> Option<[u8; 32]> {
    let token = std::fs::read_to_string(token_file::beside(database)).ok()?;
    Some(*SecretHash::of(token.trim()).as_bytes())
}

#[expect(clippy::print_stdout, reason = "the answer to the command line")]
fn restore(from: &Path) -> Result<(), Box<dyn Error>> {
    let config = config()?;
    let (database, server_id) = (config.database_url.path(), config.server_id.as_str());
    let received =
        stdio_backup::is_stream(from).then(|| stdio_backup::receive(database, server_id));
    let received = received.transpose()?;
    let backup = received.as_ref().map_or(from, |received| &received.path);
    let Restored { holdings, replaced } =
        store::restore(database, server_id, backup, now(), file_token(database))?;
    let shown = if received.is_some() { "standard input".into() } else { from.to_string_lossy() };
    println!("{server_id} is restored from {shown}: {holdings}");
    match replaced {
        None => {}
        Some(Replaced { path, holdings: Some(holdings) }) => {
            println!("what it replaced is kept in {}: {holdings}", path.display());
        }
        Some(Replaced { path, holdings: None }) => {
            println!("what it replaced is damaged, and kept in {}", path.display());
        }
    }
    Ok(())
}
