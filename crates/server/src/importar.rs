//! `server importar FILE`: brings the postos to what a file says. If the servidor runs, it does that
//! itself, so that there is one writer and the changes are published (docs/decisions/0049).

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use service::{OwnAnswer, OwnInstance};
use tokio::sync::mpsc;

use crate::app_state::now;
use crate::config::{Config, SETTINGS};
use crate::import::{Counts, ImportError, Mode, NotImported, WrongCell, WrongFile};
use crate::import::{import_postos, read_postos};
use crate::start::StartError;
use crate::store::{Environment, Store, StoreError, is_in_use};

/// How long the running servidor may take for each step.
const STATUS_LIMIT: Duration = Duration::from_secs(5);
const IMPORT_LIMIT: Duration = Duration::from_secs(120);

/// Why a file was not imported by the servidor that runs.
#[derive(Debug, thiserror::Error)]
enum RunningError {
    #[error(
        "{path} está em uso por outro programa, e nenhum servidor {server_id} responde em {addr} ({reason}): se o servidor está em execução, use o HTTP_ADDR dele; senão, encerre o programa que usa o arquivo"
    )]
    NotFound { path: String, server_id: String, addr: String, reason: String },
    #[error("o servidor em execução não importou o arquivo: {0}")]
    Refused(String),
}

#[derive(Deserialize)]
struct Status {
    servidor: String,
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
pub(crate) fn importar(file: &Path, simulate: bool) -> Result<(), Box<dyn Error>> {
    service::check_environment(SETTINGS)?;
    let config = Config::from_lookup(&service::environment)?;
    let shown = file.display().to_string();
    let bytes =
        std::fs::read(file).map_err(|reason| ImportError::File { path: shown.clone(), reason })?;
    let (path, server_id) = (config.database_url.path(), config.server_id.as_str());
    let in_use = is_in_use(path, server_id).map_err(|source| database_error(&config, source))?;
    let outcome = if in_use {
        by_the_running_servidor(&config, &bytes, simulate)?
    } else {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(into_the_database(&config, &bytes, simulate))?
    };
    let counts = outcome.map_err(|wrong| ImportError::Wrong { path: shown.clone(), wrong })?;
    let Counts { criados, alterados, iguais } = counts;
    let simulated = if simulate { " (simulação: nada foi gravado)" } else { "" };
    println!("{shown}: {criados} criados, {alterados} alterados, {iguais} iguais{simulated}");
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
) -> Result<Result<Counts, WrongFile>, StartError> {
    let postos = match read_postos(bytes) {
        Ok(postos) => postos,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let (changes, _nobody) = mpsc::channel(1);
    let server_id = config.server_id.as_str().to_owned();
    let environment = Environment { server_id, now: Arc::new(now), changes };
    let opened = Store::open(config.database_url.path(), environment).await;
    let (store, closer) = opened.map_err(|source| database_error(config, source))?;
    let mode = if simulate { Mode::Simulate } else { Mode::Silent };
    let imported = import_postos(&store, postos, mode).await;
    drop(store);
    let closed = closer.close().await;
    let imported = match imported {
        Ok(counts) => Ok(counts),
        Err(NotImported::Wrong(wrong)) => Err(wrong),
        Err(NotImported::Read(error)) => return Err(StartError::Read(error)),
        Err(NotImported::Write(error)) => return Err(StartError::Write(error)),
    };
    closed.map_err(|source| database_error(config, source))?;
    Ok(imported)
}

fn by_the_running_servidor(
    config: &Config,
    bytes: &[u8],
    simulate: bool,
) -> Result<Result<Counts, WrongFile>, RunningError> {
    let own = OwnInstance::at(config.http_addr);
    let not_found = |reason: String| RunningError::NotFound {
        path: config.database_url.path().display().to_string(),
        server_id: config.server_id.to_string(),
        addr: own.addr().to_string(),
        reason,
    };
    let status = own.get("/status", STATUS_LIMIT).map_err(|error| not_found(error.to_string()))?;
    let found = serde_json::from_slice::<Status>(&status.body);
    let found = found.map_err(|_| not_found(status.status_line.clone()))?;
    if found.servidor != config.server_id.as_str() {
        return Err(not_found(format!("ali responde {:?}", found.servidor)));
    }
    let query = if simulate { "?simular=true" } else { "" };
    let path = format!("/postos/importar{query}");
    let answer = own.post(&path, "text/csv", bytes, IMPORT_LIMIT);
    let answer = answer.map_err(|error| RunningError::Refused(error.to_string()))?;
    read_reply(&answer)
}

fn read_reply(answer: &OwnAnswer) -> Result<Result<Counts, WrongFile>, RunningError> {
    let reply: ImportReply = serde_json::from_slice(&answer.body).map_err(|_| {
        let body = String::from_utf8_lossy(&answer.body);
        RunningError::Refused(format!("{} {body}", answer.status_line))
    })?;
    Ok(match reply.total_de_erros {
        0 => Ok(reply.counts),
        total => Err(WrongFile { listed: reply.erros, total }),
    })
}
