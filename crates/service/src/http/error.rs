//! Errors as HTTP answers: one JSON shape, one status for each code.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::{BadMessage, Codigo, ErrorReply, RequestId};

/// When to try again after `sobrecarregado`. A servidor takes what comes within a second for a copy
/// of what it has denied, and denies it as well.
pub const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// An error on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError(Box<ErrorReply>);

impl HttpError {
    /// An error without wrong fields.
    #[must_use]
    pub fn new(codigo: Codigo, mensagem: impl Into<String>) -> Self {
        Self(Box::new(ErrorReply::new(None, codigo, mensagem.into())))
    }

    /// The same error, of this request.
    #[must_use]
    pub fn with_request_id(mut self, request_id: RequestId) -> Self {
        self.0.request_id = Some(request_id);
        self
    }

    /// The request it is of, where it knows.
    pub(super) fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Its code.
    #[must_use]
    pub fn codigo(&self) -> Codigo {
        self.0.codigo
    }

    /// There is no such route.
    #[must_use]
    pub fn unknown_route() -> Self {
        Self::new(Codigo::RotaInexistente, "Esta rota não existe. Veja as rotas em /docs.")
    }

    /// The route has no such method.
    #[must_use]
    pub fn wrong_method() -> Self {
        Self::new(
            Codigo::MetodoNaoPermitido,
            "Esta rota não aceita este método HTTP. Veja as rotas em /docs.",
        )
    }

    /// The body is over the limit.
    #[must_use]
    pub fn body_too_large() -> Self {
        Self::new(Codigo::CorpoGrandeDemais, "O corpo da requisição deve ter no máximo 64 KiB.")
    }

    /// The body did not come in time.
    #[must_use]
    pub fn slow_body() -> Self {
        BadMessage::NotJson("não chegou em 10 segundos".to_owned()).into()
    }

    /// The body broke off, or is not put together as HTTP says.
    #[must_use]
    pub fn broken_body() -> Self {
        BadMessage::NotJson("não chegou inteiro".to_owned()).into()
    }

    /// The body is not declared as JSON.
    #[must_use]
    pub fn not_json_type() -> Self {
        Self::new(
            Codigo::TipoNaoSuportado,
            "O corpo deve ser JSON, com o cabeçalho Content-Type: application/json.",
        )
    }

    /// Too much is in flight.
    #[must_use]
    pub fn overloaded() -> Self {
        Self::new(
            Codigo::Sobrecarregado,
            "Há requisições demais em andamento. Tente novamente em instantes.",
        )
    }

    /// A fault of ours; its cause is in the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(Codigo::ErroInterno, "Erro interno. O registro do serviço tem a causa.")
    }
}

impl From<ErrorReply> for HttpError {
    fn from(reply: ErrorReply) -> Self {
        Self(Box::new(reply))
    }
}

impl From<BadMessage> for HttpError {
    fn from(bad: BadMessage) -> Self {
        let mut error = Self::new(Codigo::RequisicaoInvalida, bad.to_string());
        error.0.campos = bad.campos();
        error
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let codigo = self.0.codigo;
        let status = StatusCode::from_u16(codigo.http_status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self.0)).into_response();
        if codigo == Codigo::Sobrecarregado {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        // Which request failed is known where its line is logged.
        response.extensions_mut().insert(self);
        response
    }
}
