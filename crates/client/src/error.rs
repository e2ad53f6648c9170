//! Why the gateway itself cannot give the answer that was asked for.

use bus::CallError;
use protocol::{Codigo, ErrorReply, FieldError, RequestId, ServerId};
use service::HttpError;

/// A fault between here and the servidor. Its `Display` is the public `mensagem`. What the
/// servidor itself answers, errors included, passes through as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GatewayError {
    /// There is no broker.
    #[error("O cliente está sem conexão com o broker MQTT. Tente novamente em instantes.")]
    BrokerDown,
    /// That servidor is not there.
    #[error("O servidor {0} está indisponível: está desconectado ou nunca foi visto.")]
    ServerAway(ServerId),
    /// Too much is in flight.
    #[error("Há requisições demais em andamento. Tente novamente em instantes.")]
    Overloaded,
    /// No answer came in time.
    #[error(
        "O servidor {server_id} não respondeu a tempo. Para saber o que foi feito, consulte GET /reservas/{settle}?server_id={server_id}"
    )]
    CommandTimeout {
        /// Who did not answer.
        server_id: ServerId,
        /// The reservation request whose fate is open.
        settle: RequestId,
    },
    /// No answer came in time, and nothing was to be changed.
    #[error("O servidor {0} não respondeu a tempo. Tente novamente.")]
    QueryTimeout(ServerId),
    /// The same idempotency key is in flight with another body.
    #[error(
        "A chave de idempotência (ou request_id) já foi usada com outro conteúdo. Use uma nova para um pedido diferente."
    )]
    KeyReused,
    /// The command cannot be written as JSON.
    #[error("Erro interno. O registro do serviço tem a causa.")]
    Internal,
}

impl GatewayError {
    /// What a failed call means; `timeout` says what it means that no answer came.
    pub(crate) fn from_call(error: CallError, timeout: Self) -> Self {
        match error {
            CallError::Offline => Self::BrokerDown,
            CallError::Overloaded => Self::Overloaded,
            CallError::Timeout => timeout,
            CallError::KeyReused => Self::KeyReused,
        }
    }

    fn codigo(&self) -> Codigo {
        match self {
            Self::BrokerDown => Codigo::BrokerIndisponivel,
            Self::ServerAway(_) => Codigo::ServidorIndisponivel,
            Self::Overloaded => Codigo::Sobrecarregado,
            Self::CommandTimeout { .. } | Self::QueryTimeout(_) => Codigo::TempoEsgotado,
            Self::KeyReused => Codigo::ChaveIdempotenciaReutilizada,
            Self::Internal => Codigo::ErroInterno,
        }
    }
}

impl From<GatewayError> for HttpError {
    fn from(error: GatewayError) -> Self {
        let mut reply = ErrorReply::new(None, error.codigo(), error.to_string());
        if error == GatewayError::KeyReused {
            let mensagem = reply.mensagem.clone();
            reply.campos = vec![FieldError { campo: "request_id".to_owned(), mensagem }];
        }
        reply.into()
    }
}
