//! Bodies that are a file.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use protocol::Codigo;
use tokio::task;

use super::content_coding::{Coding, Undecodable};
use super::receive::{content_type, receive};
use crate::http::HttpError;

/// The longest file.
const MAX_FILE: usize = 32 * 1024 * 1024;
/// How long a file may take to arrive.
const FILE_LIMIT: Duration = Duration::from_secs(60);

/// The `mensagem` where a body is declared as none of these media types.
pub fn no_file_of(types: &[&str]) -> String {
    let types = types.join(", ");
    format!("O corpo deve ser o próprio arquivo, com um cabeçalho Content-Type destes: {types}.")
}

/// The `mensagem` where a file is too long.
pub fn too_long_file() -> String {
    format!("O arquivo deve ter no máximo {} MiB.", MAX_FILE >> 20)
}

/// Reads the body of a request as a file.
///
/// # Errors
/// It is declared as none of the media `types`, is longer than 32 MiB, or does not arrive whole.
pub async fn read_file(request: Request, types: &[&str]) -> Result<Bytes, HttpError> {
    let (media_type, _) = content_type(request.headers());
    if !types.iter().any(|known| media_type.eq_ignore_ascii_case(known)) {
        return Err(HttpError::new(Codigo::TipoNaoSuportado, no_file_of(types)));
    }
    let too_long = || HttpError::new(Codigo::CorpoGrandeDemais, too_long_file());
    let coding = Coding::declared(request.headers())?;
    let coded = receive(request, MAX_FILE, FILE_LIMIT, too_long, |how| {
        HttpError::new(Codigo::RequisicaoInvalida, format!("O arquivo {how}."))
    })
    .await?;
    let unpacking = task::spawn_blocking(move || coding.decode(coded, MAX_FILE)).await;
    let unpacked = unpacking.map_err(|_| HttpError::general(Codigo::ErroInterno))?;
    let wrong = |mensagem| HttpError::new(Codigo::RequisicaoInvalida, mensagem);
    unpacked.map_err(|error| match error {
        Undecodable::TooLong => too_long(),
        Undecodable::Other(coding) => wrong(format!("O arquivo não está em {coding}.")),
        Undecodable::Damaged(coding) => {
            wrong(format!("O arquivo em {coding} está incompleto ou danificado."))
        }
    })
}
