//! Why a request is not carried out, as its caller is answered.

use domain::Rejection;
use protocol::{BadMessage, Codigo, ErrorReply, FieldError, RequestId, ServerId};

use crate::listing_cache::PageError;
use crate::store::WriteError;

/// A refusal or a fault. Its `Display` is the public `mensagem`; the causes of faults are in the
/// log only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The message cannot be read.
    #[error("{0}")]
    Bad(#[from] BadMessage),
    /// The broker would not take the listing; so many of its postos fit into one message.
    #[error("A requisição tem campos inválidos: limite {}.", wrong_limite(*.fitting))]
    ListTooLong { fitting: usize },
    #[error("{0}")]
    Rejected(#[from] Rejection),
    /// Only a reservation was asked about.
    #[error("O request_id {0} é de uma alteração, e não de uma reserva. Use o da reserva.")]
    OfChange(RequestId),
    /// What became of a change that named no reserva of this servidor.
    #[error("A alteração não foi feita: a reserva que ela nomeia não existe no servidor {0}")]
    NothingToChange(ServerId),
    /// Its caller has stopped waiting.
    #[error("A requisição chegou depois do prazo e não foi executada.")]
    Expired,
    /// Too many requests wait already.
    #[error("O servidor {0} está sobrecarregado. Tente novamente em instantes.")]
    Overloaded(ServerId),
    /// The database cannot be read or written.
    #[error("O servidor {0} não consegue acessar seus dados agora. Tente novamente em instantes.")]
    Unavailable(ServerId),
    /// The disk failed while this was written; a restart may find it written or not.
    #[error(
        "O disco do servidor {0} falhou durante a gravação, e ainda não se sabe se ela foi feita. Consulte a reserva antes de pedir de novo."
    )]
    InDoubt(ServerId),
}

impl Failure {
    pub(crate) fn from_write(error: WriteError, server_id: &ServerId) -> Self {
        match error {
            WriteError::Rejected(rejection) => Self::Rejected(rejection),
            WriteError::Expired => Self::Expired,
            WriteError::Overloaded => Self::Overloaded(server_id.clone()),
            WriteError::Unavailable => Self::Unavailable(server_id.clone()),
            WriteError::InDoubt => Self::InDoubt(server_id.clone()),
        }
    }

    /// Whether nothing was done, and nothing is on disk by which a repeat would be recognised.
    pub(crate) fn is_unwritten(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Overloaded(_))
    }

    /// Whether the disk may have nothing by which a redelivery of the command would be recognised.
    pub(crate) fn may_be_unwritten(&self) -> bool {
        self.is_unwritten() || matches!(self, Self::InDoubt(_) | Self::Expired)
    }

    pub(crate) fn codigo(&self) -> Codigo {
        match self {
            Self::Bad(_) | Self::ListTooLong { .. } => Codigo::RequisicaoInvalida,
            Self::Rejected(rejection) => rejection_codigo(rejection),
            Self::OfChange(_) | Self::NothingToChange(_) => Codigo::ReservaInexistente,
            Self::Expired | Self::InDoubt(_) => Codigo::TempoEsgotado,
            Self::Overloaded(_) => Codigo::Sobrecarregado,
            Self::Unavailable(_) => Codigo::ServidorIndisponivel,
        }
    }

    /// The error as it travels.
    pub(crate) fn into_reply(self, request_id: Option<RequestId>) -> ErrorReply {
        let mut reply = ErrorReply::new(request_id, self.codigo(), self.to_string());
        reply.campos = match self {
            Self::Bad(bad) => bad.campos(),
            Self::ListTooLong { fitting } => {
                vec![FieldError::new("limite", wrong_limite(fitting))]
            }
            Self::Rejected(Rejection::Interval(errors)) => errors
                .into_iter()
                .map(|error| FieldError::new(error.campo(), error.to_string()))
                .collect(),
            Self::Rejected(Rejection::SessionTimes(errors)) => errors
                .into_iter()
                .map(|error| FieldError::new(error.campo(), error.to_string()))
                .collect(),
            Self::Rejected(rejection @ Rejection::EnergiaImplausivel { .. }) => {
                vec![FieldError::new("energia_fornecida", rejection.to_string())]
            }
            Self::Rejected(rejection @ Rejection::ChaveReutilizada) => {
                vec![FieldError::new("request_id", rejection.to_string())]
            }
            _ => Vec::new(),
        };
        reply
    }
}

fn wrong_limite(fitting: usize) -> String {
    match fitting {
        0 => "não tem valor possível: nem um só posto cabe em uma mensagem deste broker".to_owned(),
        1 => "deve ser 1: a lista não cabe em uma mensagem, e os postos seguintes vêm com apos"
            .to_owned(),
        _ => format!(
            "deve vir com no máximo {fitting} postos: a lista não cabe em uma mensagem, e os seguintes vêm com apos"
        ),
    }
}

impl From<PageError> for Failure {
    fn from(error: PageError) -> Self {
        match error {
            PageError::TooLong { fitting } => Self::ListTooLong { fitting },
            PageError::Json(error) => Self::Bad(error.into()),
        }
    }
}

pub(crate) fn rejection_codigo(rejection: &Rejection) -> Codigo {
    match rejection {
        Rejection::PostoInexistente { .. } => Codigo::PostoInexistente,
        Rejection::PostoJaReservadoParaEsteCarro { .. } => Codigo::PostoJaReservadoParaEsteCarro,
        Rejection::PostoReservado { .. } | Rejection::PostoOcupado { .. } => Codigo::PostoReservado,
        Rejection::PostoIndisponivel { .. } => Codigo::PostoIndisponivel,
        Rejection::PostoEmManutencao { .. } => Codigo::PostoEmManutencao,
        Rejection::PostoEmUso { .. }
        | Rejection::PostoComReservas { .. }
        | Rejection::PostoComReservaCumprida { .. }
        | Rejection::ReservasSemPosto { .. } => Codigo::PostoEmUso,
        Rejection::Interval(_) => Codigo::RequisicaoInvalida,
        Rejection::ReservaInexistente { .. } => Codigo::ReservaInexistente,
        Rejection::ReservaEncerrada => Codigo::ReservaEncerrada,
        Rejection::ReservaEmUso => Codigo::ReservaEmUso,
        Rejection::LimiteDeReservas { .. } => Codigo::LimiteDeReservas,
        Rejection::ChaveReutilizada => Codigo::ChaveIdempotenciaReutilizada,
        Rejection::CarroInexistente { .. } => Codigo::CarroInexistente,
        Rejection::CarroEmUso { .. } => Codigo::CarroEmUso,
        Rejection::TokenInexistente { .. } => Codigo::TokenInexistente,
        Rejection::TokenExistente { .. } => Codigo::TokenExistente,
        Rejection::UltimoOperador { .. } => Codigo::UltimoOperador,
        Rejection::CarregamentoInexistente { .. } | Rejection::CarregamentoDesconhecido { .. } => {
            Codigo::CarregamentoInexistente
        }
        Rejection::CarregamentoSobreposto { .. } => Codigo::CarregamentoSobreposto,
        Rejection::SessionTimes(_) => Codigo::RequisicaoInvalida,
        Rejection::EnergiaImplausivel { .. } => Codigo::EnergiaImplausivel,
        Rejection::CarregamentoEncerrado { .. } => Codigo::CarregamentoEncerrado,
        Rejection::CarregamentoAberto { .. } | Rejection::CarroEmCarregamento { .. } => {
            Codigo::CarroEmCarregamento
        }
    }
}
