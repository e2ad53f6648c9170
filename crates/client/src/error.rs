//! Why the gateway itself cannot give an answer.

use protocol::{Codigo, ErrorReply, FieldError, RequestId, ServerId};
use service::HttpError;

/// A fault between this gateway and the servidor. Its `Display` is the public `mensagem`. The
/// servidor's own answers, errors included, are passed on as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    #[error("O cliente está sem conexão com o broker MQTT. Tente novamente em instantes.")]
    BrokerDown,
    #[error("O servidor {0} está indisponível: está desconectado ou nunca foi visto.")]
    ServerOffline(ServerId),
    /// Too many calls are in flight, or too many messages wait for the broker.
    #[error("Há requisições demais em andamento. Tente novamente em instantes.")]
    Overloaded,
    /// No version of a long list of postos lasted until its last page was read.
    #[error(
        "A lista de postos do servidor {0} mudou enquanto suas páginas eram lidas. Tente novamente em instantes."
    )]
    ListChanging(ServerId),
    #[error(
        "O servidor {server_id} não respondeu a tempo. {}", advice(server_id, ask_about.as_ref())
    )]
    Timeout {
        server_id: ServerId,
        /// The reservation request to ask about: it is not known what was done. `None` if
        /// nothing was to be changed.
        ask_about: Option<RequestId>,
    },
    /// The same idempotency key is in flight with another body.
    #[error(
        "A chave de idempotência (ou request_id) já foi usada com outro conteúdo. Use uma nova para um pedido diferente."
    )]
    KeyReused,
    /// The gateway has no right to publish commands.
    #[error("O broker MQTT não dá a este cliente o direito de enviar este comando ao servidor.")]
    NotAllowed,
    /// The broker will never take the command.
    #[error("O broker MQTT não aceita este comando. O registro do cliente tem a causa.")]
    RefusedByBroker,
    #[error("Erro interno. O registro do serviço tem a causa.")]
    Internal,
}

fn advice(server_id: &ServerId, ask_about: Option<&RequestId>) -> String {
    let Some(request_id) = ask_about else { return "Tente novamente.".to_owned() };
    format!("Para saber o que foi feito, consulte GET /reservas/{request_id}?server_id={server_id}")
}

impl GatewayError {
    pub(crate) fn codigo(&self) -> Codigo {
        match self {
            Self::BrokerDown | Self::NotAllowed => Codigo::BrokerIndisponivel,
            Self::ServerOffline(_) => Codigo::ServidorIndisponivel,
            Self::Overloaded | Self::ListChanging(_) => Codigo::Sobrecarregado,
            Self::Timeout { .. } => Codigo::TempoEsgotado,
            Self::KeyReused => Codigo::ChaveIdempotenciaReutilizada,
            Self::RefusedByBroker | Self::Internal => Codigo::ErroInterno,
        }
    }
}

impl From<GatewayError> for HttpError {
    fn from(error: GatewayError) -> Self {
        let mut reply = ErrorReply::new(None, error.codigo(), error.to_string());
        if error == GatewayError::KeyReused {
            reply.campos = vec![FieldError::new("request_id", reply.mensagem.clone())];
        }
        reply.into()
    }
}
