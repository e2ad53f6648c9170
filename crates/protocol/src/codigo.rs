//! The closed list of error codes, each with the one HTTP status it is answered with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, for a program to act on. The list is part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Codigo {
    /// No such posto on that servidor.
    PostoInexistente,
    /// No such reserva, or no such request, on that servidor.
    ReservaInexistente,
    /// No such carro on that servidor.
    CarroInexistente,
    /// No such charging session at that posto.
    CarregamentoInexistente,
    /// This carro already holds the posto for an overlapping stretch.
    PostoJaReservadoParaEsteCarro,
    /// Another carro holds the posto for an overlapping stretch.
    PostoReservado,
    /// The posto is out of service.
    PostoIndisponivel,
    /// The posto is in maintenance.
    PostoEmManutencao,
    /// The posto has an active reserva or charging session and cannot be removed.
    PostoEmUso,
    /// The reserva has run its time and cannot be cancelled any more.
    ReservaEncerrada,
    /// The charging session has ended already, with another amount.
    CarregamentoEncerrado,
    /// Body, query or message is wrong; `campos` names every wrong field.
    RequisicaoInvalida,
    /// The idempotency key (or `request_id`) came before with another body.
    ChaveIdempotenciaReutilizada,
    /// The body is over the limit.
    CorpoGrandeDemais,
    /// The body is not declared as JSON.
    TipoNaoSuportado,
    /// No such route.
    RotaInexistente,
    /// The route exists, with another method.
    MetodoNaoPermitido,
    /// The servidor is offline, was never seen, or cannot write just now.
    ServidorIndisponivel,
    /// The gateway has no broker.
    BrokerIndisponivel,
    /// Too much is in flight; try again a little later.
    Sobrecarregado,
    /// No answer within the limit, or the command arrived after it.
    TempoEsgotado,
    /// A fault of ours; the log has the cause.
    ErroInterno,
}

impl Codigo {
    /// The HTTP status this code is answered with, the same one everywhere.
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Self::PostoInexistente
            | Self::ReservaInexistente
            | Self::CarroInexistente
            | Self::CarregamentoInexistente
            | Self::RotaInexistente => 404,
            Self::MetodoNaoPermitido => 405,
            Self::PostoJaReservadoParaEsteCarro
            | Self::PostoReservado
            | Self::PostoIndisponivel
            | Self::PostoEmManutencao
            | Self::PostoEmUso
            | Self::ReservaEncerrada
            | Self::CarregamentoEncerrado => 409,
            Self::CorpoGrandeDemais => 413,
            Self::TipoNaoSuportado => 415,
            Self::RequisicaoInvalida | Self::ChaveIdempotenciaReutilizada => 422,
            Self::ErroInterno => 500,
            Self::ServidorIndisponivel | Self::BrokerIndisponivel | Self::Sobrecarregado => 503,
            Self::TempoEsgotado => 504,
        }
    }
}
