//! Finding the servidor that runs with the settings of a command line.

use std::time::Duration;

use serde::Deserialize;
use service::{OwnAnswer, OwnInstance};

use crate::config::Config;
use crate::token_file;

/// How long it may take to say who it is.
const STATUS_LIMIT: Duration = Duration::from_secs(5);

/// No servidor with this id answers where it should.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} está em uso por outro programa, e nenhum servidor {server_id} responde em {addr} ({reason}): se o servidor está em execução, use o HTTP_ADDR dele; senão, encerre o programa que usa o arquivo"
)]
pub(crate) struct NotFound {
    path: String,
    server_id: String,
    addr: String,
    reason: String,
}

#[derive(Deserialize)]
struct Status {
    servidor: String,
}

/// An error as the servidor answers it.
#[derive(Deserialize)]
struct AnsweredError {
    mensagem: String,
}

/// The running servidor, which is then asked with the token of this machine's file. The token is
/// sent to nobody else: first the servidor says who it is.
pub(crate) fn find(config: &Config) -> Result<OwnInstance, NotFound> {
    let own = OwnInstance::at(config.http_addr);
    let addr = own.addr().to_string();
    let not_found = |reason: String| NotFound {
        path: config.database_url.path().display().to_string(),
        server_id: config.server_id.to_string(),
        addr: addr.clone(),
        reason,
    };
    let status = own.get("/status", STATUS_LIMIT).map_err(|error| not_found(error.to_string()))?;
    let found = serde_json::from_slice::<Status>(&status.body);
    let found = found.map_err(|_| not_found(status.status_line.clone()))?;
    if found.servidor != config.server_id.as_str() {
        return Err(not_found(format!("ali responde {:?}", found.servidor)));
    }
    // One that is open needs none, and one that needs it says so.
    Ok(own.with_token(token_file::read(&config.token_file()).ok()))
}

/// What the servidor says of an error, or all that it answered.
pub(crate) fn error_of(answer: &OwnAnswer) -> Result<String, String> {
    let reply = serde_json::from_slice::<AnsweredError>(&answer.body);
    let body = || format!("{} {}", answer.status_line, String::from_utf8_lossy(&answer.body));
    reply.map(|reply| reply.mensagem).map_err(|_| body())
}
