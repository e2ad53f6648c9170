//! Errors as HTTP answers: one JSON shape, one status for each code.

use std::time::Duration;

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::{BadMessage, Codigo, ErrorReply, FieldError, ReplyCodigo, RequestId};

use crate::http::LogFields;

/// When to try again after `sobrecarregado`. For a second, a servidor takes a repeat for a copy of
/// the request that failed, and answers the same.
pub const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// The HTTP status of an error.
pub fn status_of(codigo: ReplyCodigo) -> StatusCode {
    StatusCode::from_u16(codigo.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// An error that is about to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError(Box<ErrorContent>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct ErrorContent {
    reply: ErrorReply,
    header: Option<(HeaderName, HeaderValue)>,
}

impl HttpError {
    /// An error without wrong fields.
    pub fn new(codigo: Codigo, mensagem: impl Into<String>) -> Self {
        ErrorReply::new(None, codigo, mensagem.into()).into()
    }

    /// Names the command that failed. What is refused before there is one names none.
    pub fn with_request_id(mut self, request_id: RequestId) -> Self {
        self.0.reply.request_id = Some(request_id);
        self
    }

    /// Whether it names wrong fields.
    pub(in crate::http) fn has_fields(&self) -> bool {
        !self.0.reply.campos.is_empty()
    }

    /// Names the wrong fields of the body too, where both have some. One that is missing in the query
    /// and does not exist in the body, or the other way round, is one mistake.
    fn with_fields_of_body(mut self, other: Self) -> Self {
        let (reply, mut more) = (&mut self.0.reply, other.0.reply.campos);
        if !reply.campos.is_empty() && !more.is_empty() {
            move_to(&mut reply.campos, &mut more, "deve vir na query, não no corpo");
            move_to(&mut more, &mut reply.campos, "deve vir no corpo, não na query");
            reply.campos.extend(more);
            reply.mensagem = BadMessage::Fields(reply.campos.clone()).to_string();
        }
        self
    }

    /// Says more in a header.
    pub(in crate::http) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// More than this caller may ask; it may ask again after `wait`.
    pub fn too_many(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self::general(Codigo::RequisicoesDemais).with_header(RETRY_AFTER, seconds.max(1).into())
    }

    /// An error that any route can have.
    pub(in crate::http) fn general(codigo: Codigo) -> Self {
        let mensagem = match codigo {
            Codigo::RotaInexistente => "Esta rota não existe. Veja as rotas em /docs.",
            Codigo::MetodoNaoPermitido => {
                "Esta rota não aceita este método HTTP. Veja as rotas em /docs."
            }
            Codigo::CorpoGrandeDemais => "O corpo da requisição deve ter no máximo 64 KiB.",
            Codigo::TipoNaoSuportado => {
                "O corpo deve ser JSON, com o cabeçalho Content-Type: application/json."
            }
            Codigo::RequisicaoMalformada => "A requisição não está escrita como o HTTP/1.1 manda.",
            Codigo::CabecalhoGrandeDemais => {
                "O cabeçalho da requisição deve ter no máximo 32 KiB e 100 linhas."
            }
            Codigo::Sobrecarregado => {
                "Há requisições demais em andamento. Tente novamente em instantes."
            }
            Codigo::RequisicoesDemais => {
                "Foram feitas requisições demais. Repita depois dos segundos do cabeçalho Retry-After."
            }
            _ => "Erro interno. O registro do serviço tem a causa.",
        };
        Self::new(codigo, mensagem)
    }
}

/// Says of each field that is missing in `right` and does not exist in `wrong` that it was put there.
fn move_to(right: &mut [FieldError], wrong: &mut Vec<FieldError>, mensagem: &str) {
    for missing in right.iter_mut().filter(|field| field.is_missing()) {
        let before = wrong.len();
        wrong.retain(|field| !(field.is_unknown() && field.campo == missing.campo));
        if wrong.len() < before {
            missing.mensagem = mensagem.to_owned();
        }
    }
}

/// What comes before the body of a request, as a query or a header, and the body.
///
/// # Errors
/// One is wrong, or both: then the wrong fields of both are named together.
pub fn both_parts<A, B, E: Into<HttpError>>(
    head: Result<A, HttpError>,
    body: Result<B, E>,
) -> Result<(A, B), HttpError> {
    match (head, body.map_err(Into::into)) {
        (Ok(head), Ok(body)) => Ok((head, body)),
        (Err(head), Err(body)) => Err(head.with_fields_of_body(body)),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

impl From<ErrorReply> for HttpError {
    fn from(reply: ErrorReply) -> Self {
        Self(Box::new(ErrorContent { reply, header: None }))
    }
}

impl From<BadMessage> for HttpError {
    fn from(bad: BadMessage) -> Self {
        let mut error = Self::new(Codigo::RequisicaoInvalida, bad.to_string());
        error.0.reply.campos = bad.campos();
        error
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let ErrorContent { reply, header } = *self.0;
        let codigo = ReplyCodigo::Known(reply.codigo);
        let mut response = (status_of(codigo), Json(&reply)).into_response();
        if reply.codigo == Codigo::Sobrecarregado {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(LogFields {
            codigo: Some(codigo),
            request_id: reply.request_id,
            server_id: None,
        });
        response
    }
}
