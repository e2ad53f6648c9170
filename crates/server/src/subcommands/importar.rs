//! `server importar FILE`: brings the postos to what a file says. If the servidor runs, it does that
//! itself, so that there is one writer and the changes are published (docs/decisions/0049).

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use service::OwnAnswer;

use super::running_servidor::{self, NotFound};
use crate::config::Config;
use crate::import::{Counts, ImportError, Mode, NotImported, WrongCell, WrongFile};
use crate::import::{import_postos, read_postos};
use crate::open_store::open_store;
use crate::start_error::StartError;
use crate::store::{Author, StoreError, WriteError, is_in_use, why_not_writable};

/// How long the running servidor may take for each step.
const IMPORT_LIMIT: Duration = Duration::from_secs(120);

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
enum ImportarError {
    /// A start makes it, as the user of the servidor and in a folder where that may write.
    #[error(
        "o banco {path} ainda não existe: inicie o servidor uma vez, que o cria, e importe de novo"
    )]
    NoDatabase { path: String },
    #[error(transparent)]
    Database(#[from] StartError),
    /// All of it is in the WAL, which the next start applies.
    #[error("o arquivo foi importado, mas o banco não pôde ser fechado: {0}")]
    NotClosed(StartError),
    #[error("{path} não pôde ser gravado, e {outcome}: {reason}")]
    Write { path: String, outcome: &'static str, reason: String },
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("o servidor em execução não importou o arquivo: {0}")]
    Refused(String),
    #[error(
        "o servidor em execução não respondeu até o fim ({0}), e pode ter importado o arquivo ou não: veja o log dele, e com --simular o que ainda falta, antes de importar de novo"
    )]
    Unanswered(String),
}

/// What `POST /postos/importar` answers.
#[derive(Deserialize)]
struct ImportReply {
    #[serde(flatten)]
    counts: Counts,
    erros: Vec<WrongCell>,
    #[serde(default)]
    total_de_erros: usize,
}

/// Imports a file and says what changed.
#[expect(clippy::print_stdout, reason = "the command line asked for this text")]
pub(crate) fn importar(config: &Config, file: &Path, simulate: bool) -> Result<(), Box<dyn Error>> {
    let shown = file.display().to_string();
    let bytes =
        std::fs::read(file).map_err(|reason| ImportError::File { path: shown.clone(), reason })?;
    let (path, server_id) = (config.database_url.path(), config.server_id.as_str());
    let in_use = is_in_use(path, server_id).map_err(|source| database_error(config, source))?;
    let outcome = if in_use {
        by_the_running_servidor(config, &bytes, simulate)?
    } else if path.try_exists().is_ok_and(|exists| !exists) {
        return Err(ImportarError::NoDatabase { path: path.display().to_string() }.into());
    } else {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(into_the_database(config, &bytes, simulate))?
    };
    let counts = outcome.map_err(|wrong| ImportError::Wrong { path: shown.clone(), wrong })?;
    let Counts { criados, alterados, iguais } = counts;
    let simulated = if simulate { " (simulação: nada foi gravado)" } else { "" };
    println!("{shown}: criados: {criados}, alterados: {alterados}, iguais: {iguais}{simulated}");
    Ok(())
}

fn database_error(config: &Config, source: StoreError) -> StartError {
    StartError::Database { path: config.database_url.path().display().to_string(), source }
}

/// The servidor is stopped.
async fn into_the_database(
    config: &Config,
    bytes: &[u8],
    simulate: bool,
) -> Result<Result<Counts, WrongFile>, ImportarError> {
    let postos = match read_postos(bytes) {
        Ok(postos) => postos,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let path = config.database_url.path();
    let opened = open_store(config).await;
    // Kept until the end: without a receiver, each write would warn that its changes are lost.
    let (store, closer, _changes) = opened.map_err(|source| database_error(config, source))?;
    let mode = if simulate { Mode::Simulate } else { Mode::Silent };
    let imported = import_postos(&store, Author::CommandLine, postos, mode).await;
    // Before closing frees the space that a write has taken.
    let obstacle = if imported.is_err() { why_not_writable(path) } else { None };
    let failure = store.latest_failure();
    drop(store);
    let closed = closer.close().await;
    let imported = match imported {
        Ok(counts) => Ok(counts),
        Err(NotImported::Wrong(wrong)) => Err(wrong),
        Err(NotImported::Read(error)) => return Err(StartError::Read(error).into()),
        Err(NotImported::Write(error)) => {
            let outcome = match error {
                WriteError::InDoubt => "não se sabe se o arquivo foi importado",
                _ => "nada foi importado",
            };
            let reason = obstacle.map(|obstacle| obstacle.to_string()).or(failure);
            let reason = reason.unwrap_or_else(|| error.to_string());
            return Err(ImportarError::Write { path: path.display().to_string(), outcome, reason });
        }
    };
    if let Err(error) = closed {
        let source = why_not_writable(path).map_or(error, StoreError::NotWritable);
        let error = database_error(config, source);
        let is_imported = mode == Mode::Silent && imported.is_ok();
        return Err(if is_imported { ImportarError::NotClosed(error) } else { error.into() });
    }
    Ok(imported)
}

fn by_the_running_servidor(
    config: &Config,
    bytes: &[u8],
    simulate: bool,
) -> Result<Result<Counts, WrongFile>, ImportarError> {
    let own = running_servidor::find(config)?;
    let query = if simulate { "?simular=true" } else { "" };
    let path = format!("/postos/importar{query}");
    let answer = own.post(&path, "text/csv", bytes, IMPORT_LIMIT);
    let answer = answer.map_err(|error| ImportarError::Unanswered(error.to_string()))?;
    read_reply(&answer)
}

fn read_reply(answer: &OwnAnswer) -> Result<Result<Counts, WrongFile>, ImportarError> {
    if answer.body.is_empty() {
        return Err(ImportarError::Unanswered("a conexão foi encerrada".to_owned()));
    }
    let reply = serde_json::from_slice::<ImportReply>(&answer.body);
    let reply = reply.map_err(|_| match running_servidor::error_of(answer) {
        Ok(mensagem) => ImportarError::Refused(mensagem),
        Err(answer) => ImportarError::Unanswered(answer),
    })?;
    Ok(match reply.total_de_erros {
        0 => Ok(reply.counts),
        total => Err(WrongFile { listed: reply.erros, total }),
    })
}
