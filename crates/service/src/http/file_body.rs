//! Bodies that are a file.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, HttpBody as _};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use futures_util::future::poll_immediate;
use protocol::Codigo;

use super::HttpError;
use super::connection::Connection;
use super::in_flight::InFlight;

/// The longest file.
const MAX_FILE: usize = 32 * 1024 * 1024;
/// How long a file may take to arrive.
const FILE_LIMIT: Duration = Duration::from_secs(60);

/// Reads the body of a request as a file.
///
/// # Errors
/// It is declared as none of the media `types`, is longer than 32 MiB, or does not arrive whole.
pub async fn read_file(mut request: Request, types: &[&str]) -> Result<Bytes, HttpError> {
    let declared = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !types.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        let mensagem = format!(
            "O corpo deve ser o próprio arquivo, com um cabeçalho Content-Type destes: {}.",
            types.join(", ")
        );
        return Err(HttpError::new(Codigo::TipoNaoSuportado, mensagem));
    }
    let too_long = || {
        let mensagem = format!("O arquivo deve ter no máximo {} MiB.", MAX_FILE >> 20);
        HttpError::new(Codigo::CorpoGrandeDemais, mensagem)
    };
    if request.body().size_hint().lower() > MAX_FILE as u64 {
        return Err(too_long());
    }
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    let in_flight = request.extensions().get::<InFlight>().cloned();
    DefaultBodyLimit::max(MAX_FILE).apply(&mut request);
    let mut body = pin!(tokio::time::timeout(FILE_LIMIT, Bytes::from_request(request, &())));
    let body = if let Some(body) = poll_immediate(&mut body).await {
        body
    } else {
        if let Some(connection) = &connection {
            connection.wait_for_body();
        }
        in_flight.iter().for_each(InFlight::pause);
        let body = body.await;
        if let Some(connection) = &connection {
            connection.begin_answer();
        }
        in_flight.iter().try_for_each(InFlight::resume)?;
        body
    };
    match body {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(too_long())
        }
        Ok(Err(_)) => Err(incomplete("não chegou inteiro")),
        Err(_) => Err(incomplete("não chegou em 60 segundos")),
    }
}

fn incomplete(how: &str) -> HttpError {
    HttpError::new(Codigo::RequisicaoInvalida, format!("O arquivo {how}."))
}
